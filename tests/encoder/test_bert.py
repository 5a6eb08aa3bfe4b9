"""minBERT computes the same as Hugging Face's BertModel, forward and backward."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import transformers
from torch import Tensor

from pipeline.core.config import BertConfig
from pipeline.encoder.bert import MinBert
from pipeline.encoder.kernels import PLAIN, Kernels
from pipeline.encoder.weights import load_backbone, new_backbone
from pipeline.errors import BackboneError

# V, D, L, H, F, positions, token types, padding's id, two dropouts, the norms' epsilon
SMALL = BertConfig(60, 32, 2, 2, 64, 16, 2, 0, 0.1, 0.1, 1e-12)
SHAPES = {
    "32-wide-2-heads": SMALL,
    "48-wide-4-heads": BertConfig(60, 48, 3, 4, 80, 16, 2, 0, 0.1, 0.1, 1e-5),
    "64-wide-8-heads": BertConfig(60, 64, 1, 8, 100, 12, 3, 0, 0.1, 0.1, 1e-3),
}
LENGTHS = (12, 7, 1)
KERNELS: dict[str, Kernels] = {
    "eager": PLAIN,
    "sdpa": replace(PLAIN, attention="sdpa"),
    "fused": replace(PLAIN, layers="fused", pack_tokens=True),
    "fused, padded": replace(PLAIN, layers="fused"),
}

# Gradients pass through tanh, softmax and layer norms: float32 keeps about six digits.
OUTPUT_TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 1e-4


def batch(vocab_size: int, lengths: tuple[int, ...] = LENGTHS) -> tuple[Tensor, Tensor]:
    """Return random token ids, padded with 0, and their mask."""
    generator = torch.Generator().manual_seed(1)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ids = torch.randint(1, vocab_size, mask.shape, generator=generator)
    return ids * mask, mask


def twins(
    config: BertConfig, kernels: str, directory: Path
) -> tuple[MinBert, transformers.BertModel]:
    """Return our model and theirs in evaluation mode, with weights that reveal mistakes."""
    torch.manual_seed(0)
    theirs = transformers.BertModel(
        transformers.BertConfig(
            **asdict(config), attn_implementation="eager", initializer_range=0.2
        )
    )
    with torch.no_grad():  # new biases and norms are zeros and ones, which hides mistakes
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    theirs.save_pretrained(directory)
    return load_backbone(directory, KERNELS[kernels]).eval(), theirs.eval()


class Outputs(NamedTuple):
    """Hidden states [B, T, D], and the pooled output of the first token [B, D]."""

    hidden: Tensor
    pooled: Tensor


def outputs(model: MinBert, *batch: Tensor | None) -> Outputs:
    hidden = model(*batch)
    return Outputs(hidden, model.pooler(hidden[:, 0]))


def largest(difference: Tensor) -> float:
    return difference.abs().max().item()


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_outputs_and_all_gradients_equal_hugging_face(
    shape: str, kernels: str, tmp_path: Path
) -> None:
    ours, theirs = twins(SHAPES[shape], kernels, tmp_path)
    ids, mask = batch(SHAPES[shape].vocab_size)
    _compare_outputs(ours, theirs, ids, mask)
    _compare_outputs(ours, theirs, ids, mask, (torch.arange(12) > 3).long().expand_as(ids))
    _compare_gradients(ours, theirs, ids, mask, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["eager", "fused"])
def test_outputs_and_gradients_with_real_weights_equal_hugging_face(
    kernels: str, minilm_dir: Path, tmp_path: Path
) -> None:
    theirs = transformers.BertModel.from_pretrained(minilm_dir, attn_implementation="eager").eval()
    ours = load_backbone(minilm_dir, KERNELS[kernels]).eval()
    ids, mask = batch(30_522, (40, 17, 1))
    _compare_outputs(ours, theirs, ids, mask)
    _compare_gradients(ours, theirs, ids, mask, tmp_path)


def _compare_outputs(
    ours: MinBert,
    theirs: transformers.BertModel,
    ids: Tensor,
    mask: Tensor,
    types: Tensor | None = None,
) -> None:
    torch.manual_seed(5)  # for dropout, in train mode
    mine = outputs(ours, ids, mask, types)
    torch.manual_seed(5)
    their = theirs(ids, attention_mask=mask.long(), token_type_ids=types)
    assert mine.hidden.shape == (*ids.shape, ours.config.hidden_size)
    assert largest((mine.hidden - their.last_hidden_state)[mask]) < OUTPUT_TOLERANCE
    assert largest(mine.pooled - their.pooler_output) < OUTPUT_TOLERANCE


def _compare_gradients(
    ours: MinBert, theirs: transformers.BertModel, ids: Tensor, mask: Tensor, directory: Path
) -> None:
    """Compare gradients under our names, by loading theirs like weights."""
    width = ours.config.hidden_size
    weighting = torch.randn(width, generator=torch.Generator().manual_seed(2)) / width

    output = outputs(ours, ids, mask)
    ((output.hidden[mask] @ weighting).sum() + (output.pooled @ weighting).sum()).backward()
    other = theirs(ids, attention_mask=mask.long())
    hidden, pooled = other.last_hidden_state, other.pooler_output
    ((hidden[mask] @ weighting).sum() + (pooled @ weighting).sum()).backward()

    with torch.no_grad():
        for parameter in theirs.parameters():
            assert parameter.grad is not None
            parameter.copy_(parameter.grad)
    theirs.save_pretrained(directory)
    expected = dict(load_backbone(directory, PLAIN).named_parameters())
    for name, parameter in ours.named_parameters():
        assert parameter.grad is not None, name
        assert largest(parameter.grad - expected[name]) < GRADIENT_TOLERANCE, name
        # a tolerance is meaningless if all values are smaller; key biases cancel in the softmax
        if not name.endswith("attention.key.bias"):
            assert largest(expected[name]) > 10 * GRADIENT_TOLERANCE, name


def small_model(kernels: str, config: BertConfig = SMALL) -> MinBert:
    torch.manual_seed(0)
    return new_backbone(config, KERNELS[kernels])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kernels", ["eager", "sdpa"])  # packed layers have no such row
def test_a_row_of_padding_has_finite_outputs_and_gradients(
    kernels: str, dtype: torch.dtype
) -> None:
    model = small_model(kernels)
    ids, mask = batch(SMALL.vocab_size)
    mask[1] = False
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        output = outputs(model, ids, mask)
    output.hidden.sum().add(output.pooled.sum()).backward()
    assert output.hidden.isfinite().all()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_dropout_acts_in_the_same_places_as_hugging_faces(tmp_path: Path) -> None:
    """With the same seed, both drop the same elements in the same order."""
    ours, theirs = twins(SMALL, "eager", tmp_path)
    ids, mask = batch(SMALL.vocab_size)
    _compare_outputs(ours.train(), theirs.train(), ids, mask)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("kind", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_each_kind_of_dropout_acts_only_in_training(kernels: str, kind: str) -> None:
    none = replace(SMALL, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    some = replace(none, **{kind: 0.5})
    ids, mask = batch(SMALL.vocab_size)
    for config, training, differs in (
        (none, True, False),
        (some, True, True),
        (some, False, False),
    ):
        model = small_model(kernels, config).train(training)
        assert torch.equal(model(ids, mask), model(ids, mask)) is not differs


def test_new_weights_have_berts_distribution() -> None:
    torch.manual_seed(0)
    model = MinBert(replace(SMALL, hidden_size=128, vocab_size=500), PLAIN)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        elif parameter.numel() > 5_000:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name
            assert parameter.mean().item() == pytest.approx(0.0, abs=1e-3), name


def test_more_tokens_than_positions_are_rejected() -> None:
    ids, mask = batch(SMALL.vocab_size, (17,))
    with pytest.raises(BackboneError, match=r"16 positions.*17 tokens.*tokens.max_length.*16"):
        small_model("sdpa")(ids, mask)
