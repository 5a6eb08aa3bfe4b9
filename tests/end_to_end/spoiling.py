"""What bad input needs: a finished pipeline to be spoiled, ways to start a stage, what came of it.

For test_bad_input.py, which holds the table.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from pipeline import paths
from pipeline.files import sha256_of
from pipeline.tasks import CORPORA
from pipeline.tokens.token_cache import write_cache

ROOT = Path(__file__).parents[2]
CLOSED = "http://127.0.0.1:1"
STAMP = r"(?m)^\d\d:\d\d:\d\d  "  # before every record
PINNED = "all-MiniLM-L6-v2"
TRAIN = paths.split_csv(paths.corpus_dir("sst"), "train")
DEV = paths.split_csv(paths.corpus_dir("sst"), "dev")
OWN = Path("own")  # a backbone of the user's


# Each is `python -c`, and then the command that it starts or the stage that it runs itself.
EXEC = "os.execv(sys.argv[1], sys.argv[1:])"
# root too is then held to permissions; for anybody else the call fails and nothing is lost
PERMISSIONS_BIND = f"""
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
    getattr(ctypes.CDLL(None), "prctl", lambda *_: 0)(PR_CAPBSET_DROP, capability, 0, 0, 0)
{EXEC}
"""
# a write beyond the limit fails as one on a full disk does, but with EFBIG
DISK_IS_FULL = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
{EXEC}
"""
HERE = """
import importlib, resource, sys
main = importlib.import_module("stages." + sys.argv.pop(1)).main
from stages.entry import run_stage
"""
LITTLE_MEMORY = f"""{HERE}
# what is there before the first batch is not to be counted
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 300 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
run_stage(main)
"""
IMPATIENT = f"""{HERE}
from functools import partial
from pipeline import backbone
from pipeline.corpora import sources
from pipeline.pinned import Download
quick = partial(Download, timeout_seconds=2.0, retries=1)
backbone.Download = sources.Download = quick
run_stage(main)
"""
# a disk of four pages; what is left on it in the end is printed
SMALL_DISK = (
    "mount -t tmpfs -o size=16k none data/tokens && "
    '{ "$0" -m "stages.$@"; status=$?; find data/tokens -type f; exit $status; }'
)
UNSHARE = ("unshare", "--map-root-user", "--mount")


