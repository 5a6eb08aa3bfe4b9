"""Read and write weights: pretrained backbones with Hugging Face's names, ours with our own.

The tensors of a file must match the model: none may be missing, surplus or of another shape.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import nn

from pipeline.core import paths
from pipeline.core.checkpoint_names import judged_checkpoint
from pipeline.core.config import BertConfig, config_from_json
from pipeline.core.files import check_schema, replacing
from pipeline.core.schemas import TRAIN
from pipeline.core.tensor_files import misfit, mismatches, stored_tensors
from pipeline.encoder.bert import EncoderLayer, MinBert
from pipeline.encoder.fused import FusedLayer
from pipeline.encoder.kernels import Kernels, Layers
from pipeline.errors import TrainingError

LAYERS: Mapping[Layers, type[EncoderLayer]] = {"plain": EncoderLayer, "fused": FusedLayer}


def new_backbone(config: BertConfig, kernels: Kernels) -> MinBert:
    """Build a minBERT with new weights and the type of encoder layers set in `kernels`."""
    return MinBert(config, kernels, LAYERS[kernels.layers])


def load_backbone(backbone_dir: Path, kernels: Kernels) -> MinBert:
    """Build a minBERT, in fp32 and train mode, from config.json and model.safetensors.

    This draws no random numbers, so the state of the caller's generators does not change.

    Raises:
        BackboneError: a file is missing or damaged, or its tensors do not match the config.
    """
    config = config_from_json(backbone_dir / paths.CONFIG)
    path = backbone_dir / paths.WEIGHTS
    names = judged_checkpoint(path, config).names
    with torch.device("meta"):  # shapes only; the file provides the values
        model = new_backbone(config, kernels)
    with safe_open(path, framework="pt") as file:
        weights = {
            ours: file.get_tensor(theirs).to(torch.float32, copy=True)
            for ours, theirs in names.items()
        }
    model.load_state_dict(weights, assign=True)
    return model


def save_weights(module: nn.Module, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the tensors of a module; the same tensors and metadata give the same bytes.

    The metadata of the file also has a `schema` key, which identifies the format.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in sorted(module.state_dict().items())
    }
    content = _with_metadata(save(tensors), {"schema": str(TRAIN), **metadata})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_weights(module: nn.Module, path: Path) -> dict[str, str]:
    """Load weights saved with `save_weights` into a module; return the metadata of the file.

    Raises:
        TrainingError: the file is missing or damaged, or its tensors do not match the module.
        SchemaError: another version of this project wrote the file.
    """
    found, metadata = stored_tensors(path, TrainingError)
    check_schema(path, metadata.get("schema"), TRAIN)
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    problems = [f"{name} is surplus" for name in sorted(found.keys() - wanted.keys())]
    problems += mismatches(wanted, found, {name: name for name in wanted})
    if problems:
        raise TrainingError(misfit(path, "the model", problems))
    module.load_state_dict(load_file(path))
    return metadata


def _with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Put metadata into a safetensors file in sorted order; the library's own order varies.

    The format: 8 bytes with the length of the header, the header as JSON padded with spaces to
    a multiple of 8 bytes, the tensors.
    """
    length = int.from_bytes(content[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(content[8 : 8 + length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
