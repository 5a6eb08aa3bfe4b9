"""Weights in and out of safetensors files: a backbone's under Hugging Face's names, ours as ours.

Every tensor of a file is accounted for: none may be missing, none left over, none of another shape.
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
    """Build a minBERT with new weights, out of the encoder layers that `kernels` names."""
    return MinBert(config, kernels, LAYERS[kernels.layers])


def load_backbone(backbone_dir: Path, kernels: Kernels) -> MinBert:
    """Build a minBERT, in fp32 and train mode, from config.json and model.safetensors.

    Takes no random numbers: the caller's generators stay where they are.

    Raises:
        BackboneError: a file is missing or damaged, or its tensors are not those of the config.
    """
    config = config_from_json(backbone_dir / paths.CONFIG)
    path = backbone_dir / paths.WEIGHTS
    names = judged_checkpoint(path, config).names
    with torch.device("meta"):  # shapes without values: these come from the file
        model = new_backbone(config, kernels)
    with safe_open(path, framework="pt") as file:
        weights = {
            ours: file.get_tensor(theirs).to(torch.float32, copy=True)
            for ours, theirs in names.items()
        }
    model.load_state_dict(weights, assign=True)
    return model


def save_weights(module: nn.Module, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a module's tensors; the same tensors and metadata give the same bytes.

    The file's metadata also says under `schema` what it is.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in sorted(module.state_dict().items())
    }
    content = _with_metadata(save(tensors), {"schema": str(TRAIN), **metadata})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load_weights(module: nn.Module, path: Path) -> dict[str, str]:
    """Fill a module from a file of `save_weights`; return the file's metadata.

    Raises:
        TrainingError: the file is missing or damaged, or holds other tensors than the module.
        SchemaError: it is of another version.
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
    """Put metadata into a safetensors file in sorted order, which the library leaves to chance.

    The format: the header's length in 8 bytes, the header as JSON padded with blanks to a
    multiple of 8, the tensors.
    """
    length = int.from_bytes(content[:8], "little")
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(content[8 : 8 + length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
