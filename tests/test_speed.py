"""`auto` in `speed.forward`, decided for a device."""

import pytest
import torch

from pipeline import speed
from pipeline.errors import ParamsError
from pipeline.params import ForwardParams, load_params
from pipeline.speed import kernels_on

FORWARD = load_params().speed.forward


@pytest.mark.parametrize(
    ("device", "layers"), [("cpu", "fused"), ("cuda", "plain"), ("mps", "plain")]
)
def test_layers_are_fused_on_a_cpu(
    device: str, layers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "has_fast_bf16", lambda _: False)
    assert kernels_on(torch.device(device), FORWARD).layers == layers


@pytest.mark.parametrize("has", [True, False])
def test_bf16_follows_the_hardware_unless_told(has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "has_fast_bf16", lambda _: has)
    cpu = torch.device("cpu")
    assert kernels_on(cpu, FORWARD).bf16 is has
    for told, expected in (("bf16", True), ("fp32", False)):
        assert kernels_on(cpu, FORWARD.model_copy(update={"precision": told})).bf16 is expected


def test_fused_layers_are_refused_where_they_do_not_compute() -> None:
    asked = FORWARD.model_copy(update={"layers": "fused", "precision": "fp32"})
    for device in ("cuda", "mps"):
        with pytest.raises(ParamsError, match=f"'fused' is for a CPU and the device is {device}"):
            kernels_on(torch.device(device), asked)
        plain = asked.model_copy(update={"layers": "auto"})
        assert kernels_on(torch.device(device), plain).layers == "plain"


def test_every_key_of_params_reaches_the_kernels() -> None:
    cpu = torch.device("cpu")
    off = ForwardParams(
        precision="fp32",
        layers="plain",
        attention="eager",
        pack_tokens=False,
        cheap_dropout=False,
        merge_pairs=False,
        trim_last_layer=False,
    )
    for key, value in {
        "precision": "bf16",
        "layers": "fused",
        "attention": "sdpa",
        "pack_tokens": True,
        "cheap_dropout": True,
        "merge_pairs": True,
        "trim_last_layer": True,
    }.items():
        assert kernels_on(cpu, off.model_copy(update={key: value})) != kernels_on(cpu, off), key
