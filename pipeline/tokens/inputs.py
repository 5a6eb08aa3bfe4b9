"""For each run, a list of the files that it reads, with their hashes.

DVC cannot template lists, so `train@<run>` cannot depend on one corpus for one run and on three
for another. It depends on this list instead, which changes exactly when a file that the run reads
changes (docs/decisions/0003-inputs.md).
"""

from collections.abc import Mapping
from pathlib import Path

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.core.records import RunInputs
from pipeline.core.tasks import PAIR_ENCODINGS, PairEncoding, feature_set
from pipeline.errors import TrainingError
from pipeline.plumbing.params import RunParams


def write_inputs(name: str, run: RunParams, out: Path) -> None:
    """Write the list of the files that a run reads, with their hashes.

    For a run on pairs, it also lists the files of the other encoding, because a trial may use them.

    Raises:
        TrainingError: a file is missing.
    """
    files, other_files = _hashes(run), {}
    for encoding in PAIR_ENCODINGS:
        if run.pair_encoding not in (None, encoding):
            other_files = _hashes(run.model_copy(update={"pair_encoding": encoding}))
    record = RunInputs(
        run=name,
        pair_encoding=run.pair_encoding,
        files=files,
        files_of_other_encoding=other_files,
    )
    record.write(out)


def listed_files(path: Path, pair_encoding: PairEncoding | None) -> dict[str, str]:
    """Return the listed hashes, by file name, of what a run reads with an encoding.

    Raises:
        TrainingError: the list is missing or damaged.
        SchemaError: another version of this project wrote the list.
    """
    try:
        record = RunInputs.read(path)
    except (OSError, ValueError):
        raise TrainingError(f"{path} is missing or damaged; run `dvc repro inputs`") from None
    is_own = record.pair_encoding == pair_encoding
    return dict(record.files if is_own else record.files_of_other_encoding)


def check_files(hashes: Mapping[str, str]) -> None:
    """Compare files with their listed hashes.

    Raises:
        TrainingError: a file is missing or has changed.
    """
    for name, expected in hashes.items():
        if _hash(Path(name)) != expected:
            raise TrainingError(f"{name} has changed since it was listed; run `dvc repro`")


def _hashes(run: RunParams) -> dict[str, str]:
    """Hash the files that a run reads: tokens, and either features or the backbone."""
    folders = [paths.tokens_dir(corpus) for corpus in run.corpora]
    files = [paths.BACKBONE / paths.CONFIG, paths.BACKBONE / paths.WEIGHTS]
    if run.mode == "pretrain":
        sets = [feature_set(corpus, run.encoding_of(corpus)) for corpus in run.corpora]
        folders += map(paths.features_dir, sets)
        files = []
    for folder in folders:
        if not folder.is_dir():
            raise TrainingError(f"{folder} is missing; run `dvc repro`")
        files += [path for path in folder.iterdir() if not path.name.startswith(".")]
    return {str(path): _hash(path) for path in files}


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        raise TrainingError(f"{path} is missing; run `dvc repro`") from None
