"""Maps Hugging Face's names of the tensors in a backbone's checkpoint to minBERT's names.

No tensor may be missing, have the wrong shape or, except for heads, be left over. This module does
not import torch, so that the stage `backbone` can check the user's own files without it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.config import BertConfig
from pipeline.core.tensor_files import Shape, misfit, mismatches, stored_tensors
from pipeline.errors import BackboneError

# our name: (name in Hugging Face's BertModel, shape of the weight in the letters of `_tensors`)
MODEL_NAMES: Mapping[str, tuple[str, str]] = {
    "embeddings.word": ("embeddings.word_embeddings", "VD"),
    "embeddings.position": ("embeddings.position_embeddings", "PD"),
    "embeddings.token_type": ("embeddings.token_type_embeddings", "SD"),
    "embeddings.norm": ("embeddings.LayerNorm", "D"),
    "pooler.dense": ("pooler.dense", "DD"),
}
LAYER_NAMES: Mapping[str, tuple[str, str]] = {
    "attention.query": ("attention.self.query", "DD"),
    "attention.key": ("attention.self.key", "DD"),
    "attention.value": ("attention.self.value", "DD"),
    "attention.output": ("attention.output.dense", "DD"),
    "attention_norm.norm": ("attention.output.LayerNorm", "D"),
    "feed_forward.widen": ("intermediate.dense", "FD"),
    "feed_forward.narrow": ("output.dense", "DF"),
    "feed_forward_norm.norm": ("output.LayerNorm", "D"),
}

# a checkpoint may also contain a constant and the heads of Hugging Face's models
POSITION_IDS = "embeddings.position_ids"
HEADS = ("cls.", "classifier.", "qa_outputs.")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a backbone's model.safetensors that we use, and its heads, which we do not."""

    names: Mapping[str, str]  # from our names to those in the file
    heads: tuple[str, ...]  # names of the heads that we ignore


def judged_checkpoint(path: Path, config: BertConfig) -> Checkpoint:
    """Match every tensor in a backbone's model.safetensors with minBERT's or with a head.

    Raises:
        BackboneError: the file is missing or damaged, or its tensors do not match the config.
    """
    found, _ = stored_tensors(path, BackboneError)
    names = hugging_face_names(config)
    file_names, surplus = _file_names(found, names)
    named = {ours: found[name] for ours, name in file_names.items()}
    shapes = {ours: shape for ours, _, shape in _tensors(config)}
    problems = [*surplus, *mismatches(shapes, named, names | file_names)]
    if problems:
        said = misfit(path, "the backbone's config.json", problems)
        raise BackboneError(f"{said}; take both as transformers' BertModel saves them")
    heads = sorted({name.partition(".")[0] for name in found if name.startswith(HEADS)})
    return Checkpoint(file_names, tuple(heads))


def hugging_face_names(config: BertConfig) -> dict[str, str]:
    """Map minBERT's name of every tensor to Hugging Face's."""
    return {ours: theirs for ours, theirs, _ in _tensors(config)}


def _tensors(config: BertConfig) -> Iterator[tuple[str, str, Shape]]:
    """Yield, for each tensor, our name, Hugging Face's name and the shape."""
    sizes = {
        "V": config.vocab_size,
        "P": config.max_position_embeddings,
        "S": config.type_vocab_size,
        "D": config.hidden_size,
        "F": config.intermediate_size,
    }
    layers = {
        f"encoder.layers.{layer}.{ours}": (f"encoder.layer.{layer}.{theirs}", letters)
        for layer in range(config.num_hidden_layers)
        for ours, (theirs, letters) in LAYER_NAMES.items()
    }
    for ours, (theirs, letters) in {**MODEL_NAMES, **layers}.items():
        shape = tuple(sizes[letter] for letter in letters)
        yield f"{ours}.weight", f"{theirs}.weight", shape
        if not theirs.endswith("_embeddings"):  # these have no bias
            yield f"{ours}.bias", f"{theirs}.bias", shape[:1]


def _file_names(found: Iterable[str], names: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Map our names to a checkpoint's, old or new; also return a clause per surplus tensor.

    Args:
        found: the names in the checkpoint.
        names: from our names to Hugging Face's current ones.
    """
    to_ours = {theirs: ours for ours, theirs in names.items()}
    file_names: dict[str, str] = {}
    surplus = []
    for name in sorted(found):
        modern = _modern_name(name)
        if modern == POSITION_IDS or name.startswith(HEADS):
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
    """Return the current name of a tensor from an older BertModel or a model that wraps one."""
    name = name.removeprefix("bert.")
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name
