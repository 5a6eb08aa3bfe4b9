"""Ways to spoil a finished pipeline or its machine, and to inspect the result.

test_bad_input.py has the table of cases.
"""

import csv
import ctypes
import io
import json
import os
import resource
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import load_file, save_file

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.core.tasks import CORPORA
from pipeline.data import backbone, sources
from pipeline.data.pinned import Download
from pipeline.tokens.token_cache import write_cache
from tests.full_disk import full_disk
from tests.params import ROOT

CLOSED = "http://127.0.0.1:1"
PINNED = "all-MiniLM-L6-v2"
TRAIN = paths.split_csv(paths.corpus_dir("sst"), "train")
DEV = paths.split_csv(paths.corpus_dir("sst"), "dev")
OWN = Path("own")  # the user's own backbone
CAPABILITY_VERSION = 0x20080522
disk_is_full = partial(full_disk, after=700)  # it fails with EFBIG, not ENOSPC
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000


@contextmanager
def permissions_bind() -> Iterator[None]:
    """Drop root's capabilities; other users have none."""
    capset = getattr(ctypes.CDLL(None), "capset", lambda *_: 0)
    assert capset((ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()) == 0
    yield


@contextmanager
def little_memory() -> Iterator[None]:
    """Leave 300 MiB besides the memory in use before the first batch."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 300 * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    yield


@contextmanager
def small_disk() -> Iterator[None]:
    """Mount a disk with four pages for the tokens; print the files that remain on it."""
    libc, user, group = ctypes.CDLL(None), os.getuid(), os.getgid()
    assert libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0
    here = Path("/proc/self")
    (here / "setgroups").write_text("deny")
    (here / "uid_map").write_text(f"0 {user} 1")
    (here / "gid_map").write_text(f"0 {group} 1")
    assert libc.mount(b"none", bytes(paths.TOKENS), b"tmpfs", 0, b"size=16k") == 0
    try:
        yield
    finally:
        sys.stdout.writelines(str(path) for path in paths.TOKENS.rglob("*") if path.is_file())


def can_mount() -> bool:
    """Return whether this user may mount a disk."""
    unshare = ("unshare", "--map-root-user", "--mount")
    if not shutil.which(unshare[0]):
        return False
    command = (*unshare, "mount", "-t", "tmpfs", "none", "/mnt")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass
class Place:
    """A folder with a finished pipeline to spoil, and the servers."""

    folder: Path
    servers: Mapping[str, str]  # addresses by their fault
    minilm: Path  # a folder with the pinned backbone
    environment: dict[str, str] = field(default_factory=dict)

    def put(self, path: Path, content: bytes) -> None:
        """Write a new file, because the old one is shared with other places."""
        file = self.folder / path
        file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def read(self, path: Path) -> bytes:
        return (self.folder / path).read_bytes()

    def replace(self, path: Path, old: str, new: str) -> None:
        """Replace the first occurrence of a text, which must exist."""
        text = self.read(path).decode()
        assert old in text, (path, old)
        self.put(path, text.replace(old, new, 1).encode())


Spoil = Callable[[Place], None]


@dataclass(frozen=True)
class Case:
    """A case: what is wrong, how to spoil it, the stage that finds it, and the message."""

    id: str
    stage: str  # with its argument
    spoil: Spoil
    pattern: str  # regex for the message, or for all output if the input is accepted
    status: int = 1
    lines: int = 1  # in the message
    machine: Callable[[], AbstractContextManager[None]] = nullcontext


def accepted(id_: str, stage: str, spoil: Spoil, pattern: str = "") -> Case:
    return Case(id_, stage, spoil, pattern, status=0)


def params(old: str, new: str) -> Spoil:
    """Replace a text in params.yaml."""
    return lambda place: place.replace(paths.PARAMS, old, new)


def all_of(*spoils: Spoil) -> Spoil:
    def spoil(place: Place) -> None:
        for each in spoils:
            each(place)

    return spoil


def nothing(place: Place) -> None:
    """Spoil nothing: the fault is in the command or the machine."""


def file_bytes(path: Path, change: Callable[[bytes], bytes]) -> Spoil:
    return lambda place: place.put(path, change(place.read(path)))


train_bytes = partial(file_bytes, TRAIN)


def train_row(key: str | None, text: str, label: str) -> Spoil:
    """Replace row 6; without a key, the new row gets the key of row 5."""

    def change(content: bytes) -> bytes:
        rows = list(csv.reader(io.StringIO(content.decode())))
        rows[5] = [key or rows[4][0], text, "", label]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue().encode()

    return train_bytes(change)


def leak(place: Place) -> None:
    """Copy 20 of the 24 rows of dev to train, with new ids."""
    rows = place.read(TRAIN).splitlines(keepends=True)
    for index, row in enumerate(place.read(DEV).splitlines(keepends=True)[1:21]):
        rows[1 + index] = rows[1 + index].split(b",")[0] + b"," + row.split(b",", 1)[1]
    place.put(TRAIN, b"".join(rows))


def weights(path: Path, change: Callable[[dict[str, np.ndarray]], object]) -> Spoil:
    """Change the tensors of a safetensors file."""

    def spoil(place: Place) -> None:
        tensors = load_file(place.folder / path)
        change(tensors)
        (place.folder / path).unlink()
        save_file(tensors, place.folder / path)

    return spoil


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_template(content: bytes) -> bytes:
    """Return a tokenizer.json that does not add [CLS] and [SEP]."""
    return json.dumps(json.loads(content) | {"post_processor": None}).encode()


def pickled(content: bytes) -> bytes:
    """Return a pickle as `torch.save` used to write it. It is never executed."""
    return b"\x80\x02cbuiltins\nprint\n(X\x05\x00\x00\x00loadedtR." + content[:1000]


def environment(**variables: str) -> Spoil:
    return lambda place: place.environment.update(variables)


PINNED_BACKBONE = params("backbone: local:own", f"backbone: {PINNED}")
LAPTOP = params("profile: demo", "profile: laptop")


def mirror(place: Place) -> Path:
    place.environment["MINBERT_MIRROR"] = str(place.folder / "mirror")
    return Path("mirror")


def mirror_with(name: str, change: Callable[[bytes], bytes]) -> Spoil:
    """Make a mirror of the pinned backbone with one changed file."""

    def spoil(place: Place) -> None:
        folder = mirror(place) / PINNED
        (place.folder / folder).mkdir(parents=True)
        for file in place.minilm.iterdir():
            (place.folder / folder / file.name).symlink_to(file)
        place.put(folder / name, change(place.read(folder / name)))

    return all_of(PINNED_BACKBONE, spoil)


def locked(path: Path, mode: int) -> Spoil:
    return lambda place: (place.folder / path).chmod(mode)


def server(kind: str) -> Spoil:
    return lambda place: place.environment.update(HF_ENDPOINT=place.servers[kind])


def long_sentences(place: Place) -> None:
    """Tokenize 400 sentences of 512 tokens for the stage `features`."""
    rows = 400
    frame = pd.DataFrame(
        {"id": map(str, range(rows)), "first": "film " * 600, "second": "", "label": 1.0}
    )
    frames = {"train": frame, "dev": frame[:1], "test": frame[:1]}
    tokenizer = place.folder / OWN / paths.TOKENIZER
    folder = place.folder / paths.tokens_dir("sst")
    write_cache(frames, CORPORA["sst"], tokenizer, max_length=512, out=folder)


def run(
    stage: str,
    folder: Path,
    machine: Callable[[], AbstractContextManager[None]],
    variables: Mapping[str, str],
) -> None:
    """Run a stage in this process as DVC does, without a network."""
    os.chdir(folder)
    torch.set_num_threads(1)
    for number, name in ((1, "stdout"), (2, "stderr")):
        Path(name).unlink(missing_ok=True)  # because other places share it
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT), number)
    for key in [*os.environ]:
        if key.lower().endswith("_proxy") or key.startswith(("PIP_", "MINBERT_")):
            del os.environ[key]
    closed = {"HF_ENDPOINT": CLOSED, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    os.environ.update(closed | variables)
    impatient = partial(Download, timeout_seconds=2.0, retries=1)
    backbone.Download = sources.Download = impatient  # type: ignore[misc,assignment]
    name, *arguments = stage.split()
    sys.argv = [name, *arguments]
    with machine():
        runpy.run_path(str(ROOT / f"stages/{name}.py"), run_name="__main__")


def snapshot(folder: Path) -> dict[str, str]:
    """Return params.yaml and every file under data/ with its hash, and every folder."""
    found = [*folder.glob(paths.PARAMS.name), *sorted((folder / paths.DATA).rglob("*"))]
    return {
        str(path.relative_to(folder)): "" if path.is_dir() else sha256_of(path) for path in found
    }