@dataclass
class Place:
    """A folder with a finished pipeline, to be spoiled, and the servers there are."""

    folder: Path
    servers: Mapping[str, str]  # addresses by what is wrong with them
    minilm: Path  # a folder with the pinned backbone
    environment: dict[str, str] = field(default_factory=dict)

    def put(self, path: Path, content: bytes) -> None:
        """Write a file; the old one is shared with the other places."""
        file = self.folder / path
        file.unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def read(self, path: Path) -> bytes:
        return (self.folder / path).read_bytes()

    def replace(self, path: Path, old: str, new: str) -> None:
        """Replace the first of what must be there."""
        text = self.read(path).decode()
        assert old in text, (path, old)
        self.put(path, text.replace(old, new, 1).encode())

    def link(self, source: Path, path: Path) -> None:
        """Show a file of elsewhere here, perhaps of another disk."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).symlink_to(source)


Spoil = Callable[[Place], None]


@dataclass(frozen=True)
class Case:
    """One row: what is bad, how it gets so, which stage meets it, and what must be said."""

    id: str
    stage: str  # with its argument
    spoil: Spoil
    said: str  # regex of the whole message, or of all output where it is accepted
    status: int = 1
    lines: int = 1  # of the message
    start: tuple[str, ...] = (sys.executable, "-m")


def accepted(id_: str, stage: str, spoil: Spoil, said: str = "") -> Case:
    return Case(id_, stage, spoil, said, status=0)


def started_by(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


BOUND = (*started_by(PERMISSIONS_BIND), sys.executable, "-m")
BOUND_AND_IMPATIENT = (*started_by(PERMISSIONS_BIND), *started_by(IMPATIENT))
FULL = (*started_by(DISK_IS_FULL), sys.executable, "-m")


def params(old: str, new: str) -> Spoil:
    """Replace something in params.yaml."""
    return lambda place: place.replace(paths.PARAMS, old, new)


def all_of(*spoils: Spoil) -> Spoil:
    def spoil(place: Place) -> None:
        for each in spoils:
            each(place)

    return spoil


def nothing(place: Place) -> None:
    """Leave all as it is: the command or the machine is what is bad."""


def train_bytes(change: Callable[[bytes], bytes]) -> Spoil:
    """Change the training file of SST."""
    return lambda place: place.put(TRAIN, change(place.read(TRAIN)))


def train_row(key: str | None, text: str, label: str) -> Spoil:
    """Put another row in the place of row 6; without key, it takes the key of row 5."""

    def change(content: bytes) -> bytes:
        rows = list(csv.reader(io.StringIO(content.decode())))
        rows[5] = [key or rows[4][0], text, "", label]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        return out.getvalue().encode()

    return train_bytes(change)


def leak(place: Place) -> None:
    """Put 20 of the 24 rows of dev into train, under ids of their own."""
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


def file_bytes(path: Path, change: Callable[[bytes], bytes]) -> Spoil:
    return lambda place: place.put(path, change(place.read(path)))


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_template(content: bytes) -> bytes:
    """Return a tokenizer.json that leaves [CLS] and [SEP] out."""
    return json.dumps(json.loads(content) | {"post_processor": None}).encode()


def pickled(content: bytes) -> bytes:
    """Return what `torch.save` of old wrote: a protocol, a global, a call. It is never run."""
    return b"\x80\x02cbuiltins\nprint\n(X\x05\x00\x00\x00loadedtR." + content[:1000]


def environment(**variables: str) -> Spoil:
    return lambda place: place.environment.update(variables)


PINNED_BACKBONE = params("backbone: local:own", f"backbone: {PINNED}")
LAPTOP = params("profile: demo", "profile: laptop")


def mirror(place: Place) -> Path:
    place.environment["MINBERT_MIRROR"] = str(place.folder / "mirror")
    return Path("mirror")


def mirror_with(name: str, change: Callable[[bytes], bytes]) -> Spoil:
    """Mirror the pinned backbone with one file changed."""

    def spoil(place: Place) -> None:
        folder = mirror(place) / PINNED
        for file in place.minilm.iterdir():
            place.link(file, folder / file.name)
        place.put(folder / name, change(place.read(folder / name)))

    return all_of(PINNED_BACKBONE, spoil)


def mirror_of_another_corpus(place: Place) -> None:
    place.put(mirror(place) / "ids-sst-train.csv", b"id\tsentence\tsentiment\n")


def mirror_is_a_file(place: Place) -> None:
    place.put(mirror(place), b"")


def locked(path: Path, mode: int) -> Spoil:
    return lambda place: (place.folder / path).chmod(mode)


def server(kind: str) -> Spoil:
    return lambda place: place.environment.update(HF_ENDPOINT=place.servers[kind])


def long_sentences(place: Place) -> None:
    """Tokenize 400 sentences of 512 tokens for the features stage."""
    rows = 400
    frame = pd.DataFrame(
        {"id": map(str, range(rows)), "first": "film " * 600, "second": "", "label": 1.0}
    )
    frames = {"train": frame, "dev": frame[:1], "test": frame[:1]}
    tokenizer = place.folder / paths.backbone_tokenizer(OWN)
    folder = place.folder / paths.tokens_dir("sst")
    write_cache(frames, CORPORA["sst"], tokenizer, max_length=512, out=folder)


def can_mount() -> bool:
    """Say whether this user may have a disk of their own to fill."""
    if not shutil.which(UNSHARE[0]):
        return False
    command = (*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt")
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Outcome:
    """What a stage did with bad input."""

    status: int
    stdout: str
    stderr: str
    before: Mapping[str, str]  # sha256 of every file under data/ by its name
    after: Mapping[str, str]
    folder: Path

    @property
    def message(self) -> str:
        """Return the last record of the log, or the last line of what argparse says."""
        if self.status == 2:
            return self.stderr.splitlines()[-1]
        return self.records[-1] if self.records else ""

    @property
    def preamble(self) -> str:
        """Return what stands before the first record of the log."""
        return re.split(STAMP, self.stderr)[0]

    @property
    def records(self) -> list[str]:
        """Return the messages of the log; what has no time belongs to the record before."""
        _, *texts = re.split(STAMP, self.stderr.rstrip("\n"))
        return [text.rstrip("\n") for text in texts]


class Bench:
    """Runs cases, as many at a time as `pool` does, each in a copy of a finished pipeline."""

    def __init__(
        self, base: Path, servers: Mapping[str, str], minilm: Path, pool: Executor
    ) -> None:
        self.base = base
        self.servers = servers
        self.minilm = minilm
        self.pool = pool
        self.started: dict[str, Future[Outcome]] = {}

    def start(self, case: Case) -> None:
        """Let a case run, once."""
        if case.id not in self.started:
            folder = self.base.with_name(f"case-{len(self.started)}")
            self.started[case.id] = self.pool.submit(self._run, case, folder)

    def outcome(self, case: Case) -> Outcome:
        """Wait for what came of a case."""
        self.start(case)
        return self.started[case.id].result()

    def _run(self, case: Case, folder: Path) -> Outcome:
        shutil.copytree(self.base, folder, copy_function=os.link)
        place = Place(folder, self.servers, self.minilm)
        case.spoil(place)
        before = snapshot(folder)
        done = run_stage(case.stage, folder, case.start, place.environment)
        for path in (folder / "mirror", folder / paths.DATA, folder / paths.TOKENS):
            if path.is_dir():
                path.chmod(0o755)  # for us to look, and pytest to remove
        return Outcome(done.returncode, done.stdout, done.stderr, before, snapshot(folder), folder)


def run_stage(
    stage: str, folder: Path, start: tuple[str, ...], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a stage as DVC does, with every way to the network shut."""
    name, *arguments = stage.split()
    prefix = "stages." if start[-1] == "-m" else ""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.lower().endswith("_proxy") and not key.startswith(("PIP_", "MINBERT_"))
    }
    closed = {"HF_ENDPOINT": CLOSED, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    plain = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*start, prefix + name, *arguments],
        cwd=folder,
        env=kept | closed | plain | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def snapshot(folder: Path) -> dict[str, str]:
    """Return every file under data/ with the hash of its content, and every folder."""
    found = sorted((folder / paths.DATA).rglob("*"))
    return {
        str(path.relative_to(folder)): "" if path.is_dir() else sha256_of(path) for path in found
    }


