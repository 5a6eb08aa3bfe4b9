"""What `speed.forward` in params.yaml comes to on the device at hand."""

import torch

from pipeline.device import has_fast_bf16
from pipeline.errors import ParamsError
from pipeline.model.kernels import Kernels, Layers
from pipeline.params import ForwardParams


def kernels_on(device: torch.device, forward: ForwardParams) -> Kernels:
    """Choose a backbone's kernels, with every `auto` decided.

    Raises:
        ParamsError: fused layers are asked for by name where they do not compute.
    """
    if forward.layers == "fused" and device.type != "cpu":
        raise ParamsError(
            f"speed.forward.layers: 'fused' is for a CPU and the device is {device.type}; "
            "set it to auto or plain in params.yaml"
        )
    fast_layers: Layers = "fused" if device.type == "cpu" else "plain"
    return Kernels(
        bf16=has_fast_bf16(device) if forward.precision == "auto" else forward.precision == "bf16",
        layers=fast_layers if forward.layers == "auto" else forward.layers,
        attention=forward.attention,
        pack_tokens=forward.pack_tokens,
        cheap_dropout=forward.cheap_dropout,
        merge_pairs=forward.merge_pairs,
        trim_last_layer=forward.trim_last_layer,
    )
