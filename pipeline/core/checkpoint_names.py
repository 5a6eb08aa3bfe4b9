"""Maps the tensors of a backbone's checkpoint, with Hugging Face's names, to those of minBERT.

Every tensor of a file must be accounted for: none may be missing, have another shape or, except for
heads, be left over. Does not need torch, because the stage `backbone` checks the user's own files
with it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.core.config import BertConfig
from pipeline.core.tensor_files import Shape, misfit, mismatches, stored_tensors
from pipeline.errors import BackboneError

# our names, Hugging Face's BertModel's, and the weight's shape by the letters of `_tensors`
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

# what else a checkpoint may contain: a constant, and the heads of Hugging Face's models
POSITION_IDS = "embeddings.position_ids"
HEADS = ("cls.", "classifier.", "qa_outputs.")


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a backbone's model.safetensors that are used, and the heads that are not."""

    names: Mapping[str, str]  # in the file, by our names
    heads: tuple[str, ...]  # ignored


def judged_checkpoint(path: Path, config: BertConfig) -> Checkpoint:
    """Account for every tensor of a backbone's model.safetensors.

    Raises:
        BackboneError: the file is missing or damaged, or its tensors are not those of the config.
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
    """Map the name of every tensor of a minBERT to Hugging Face's."""
    return {ours: theirs for ours, theirs, _ in _tensors(config)}


def _tensors(config: BertConfig) -> Iterator[tuple[str, str, Shape]]:
    """Yield our name of each tensor, Hugging Face's, and its shape."""
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
    """Map our names to those of a checkpoint, old or new; add a clause for each surplus tensor.

    Args:
        found: the names in the checkpoint.
        names: Hugging Face's current names, by ours.
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
    """Return the current name for a tensor of an older or wrapped BertModel."""
    name = name.removeprefix("bert.")
    for old, new in ((".gamma", ".weight"), (".beta", ".bias")):
        if name.endswith(f"LayerNorm{old}"):
            return name.removesuffix(old) + new
    return name