class HalfServer(BaseHTTPRequestHandler):
    """Promises a file and breaks off half way."""

    promised, sent = 612, 306

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(self.promised))
        self.end_headers()
        self.wfile.write(b"x" * self.sent)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class OtherServer(HalfServer):
    """Sends another file, whole."""

    promised = sent = 612


def markdown(cases: Sequence[Case], bench: Bench) -> str:
    """Return the table of what was put in and what was said."""
    head = "| input | stage | told in one sentence | exit status | left behind |"
    rows = [head, "|---|---|---|---:|---|"]
    for case in cases:
        outcome = bench.outcome(case)
        kept = "nothing" if outcome.before == outcome.after else "its outs, whole"
        if case.stage == "validate":
            kept = "data/validation/*.json, on purpose"
        said = told(case, outcome).replace(str(outcome.folder), "").replace("|", "\\|")
        rows.append(f"| {case.id} | {case.stage} | {said} | {outcome.status} | {kept} |")
    return "\n".join(rows) + "\n"


def told(case: Case, outcome: Outcome) -> str:
    """Return what a person would read first."""
    if case.status == 0:
        seen = [text for text in outcome.records if case.said and re.search(case.said, text)]
        return "; ".join(["accepted", *seen])
    return " ".join(outcome.message.split())
