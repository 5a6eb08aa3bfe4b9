"""A pickle runs code when it is loaded: under the name of any file we read, it must not.

Each disguise leaves a marker if anything unpickles it; each reader must refuse it instead.
"""

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.core import paths
from pipeline.core.config import config_from_json
from pipeline.core.files import write_record
from pipeline.core.schemas import FEATURES, TOKENS
from pipeline.core.tasks import CORPORA
from pipeline.core.tokenizer import load_tokenizer
from pipeline.data.backbone import fetch_backbone
from pipeline.data.reading import read_split
from pipeline.encoder.features import read_features
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import load_backbone, load_weights
from pipeline.errors import (
    BackboneError,
    CorpusError,
    ParamsError,
    PipelineError,
    ReportError,
    TrainingError,
)
from pipeline.plumbing.params import load_params
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.records import records_in_data
from pipeline.tokens.inputs import listed_files
from pipeline.tokens.token_cache import ARRAYS, read_cache
from pipeline.training.resume import read_checkpoint
from pipeline.validation.validation import validate_corpus

SST = CORPORA["sst"]
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": 8,
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 4,
    "max_position_embeddings": 8,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "layer_norm_eps": 1e-12,
}


@dataclass(frozen=True)
class Trap:
    """An object whose unpickling makes a file; the padding outgrows a page."""

    marker: Path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Return the call that unpickling makes."""
        return make_marker, (str(self.marker), "padding" * 1000)


def make_marker(path: str, _: str) -> None:
    Path(path).touch()


def bare(trap: Trap) -> bytes:
    return pickle.dumps(trap)


def as_text(trap: Trap) -> bytes:
    """Pickle in the oldest protocol, which is ASCII."""
    return pickle.dumps(trap, protocol=0)


def as_array(trap: Trap) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([trap], dtype=object), allow_pickle=True)
    return file.getvalue()


def as_checkpoint(trap: Trap) -> bytes:
    file = io.BytesIO()
    torch.save({"weight": trap}, file)
    return file.getvalue()


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("disguise", [bare, as_text, as_array, as_checkpoint])
def test_every_disguise_works_on_those_who_unpickle(
    disguise: Callable[[Trap], bytes], marker: Path
) -> None:
    content = io.BytesIO(disguise(Trap(marker)))
    if disguise is as_checkpoint:
        torch.load(content, weights_only=False)
    else:
        np.load(content, allow_pickle=True)
    assert marker.exists()


def plant(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def good_neighbours() -> None:
    """Write what is read before the file in question, so that it can be read."""
    for name in ARRAYS:
        path = plant(Path("tokens") / f"dev-{name.replace('_', '-')}.npy", b"")
        np.save(path, np.zeros(2, dtype=np.int64), allow_pickle=False)
    summary = {"corpus": "sst", "pad_id": 0, "max_length": 8}
    write_record(Path("tokens/cache.json"), TOKENS, summary)
    assert len(read_cache(Path("tokens"), "dev")) == 2
    write_record(Path("features/features.json"), FEATURES, {})
    config = plant(Path("backbone/config.json"), json.dumps(CONFIG).encode())
    assert config_from_json(config).hidden_size == 4


def fetch_own() -> None:
    for name in ("tokenizer.json", "model.safetensors"):
        plant(Path("own") / name, Path("own/config.json").read_bytes())
    fetch_backbone("local:own", Path("out"))


# where a file is planted, who reads it, and how it is refused
READERS: dict[str, tuple[str, Callable[[], object], type[PipelineError]]] = {
    "token ids": (
        "tokens/dev-input-ids.npy",
        lambda: read_cache(Path("tokens"), "dev"),
        CorpusError,
    ),
    "token summary": ("tokens/cache.json", lambda: read_cache(Path("tokens"), "dev"), CorpusError),
    "features": ("features/dev.npy", lambda: read_features(Path("features"), "dev"), CorpusError),
    "backbone's weights": (
        "backbone/model.safetensors",
        lambda: load_backbone(Path("backbone"), PLAIN),
        BackboneError,
    ),
    "backbone's config": (
        "backbone/config.json",
        lambda: config_from_json(Path("backbone/config.json")),
        BackboneError,
    ),
    "backbone of the user's own": ("own/config.json", fetch_own, BackboneError),
    "tokenizer": ("tokenizer.json", lambda: load_tokenizer(Path("tokenizer.json")), BackboneError),
    "run's weights": (
        "model.safetensors",
        lambda: load_weights(nn.Linear(1, 1), Path("model.safetensors")),
        TrainingError,
    ),
    "checkpoint": ("a.safetensors", lambda: read_checkpoint(Path("a.safetensors")), PipelineError),
    "inputs": ("inputs.json", lambda: listed_files(Path("inputs.json"), None), TrainingError),
    "scores": (
        str(paths.scores_json(next(iter(PARAMS.runs)))),
        lambda: read_outcome(PARAMS, {}, records_in_data()),
        ReportError,
    ),
    "origin": (
        "sst/origin.json",
        lambda: validate_corpus(SST, Path("sst"), PARAMS.active.corpora),
        CorpusError,
    ),
    "corpus": ("dev.csv", lambda: read_split(Path("dev.csv"), SST), CorpusError),
    "params": ("params.yaml", lambda: load_params(Path("params.yaml")), ParamsError),
}


@pytest.mark.parametrize("disguise", [bare, as_text, as_array, as_checkpoint])
@pytest.mark.parametrize("name", READERS)
def test_a_pickle_in_place_of_a_file_is_refused_and_never_run(
    name: str, disguise: Callable[[Trap], bytes], marker: Path
) -> None:
    path, read, error = READERS[name]
    good_neighbours()
    plant(Path(path), disguise(Trap(marker)))
    with pytest.raises(error):
        read()
    assert not marker.exists()


@pytest.mark.parametrize("tag", ["python/object/apply:pathlib.Path.touch", "python/name:os.system"])
def test_a_tag_of_python_in_params_is_refused_and_never_run(tag: str, marker: Path) -> None:
    plant(Path("params.yaml"), f"seed: !!{tag} [{json.dumps(str(marker))}]\n".encode())
    with pytest.raises(ParamsError):
        load_params(Path("params.yaml"))
    assert not marker.exists()
