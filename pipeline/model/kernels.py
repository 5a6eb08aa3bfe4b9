"""Which of several ways to compute the same thing a backbone takes.

Each field is one piece of speed that can be switched off (`speed.forward` in params.yaml); with
all of them off the model computes as the paper's formulas read.
"""

from dataclasses import dataclass
from typing import Literal

Attention = Literal["sdpa", "eager"]
Layers = Literal["fused", "plain"]


@dataclass(frozen=True)
class Kernels:
    """The choices of one backbone."""

    bf16: bool  # matrix products in bfloat16; weights, gradients and heads stay in fp32
    layers: Layers  # fused: model/fused.py; plain: model/bert.py
    attention: Attention  # of the plain layers
    pack_tokens: bool  # the fused layers leave out padding
    cheap_dropout: bool  # masks from 15 or 31 random bits an element, on a CPU
    merge_pairs: bool  # both sentences of a pair in one forward pass
    trim_last_layer: bool  # nothing but each [CLS] where only the pooled output is read


PLAIN = Kernels(
    bf16=False,
    layers="plain",
    attention="eager",
    pack_tokens=False,
    cheap_dropout=False,
    merge_pairs=False,
    trim_last_layer=False,
)
