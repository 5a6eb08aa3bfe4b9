"""The fused layer: gradients against finite differences, and each part against the plain layer.

test_bert.py compares outputs and gradients with Hugging Face's.
"""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pipeline.core.config import BertConfig
from pipeline.encoder import fused
from pipeline.encoder.dropout import Dropout, keep_mask
from pipeline.encoder.fused import _Attention, _DropAddNorm, layout_of
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import new_backbone
from tests.encoder.test_bert import batch

CONFIG = BertConfig(60, 32, 3, 4, 64, 16, 2, 0, 0.0, 0.0, 1e-12)  # without dropout
FUSED = replace(PLAIN, layers="fused", pack_tokens=True)
LENGTHS = (12, 7, 3, 12)


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("p", [0.0, 0.4])
def test_the_gradient_of_attention_is_correct(
    pack: bool, p: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finite differences in float64; several slices compute the same as one."""
    mask = batch(CONFIG.vocab_size, (5, 3, 1))[1]
    layout = layout_of(mask, torch.float64, pack_tokens=pack)
    num_tokens = int(mask.sum()) if pack else mask.numel()
    generator = torch.Generator().manual_seed(0)
    projected = torch.randn(num_tokens, 12, generator=generator, dtype=torch.float64)

    def attend(values: Tensor) -> Tensor:
        torch.manual_seed(4)  # the same mask each time
        out: Tensor = _Attention.apply(values, layout, 2, Dropout(p, cheap=False))
        # values at padding have no meaning and get a large negative score
        return out if pack else out[mask.flatten()]

    whole = attend(projected)
    monkeypatch.setattr(fused, "SCORES_AT_ONCE", 1)
    if p == 0:  # each slice draws its own mask
        torch.testing.assert_close(attend(projected), whole)
    assert torch.autograd.gradcheck(attend, (projected.requires_grad_(),))


@pytest.mark.parametrize("p", [0.0, 0.4])
def test_the_gradient_of_dropout_add_and_norm_is_correct(p: float) -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    def join(*tensors: Tensor) -> Tensor:
        torch.manual_seed(4)
        joined: Tensor = _DropAddNorm.apply(*tensors, 1e-5, Dropout(p, cheap=False))
        return joined

    assert torch.autograd.gradcheck(join, (draw(5, 6), draw(5, 6), draw(6), draw(6)))


def test_attention_drops_probabilities_before_the_values() -> None:
    """The formula of the plain layers with the mask of the fused part."""
    layout = layout_of(torch.ones(2, 6, dtype=torch.bool), torch.float32, pack_tokens=True)
    projected = torch.randn(12, 24, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(4)
    got = _Attention.apply(projected, layout, 2, Dropout(0.5, cheap=True))
    query, key, value = projected.view(2, 6, 3, 2, 4).permute(2, 0, 3, 1, 4)
    probabilities = (query @ key.transpose(-1, -2) / 2).softmax(-1)
    torch.manual_seed(4)
    keep, scale = keep_mask(probabilities, 0.5, cheap=True)
    expected = (probabilities * (keep != 0) * scale) @ value
    torch.testing.assert_close(got, expected.transpose(1, 2).reshape(12, 8))


def test_bf16_is_used_under_autocast_and_is_close() -> None:
    torch.manual_seed(0)
    plain, model = new_backbone(CONFIG, PLAIN), new_backbone(CONFIG, FUSED)
    model.load_state_dict(plain.state_dict())
    ids, mask = batch(CONFIG.vocab_size, LENGTHS)
    exact = plain(ids, mask)
    with torch.autocast("cpu", torch.bfloat16):
        near = model(ids, mask)
    assert near.dtype == torch.bfloat16
    assert not near[~mask].any()  # unpacked tokens have 0 at padding
    # bf16 keeps 8 bits: a few roundings of hidden states near 1
    torch.testing.assert_close(near[mask].float(), exact[mask], atol=0.1, rtol=0)
    model.pooler(near.float()[:, 0]).sum().backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(g.dtype == torch.float32 and g.isfinite().all() for g in gradients)
