"""Names and shapes of a checkpoint: those of the real models, ours and Hugging Face's."""

from dataclasses import asdict
from pathlib import Path

import pytest
import transformers
from safetensors.torch import save_file

from pipeline.core.checkpoint_names import (
    hugging_face_names,
    judged_checkpoint,
    tensor_shapes,
)
from pipeline.core.config import BertConfig
from pipeline.encoder.bert import MinBert
from pipeline.encoder.kernels import PLAIN
from pipeline.errors import BackboneError

# every size another, so that no two can be taken for each other
CONFIG = BertConfig(40, 12, 3, 2, 20, 10, 2, 0, 0.1, 0.1, 1e-12)
THEIRS = transformers.BertConfig(**asdict(CONFIG))


def test_names_and_shapes_are_those_of_our_model_and_of_hugging_faces() -> None:
    ours, theirs = MinBert(CONFIG, PLAIN).state_dict(), transformers.BertModel(THEIRS).state_dict()
    shapes, names = tensor_shapes(CONFIG), hugging_face_names(CONFIG)
    assert shapes == {name: tuple(tensor.shape) for name, tensor in ours.items()}
    assert {names[name]: shape for name, shape in shapes.items()} == {
        name: tuple(tensor.shape) for name, tensor in theirs.items()
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
