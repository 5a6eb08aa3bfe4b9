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

from pipeline import paths
from pipeline.backbone import fetch_backbone
from pipeline.corpora.reading import read_split
from pipeline.corpora.validation import validate_corpus
from pipeline.errors import (
    BackboneError,
    CorpusError,
    ParamsError,
    PipelineError,
    ReportError,
    TrainingError,
)
from pipeline.features import read_features
from pipeline.files import write_record
from pipeline.inputs import check_inputs
from pipeline.model.config import config_from_json
from pipeline.model.kernels import PLAIN
from pipeline.model.weights import load_backbone, load_weights
from pipeline.params import load_params
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.records import records_in_data
from pipeline.schemas import FEATURES, TOKENS
from pipeline.tasks import CORPORA
from pipeline.tokens.token_cache import ARRAYS, read_cache
from pipeline.tokens.tokenizer import load_tokenizer
from pipeline.training.resume import read_checkpoint

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


def token_cache() -> Path:
    """Write a small cache that can be read."""
    folder = Path("tokens")
    for name in ARRAYS:
        path = plant(folder / f"dev-{name.replace('_', '-')}.npy", b"")
        np.save(path, np.zeros(2, dtype=np.int64), allow_pickle=False)
    summary = {"schema": str(TOKENS), "corpus": "sst", "pad_id": 0}
    plant(folder / "cache.json", json.dumps(summary).encode())
    assert len(read_cache(folder, "dev")) == 2
    return folder


def backbone() -> Path:
    """Write a backbone's folder with a config that can be read."""
    folder = Path("backbone")
    plant(folder / "config.json", json.dumps(CONFIG).encode())
    assert config_from_json(folder / "config.json").hidden_size == 4
    return folder


def token_ids(content: bytes) -> None:
    plant(token_cache() / "dev-input-ids.npy", content)
    read_cache(Path("tokens"), "dev")


def token_summary(content: bytes) -> None:
    plant(token_cache() / "cache.json", content)
    read_cache(Path("tokens"), "dev")


def features(content: bytes) -> None:
    plant(Path("features/dev.npy"), content)
    write_record(Path("features/features.json"), FEATURES, {})
    read_features(Path("features"), "dev")


def backbone_weights(content: bytes) -> None:
    plant(backbone() / "model.safetensors", content)
    load_backbone(Path("backbone"), PLAIN)


def backbone_config(content: bytes) -> None:
    config_from_json(plant(backbone() / "config.json", content))


def backbone_of_the_users_own(content: bytes) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        plant(Path("own") / name, content)
    fetch_backbone("local:own", Path("out"))


def tokenizer(content: bytes) -> None:
    load_tokenizer(plant(Path("tokenizer.json"), content))


def run_weights(content: bytes) -> None:
    load_weights(nn.Linear(1, 1), plant(Path("model.safetensors"), content))


def checkpoint(content: bytes) -> None:
    read_checkpoint(plant(Path("training.safetensors"), content))


def inputs(content: bytes) -> None:
    check_inputs(plant(Path("inputs.json"), content), None)


def scores(content: bytes) -> None:
    for name in PARAMS.runs:
        plant(paths.scores_json(name), content)
    read_outcome(PARAMS, {}, records_in_data())


def origin(content: bytes) -> None:
    plant(paths.corpus_origin(Path("sst")), content)
    validate_corpus(SST, Path("sst"), PARAMS.active.corpora)


def corpus(content: bytes) -> None:
    read_split(plant(Path("dev.csv"), content), SST)


def params(content: bytes) -> None:
    load_params(plant(Path("params.yaml"), content))


READERS: dict[Callable[[bytes], None], type[PipelineError]] = {
    token_ids: CorpusError,
    token_summary: CorpusError,
    features: CorpusError,
    backbone_weights: BackboneError,
    backbone_config: BackboneError,
    backbone_of_the_users_own: BackboneError,
    tokenizer: BackboneError,
    run_weights: TrainingError,
    checkpoint: PipelineError,
    inputs: TrainingError,
    scores: ReportError,
    origin: CorpusError,
    corpus: CorpusError,
    params: ParamsError,
}


@pytest.mark.parametrize("disguise", [bare, as_text, as_array, as_checkpoint])
@pytest.mark.parametrize("reader", READERS)
def test_a_pickle_in_place_of_a_file_is_refused_and_never_run(
    reader: Callable[[bytes], None], disguise: Callable[[Trap], bytes], marker: Path
) -> None:
    with pytest.raises(READERS[reader]):
        reader(disguise(Trap(marker)))
    assert not marker.exists()


@pytest.mark.parametrize("tag", ["python/object/apply:pathlib.Path.touch", "python/name:os.system"])
def test_a_tag_of_python_in_params_is_refused_and_never_run(tag: str, marker: Path) -> None:
    with pytest.raises(ParamsError):
        params(f"seed: !!{tag} [{json.dumps(str(marker))}]\n".encode())
    assert not marker.exists()
