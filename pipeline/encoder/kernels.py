"""Which of several ways to compute the same thing a backbone takes.

Each field is one piece of speed that can be switched off (`speed.forward` in params.yaml); with
all of them off the model computes as the paper's formulas read.
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
    """The choices of one backbone."""

    bf16: bool = False  # matrix products in bfloat16; weights, gradients and heads stay in fp32
    layers: Layers = "plain"  # fused: model/fused.py; plain: model/bert.py
    attention: Attention = "eager"  # of the plain layers
    pack_tokens: bool = False  # the fused layers leave out padding
    cheap_dropout: bool = False  # masks from 15 or 31 random bits an element, on a CPU
    merge_pairs: bool = False  # both sentences of a pair in one forward pass
    trim_last_layer: bool = False  # nothing but each [CLS] where only the pooled output is read


PLAIN = Kernels()


def kernels_on(device: torch.device, forward: ForwardParams) -> Kernels:
    """Choose a backbone's kernels, with every `auto` decided for the device.

    Raises:
        ParamsError: fused layers are asked for by name where they do not compute.
    """
    on_cpu = device.type == "cpu"
    if forward.layers == "fused" and not on_cpu:
        raise ParamsError(
            f"speed.forward.layers: 'fused' is for a CPU and the device is {device.type}; "
            "set it to auto or plain in params.yaml"
        )
    chosen = forward.model_dump(exclude={"precision"})
    if forward.layers == "auto":
        chosen["layers"] = "fused" if on_cpu else "plain"
    bf16 = has_fast_bf16(device) if forward.precision == "auto" else forward.precision == "bf16"
    return Kernels(bf16=bf16, **chosen)
