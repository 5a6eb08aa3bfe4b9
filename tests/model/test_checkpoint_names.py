"""Names and shapes of a checkpoint: those of the real models, ours and Hugging Face's."""

from dataclasses import asdict
from pathlib import Path

import pytest
import transformers
from safetensors.torch import save_file

from pipeline.errors import BackboneError
from pipeline.model.bert import MinBert
from pipeline.model.checkpoint_names import (
    hugging_face_names,
    judged_checkpoint,
    tensor_shapes,
)
from pipeline.model.config import BertConfig
from pipeline.model.kernels import PLAIN

# every size another, so that no two can be taken for each other
CONFIG = BertConfig(
    vocab_size=40,
    hidden_size=12,
    num_hidden_layers=3,
    num_attention_heads=2,
    intermediate_size=20,
    max_position_embeddings=10,
    type_vocab_size=2,
    pad_token_id=0,
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    layer_norm_eps=1e-12,
)
THEIRS = transformers.BertConfig(**asdict(CONFIG))


def test_the_table_of_shapes_is_that_of_the_model() -> None:
    state = MinBert(CONFIG, PLAIN).state_dict()
    assert tensor_shapes(CONFIG) == {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_the_names_are_those_of_hugging_faces_model() -> None:
    state = transformers.BertModel(THEIRS).state_dict()
    shapes, names = tensor_shapes(CONFIG), hugging_face_names(CONFIG)
    assert names.keys() == shapes.keys()
    assert {names[ours]: shape for ours, shape in shapes.items()} == {
        name: tuple(tensor.shape) for name, tensor in state.items()
    }


@pytest.mark.parametrize(
    ("model", "heads"),
    [
        (transformers.BertModel, ()),
        (transformers.BertForSequenceClassification, ("classifier",)),
        (transformers.BertForMultipleChoice, ("classifier",)),
        (transformers.BertForPreTraining, ("cls",)),
    ],
)
def test_a_model_of_hugging_faces_is_taken_and_its_heads_are_named(
    model: type[transformers.PreTrainedModel], heads: tuple[str, ...], tmp_path: Path
) -> None:
    model(THEIRS).save_pretrained(tmp_path)
    checkpoint = judged_checkpoint(tmp_path / "model.safetensors", CONFIG)
    assert checkpoint.names.keys() == tensor_shapes(CONFIG).keys()
    assert checkpoint.heads == heads


@pytest.mark.parametrize(
    ("model", "head"),
    [
        (transformers.BertForTokenClassification, "classifier"),
        (transformers.BertForQuestionAnswering, "qa_outputs"),
    ],
)
def test_heads_without_a_pooler_want_one(
    model: type[transformers.PreTrainedModel], head: str, tmp_path: Path
) -> None:
    tensors = model(THEIRS).state_dict()
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    said = (
        r"config\.json: pooler\.dense\.weight is missing; pooler\.dense\.bias is missing; take both"
    )
    with pytest.raises(BackboneError, match=said):
        judged_checkpoint(path, CONFIG)
    pooler = transformers.BertModel(THEIRS).pooler.state_dict()
    save_file(tensors | {f"bert.pooler.{name}": tensor for name, tensor in pooler.items()}, path)
    assert judged_checkpoint(path, CONFIG).heads == (head,)
