"""Where to compute, and how to begin from the same random numbers."""

import logging

import torch

from pipeline.errors import ParamsError

log = logging.getLogger(__name__)


def choose_device(wanted: str) -> torch.device:
    """Return the device that `device` in params.yaml asks for; `auto` takes the fastest there is.

    Raises:
        ParamsError: the device is asked for by name and is not there.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        wanted = next(name for name, is_there in available.items() if is_there)
    if not available[wanted]:
        there = ", ".join(name for name, is_there in available.items() if is_there)
        raise ParamsError(f"device: {wanted!r} is not available here; available: auto, {there}")
    return torch.device(wanted)


def device_name(device: torch.device) -> str:
    """Name a device for reports: `cpu`, `mps`, or the GPU's model."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def seed_everything(seed: int) -> None:
    """Set torch's generators: of new heads and of dropout."""
    torch.manual_seed(seed)
