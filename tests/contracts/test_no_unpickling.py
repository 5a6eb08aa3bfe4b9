"""A pickle runs code when it is loaded. No file that we read may be loaded as a pickle.

Each disguised pickle creates a marker if anything unpickles it; each reader must reject it.
"""

import io
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.core.checkpoint_names import judged_checkpoint
from pipeline.core.config import BertConfig
from pipeline.core.records import FeatureCounts, TokenCache
from pipeline.core.tasks import CORPORA
from pipeline.core.tokenizer import load_tokenizer
from pipeline.data.reading import read_split
from pipeline.encoder.features import read_features
from pipeline.encoder.weights import load_weights
from pipeline.errors import PipelineError
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import read_cache
from pipeline.training.resume import read_checkpoint

SST = CORPORA["sst"]
CONFIG = BertConfig(8, 4, 1, 2, 4, 8, 2, 0, 0.1, 0.1, 1e-12)


@dataclass(frozen=True)
class Trap:
    """An object whose unpickling creates a file; the padding is larger than a page."""

    marker: Path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Return the call that unpickling executes."""
        return make_marker, (str(self.marker), "padding" * 1000)


def make_marker(path: str, _: str) -> None:
    Path(path).touch()


def as_array(trap: Trap) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([trap], dtype=object), allow_pickle=True)
    return file.getvalue()


def as_checkpoint(trap: Trap) -> bytes:
    file = io.BytesIO()
    torch.save({"weight": trap}, file)
    return file.getvalue()


def unpickle(content: bytes) -> None:
    np.load(io.BytesIO(content), allow_pickle=True)


def unpickle_checkpoint(content: bytes) -> None:
    torch.load(io.BytesIO(content), weights_only=False)


# how a pickle is written, and what would run it
DISGUISES: dict[str, tuple[Callable[[Trap], bytes], Callable[[bytes], None]]] = {
    "bare": (pickle.dumps, unpickle),
    "text": (lambda trap: pickle.dumps(trap, protocol=0), unpickle),  # the oldest protocol is ASCII
    "array": (as_array, unpickle),
    "checkpoint": (as_checkpoint, unpickle_checkpoint),
}
# where a file is planted, and what reads it; all JSON has one reader
READERS: dict[str, Callable[[], object]] = {
    "tokens/dev-input-ids.npy": lambda: read_cache(Path("tokens"), "dev"),
    "tokens/cache.json": lambda: read_cache(Path("tokens"), "dev"),
    "features/dev.npy": lambda: read_features(Path("features"), "dev"),
    "tokenizer.json": lambda: load_tokenizer(Path("tokenizer.json")),
    "backbone.safetensors": lambda: judged_checkpoint(Path("backbone.safetensors"), CONFIG),
    "model.safetensors": lambda: load_weights(nn.Linear(1, 1), Path("model.safetensors")),
    "a.safetensors": lambda: read_checkpoint(Path("a.safetensors")),
    "dev.csv": lambda: read_split(Path("dev.csv"), SST),
    "params.yaml": lambda: load_params(Path("params.yaml")),
}


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to an empty folder, and return the path of the marker beside it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "marker"


def plant(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_every_malicious_pickle_works_when_it_is_unpickled(disguise: str, marker: Path) -> None:
    dressed, run = DISGUISES[disguise]
    run(dressed(Trap(marker)))
    assert marker.exists()


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("path", READERS)
def test_a_pickle_in_place_of_a_file_is_rejected_without_running_it(
    path: str, disguise: str, marker: Path
) -> None:
    # what is read before it
    TokenCache(corpus="sst", pad_id=0, max_length=8, examples={}, truncated_sentences={}).write(
        Path("tokens/cache.json")
    )
    FeatureCounts(examples={}).write(Path("features/features.json"))
    plant(Path(path), DISGUISES[disguise][0](Trap(marker)))
    with pytest.raises(PipelineError, match=re.escape(Path(path).parts[0])) as refused:
        READERS[path]()
    assert "No such file" not in str(refused.value)
    assert not marker.exists()


@pytest.mark.parametrize("tag", ["python/object/apply:pathlib.Path.touch", "python/name:os.system"])
def test_a_python_tag_in_params_is_rejected_without_running_it(tag: str, marker: Path) -> None:
    plant(Path("params.yaml"), f'seed: !!{tag} ["{marker}"]\n'.encode())
    with pytest.raises(PipelineError, match="not valid YAML"):
        load_params(Path("params.yaml"))
    assert not marker.exists()
