"""Weights in and out of safetensors files: a backbone's under Hugging Face's names, ours as ours.

The model does not know what a checkpoint calls its tensors; this module does, and accounts for
every tensor of a file: none may be missing, none left over, none of another shape.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pipeline import paths
from pipeline.errors import BackboneError, PipelineError, TrainingError
from pipeline.files import check_schema, replacing
from pipeline.model.bert import BertConfig, MinBert, config_from_json
from pipeline.model.kernels import Kernels
from pipeline.schemas import TRAIN

NUM_SHOWN = 5  # problems in one message

# our names on the left, Hugging Face's BertModel's on the right
MODEL_NAMES: Mapping[str, str] = {
    "embeddings.word": "embeddings.word_embeddings",
    "embeddings.position": "embeddings.position_embeddings",
    "embeddings.token_type": "embeddings.token_type_embeddings",
    "embeddings.norm": "embeddings.LayerNorm",
    "pooler.dense": "pooler.dense",
}
LAYER_NAMES: Mapping[str, str] = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "attention_norm.norm": "attention.output.LayerNorm",
    "feed_forward.widen": "intermediate.dense",
    "feed_forward.narrow": "output.dense",
    "feed_forward_norm.norm": "output.LayerNorm",
}

# what a checkpoint may hold beside the backbone: a constant, and the heads it was pretrained with
POSITION_IDS = "embeddings.position_ids"
PRETRAINING_HEADS = "cls."


def load_backbone(backbone_dir: Path, kernels: Kernels) -> MinBert:
    """Build a minBERT, in fp32 and train mode, from config.json and model.safetensors.

    Takes no random numbers: the caller's generators stay where they are.

    Raises:
        BackboneError: a file is missing or damaged, or its tensors are not those of the config.
    """
    config = config_from_json(paths.backbone_config(backbone_dir))
    with torch.device("meta"):  # shapes without values: these come from the file
        model = MinBert(config, kernels)
    path = paths.backbone_weights(backbone_dir)
    found, _ = _read(path, BackboneError)
    names = hugging_face_names(config)
    file_names, surplus = _file_names(found, names)
    named = {ours: found[name] for ours, name in file_names.items()}
    problems = [*surplus, *_mismatches(model.state_dict(), named, names | file_names)]
    if problems:
        raise BackboneError(_misfit(path, "the backbone's config.json", problems))
    weights = {name: tensor.to(torch.float32, copy=True) for name, tensor in named.items()}
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
    found, metadata = _read(path, TrainingError)
    check_schema(path, metadata.get("schema"), TRAIN)
    state = module.state_dict()
    problems = [f"{name} is surplus" for name in sorted(found.keys() - state.keys())]
    problems += _mismatches(state, found, {name: name for name in state})
    if problems:
        raise TrainingError(_misfit(path, "the model", problems))
    module.load_state_dict(found)
    return metadata


def _read(path: Path, error_type: type[PipelineError]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return a safetensors file's tensors and metadata."""
    if not path.is_file():
        raise error_type(f"{path} is missing; weights are read from safetensors files only")
    try:
        with safe_open(path, framework="pt") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except SafetensorError as error:
        raise error_type(
            f"{path} is not a whole safetensors file ({error}); fetch or train it again"
        ) from None


def hugging_face_names(config: BertConfig) -> dict[str, str]:
    """Map the name of every tensor of a minBERT to Hugging Face's."""
    modules = dict(MODEL_NAMES)
    for layer in range(config.num_hidden_layers):
        for ours, theirs in LAYER_NAMES.items():
            modules[f"encoder.layers.{layer}.{ours}"] = f"encoder.layer.{layer}.{theirs}"
    tables = ("embeddings.word", "embeddings.position", "embeddings.token_type")
    return {
        f"{ours}.{kind}": f"{theirs}.{kind}"
        for ours, theirs in modules.items()
        for kind in (("weight",) if ours in tables else ("weight", "bias"))
    }


def _file_names(found: Iterable[str], names: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Map our names to those of a checkpoint, old or new; add a clause on each tensor left over.

    Args:
        found: the checkpoint's names.
        names: Hugging Face's names today, by ours.
    """
    to_ours = {theirs: ours for ours, theirs in names.items()}
    file_names: dict[str, str] = {}
    surplus = []
    for name in sorted(found):
        modern = _modern_name(name)
        if modern == POSITION_IDS or name.startswith(PRETRAINING_HEADS):
            continue
        ours = to_ours.get(modern)
        if ours is None:
            surplus.append(f"{name} is surplus")
        elif ours in file_names:
            surplus.append(f"{name} is {file_names[ours]} under another name")
        else:
            file_names[ours] = name
    return file_names, surplus


def _modern_name(name: str) -> str:
    """Return what today's BertModel calls a tensor of an older or wrapped one."""
    name = name.removeprefix("bert.")
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name


def _mismatches(
    wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], shown: Mapping[str, str]
) -> Iterator[str]:
    """Yield a clause for every tensor that is missing or not what it should be.

    Args:
        wanted: the model's tensors.
        found: the file's tensors under the model's names.
        shown: what the file calls them, for the message.
    """
    for name, tensor in wanted.items():
        other = found.get(name)
        if other is None:
            yield f"{shown[name]} is missing"
        elif other.shape != tensor.shape:
            yield f"{shown[name]} has shape {list(other.shape)}, not {list(tensor.shape)}"
        elif other.is_floating_point() != tensor.is_floating_point():
            yield f"{shown[name]} has type {other.dtype}, not {tensor.dtype}"
        elif not torch.isfinite(other).all():
            yield f"{shown[name]} holds values that are not finite"


def _misfit(path: Path, model: str, problems: Sequence[str]) -> str:
    """Return one sentence on what keeps a file from fitting, the first few problems named."""
    more = len(problems) - NUM_SHOWN
    clauses = [*problems[:NUM_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return f"{path} does not fit {model}: {'; '.join(clauses)}"


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
