"""How a backbone computes: each option is an optimization that can be switched off.

The options are under `speed.forward` in params.yaml. With all of them off, the model
computes exactly the formulas of the paper.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from pipeline.encoder.device import has_fast_bf16
from pipeline.errors import ParamsError
from pipeline.plumbing.params import ForwardParams

Attention = Literal["sdpa", "eager"]
Layers = Literal["fused", "plain"]


@dataclass(frozen=True)
class Kernels:
    """The options of one backbone."""

    bf16: bool = False  # matrix products in bfloat16; weights, gradients and heads stay in fp32
    layers: Layers = "plain"  # fused: fused.py; plain: bert.py
    attention: Attention = "eager"  # only for plain layers
    pack_tokens: bool = False  # fused layers skip padding
    cheap_dropout: bool = False  # on a CPU, masks take 15 or 31 random bits per element
    merge_pairs: bool = False  # both sentences of a pair in one forward pass
    trim_last_layer: bool = False  # the last layer computes only [CLS] if nothing else is read


PLAIN = Kernels()


def kernels_on(device: torch.device, forward: ForwardParams) -> Kernels:
    """Return the options for a device, with each `auto` resolved.

    Raises:
        ParamsError: `fused` layers are requested and the device is not a CPU.
    """
    on_cpu = device.type == "cpu"
    if forward.layers == "fused" and not on_cpu:
        raise ParamsError(
            f"speed.forward.layers: 'fused' needs a CPU, and the device is {device.type}; "
            "set it to auto or plain in params.yaml"
        )
    chosen = forward.model_dump(exclude={"precision"})
    if forward.layers == "auto":
        chosen["layers"] = "fused" if on_cpu else "plain"
    bf16 = has_fast_bf16(device) if forward.precision == "auto" else forward.precision == "bf16"
    return Kernels(bf16=bf16, **chosen)
