"""Names and shapes in checkpoints of Hugging Face's models; test_weights.py has ours."""

from dataclasses import asdict
from pathlib import Path

import pytest
import transformers
from safetensors.torch import load_file, save_file

from pipeline.core.checkpoint_names import hugging_face_names, judged_checkpoint
from pipeline.core.config import BertConfig
from pipeline.errors import BackboneError

# all sizes differ, so that none can be confused
CONFIG = BertConfig(40, 12, 3, 2, 20, 10, 2, 0, 0.1, 0.1, 1e-12)
THEIRS = transformers.BertConfig(**asdict(CONFIG))


@pytest.mark.parametrize(
    ("model", "heads", "has_pooler"),
    [
        (transformers.BertModel, (), True),
        (transformers.BertForSequenceClassification, ("classifier",), True),
        (transformers.BertForMultipleChoice, ("classifier",), True),
        (transformers.BertForPreTraining, ("cls",), True),
        (transformers.BertForTokenClassification, ("classifier",), False),
        (transformers.BertForQuestionAnswering, ("qa_outputs",), False),
    ],
)
def test_hugging_face_models_need_a_pooler_and_their_heads_are_named(
    model: type[transformers.PreTrainedModel],
    heads: tuple[str, ...],
    has_pooler: bool,
    tmp_path: Path,
) -> None:
    model(THEIRS).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    if not has_pooler:
        message = (
            r"config\.json: pooler\.dense\.weight is missing; pooler\.dense\.bias is missing; take"
        )
        with pytest.raises(BackboneError, match=message):
            judged_checkpoint(path, CONFIG)
        pooler = transformers.BertModel(THEIRS).pooler.state_dict()
        named = {f"bert.pooler.{name}": tensor for name, tensor in pooler.items()}
        save_file(load_file(path) | named, path)
    checkpoint = judged_checkpoint(path, CONFIG)
    assert checkpoint.names.keys() == hugging_face_names(CONFIG).keys()
    assert checkpoint.heads == heads
