"""`speed.forward` on a device: how `auto` is resolved."""

from dataclasses import asdict

import pytest
import torch

from pipeline.encoder import kernels
from pipeline.encoder.kernels import PLAIN, kernels_on
from pipeline.errors import ParamsError
from pipeline.plumbing.params import ForwardParams, load_params

FORWARD = load_params().speed.forward


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize(
    ("device", "layers"), [("cpu", "fused"), ("cuda", "plain"), ("mps", "plain")]
)
def test_auto_depends_on_the_device(
    device: str, layers: str, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "has_fast_bf16", lambda _: has)
    chosen = kernels_on(torch.device(device), FORWARD)
    assert (chosen.layers, chosen.bf16) == (layers, has)
    for wanted, expected in (("bf16", True), ("fp32", False)):
        named = FORWARD.model_copy(update={"precision": wanted})
        assert kernels_on(torch.device(device), named).bf16 is expected


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_fused_layers_are_rejected_on_unsupported_devices(device: str) -> None:
    asked = FORWARD.model_copy(update={"layers": "fused"})
    with pytest.raises(ParamsError, match=f"'fused' needs a CPU, and the device is {device}"):
        kernels_on(torch.device(device), asked)


def test_every_key_of_params_reaches_the_kernels() -> None:
    cpu = torch.device("cpu")
    off = ForwardParams(precision="fp32", **{k: v for k, v in asdict(PLAIN).items() if k != "bf16"})
    assert kernels_on(cpu, off) == PLAIN
    on = FORWARD.model_dump() | {"precision": "bf16"}  # the others are on in params.yaml
    for key, value in on.items():
        assert kernels_on(cpu, off.model_copy(update={key: value})) != PLAIN, key
