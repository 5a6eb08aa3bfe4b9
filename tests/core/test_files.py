"""files: complete or absent, sorted, hashed, and read back with the same bytes."""

import errno
import math
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.files import (
    git_blob_sha1_of,
    md5_of,
    read_json,
    replacing,
    replacing_folder,
    sha256_of,
    write_json,
    write_text,
)
from pipeline.core.record import Record, RecordError
from pipeline.core.schemas import Schema
from pipeline.errors import SchemaError
from tests.full_disk import full_disk

TOKENS = Schema("tokens", 2)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fail_half_way(path: Path) -> None:
    path.write_text("ha")
    raise RuntimeError("half way")


def test_a_file_replaces_the_old_one_only_if_the_block_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for text in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(text)
            assert not path.exists() or path.read_text() == "old"
    assert path.read_text() == "new"
    with pytest.raises(RuntimeError, match="half way"), replacing(path) as temporary:
        fail_half_way(temporary)
    assert path.read_text() == "new"
    assert names_in(path.parent) == {"a.txt"}


def test_the_file_and_then_its_folder_are_synced_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_for = []
    monkeypatch.setattr(os, "fsync", lambda handle: waited_for.append(os.fstat(handle).st_ino))
    write_text(tmp_path / "a.txt", "new")
    assert waited_for == [(tmp_path / "a.txt").stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.parametrize("remains", [".a.txt.{}.part", ".a.txt.{}.old"])
def test_temporary_files_of_a_killed_process_are_removed_by_the_next(
    tmp_path: Path, remains: str
) -> None:
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    (tmp_path / remains.format(killed.pid)).mkdir()
    of_a_living_one = tmp_path / f".a.txt.{os.getppid()}.part"
    of_another_file = tmp_path / ".a.txt.notes.part"
    for path in (of_a_living_one, of_another_file):
        path.write_text("half")
    write_text(tmp_path / "a.txt", "new")
    assert names_in(tmp_path) == {"a.txt", of_a_living_one.name, of_another_file.name}


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(OSError, match=r"a\.txt") as failure:
        write_text(tmp_path / "a.txt", "x" * 200)
    assert failure.value.filename == str(tmp_path / "a.txt")
    assert names_in(tmp_path) == set()


def test_json_is_indented_and_rejects_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [1]})
    assert (tmp_path / "a.json").read_bytes() == b'{\n  "a": [\n    1\n  ]\n}\n'
    for number in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(tmp_path / "b.json", {"score": number})
    assert names_in(tmp_path) == {"a.json"}


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
# JSON can contain half a surrogate pair, which broken texts may have
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def reversed_keys(value: Any) -> Any:
    """Return the same value with its keys in the opposite order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(each) for each in value] if isinstance(value, list) else value


@given(JSON)
def test_json_can_be_read_back_and_key_order_does_not_matter(value: Any) -> None:
    with TemporaryDirectory() as folder:
        one, other = Path(folder) / "one.json", Path(folder) / "other.json"
        write_json(one, value)
        write_json(other, reversed_keys(value))
        assert repr(read_json(one)) == repr(read_json(other))  # distinguishes 1, 1.0 and True
        assert read_json(one) == value
        assert one.read_bytes() == other.read_bytes()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_written_without_changing_a_byte(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        write_text(path, text)
        assert path.read_bytes() == text.encode()


class Letter(Record):
    """A record with one number."""

    SCHEMA = TOKENS
    b: float


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ({"schema": "tokens/1"}, "its schema is tokens/1"),
        ({"schema": "scores/2"}, "its schema is scores/2"),
        ({"b": 1}, "it has no schema"),
    ],
)
def test_a_record_of_a_different_version_is_rejected(
    tmp_path: Path, content: dict[str, object], error: str
) -> None:
    path = tmp_path / "a.json"
    Letter(b=1).write(path)
    assert read_json(path) == {"schema": "tokens/2", "b": 1}
    assert Letter.read(path) == Letter(b=1)
    write_json(path, content)
    message = f"a.json was written by another version of this project: {error}, this one reads"
    with pytest.raises(SchemaError, match=message):
        Letter.read(path)
    write_json(path, [content])
    with pytest.raises(ValueError, match="is not a JSON object"):
        Letter.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "b: Field required"),
        (', "b": true', "b: Input should be a valid number"),
        (', "b": "1"', "b: Input should be a valid number"),
        (', "b": NaN', "b: Input should be a finite number"),
        (', "b": 1, "c": 2', "c: Extra inputs are not permitted"),
    ],
)
def test_a_damaged_record_says_where(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(f'{{"schema": "tokens/2"{content}}}')
    with pytest.raises(RecordError, match=f"^{said}"):
        Letter.read(path)


def test_a_folder_replaces_the_old_one_completely_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for text in ("old", "new"):
        with replacing_folder(folder) as temporary:
            (temporary / f"{text}.txt").write_text(text)
    with pytest.raises(RuntimeError, match="half way"), replacing_folder(folder) as temporary:
        fail_half_way(temporary / "newer.txt")
    assert names_in(folder) == {"new.txt"}
    assert names_in(tmp_path) == {"folder"}


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_the_old_folder_is_restored_if_the_last_rename_fails(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    with replacing_folder(folder) as temporary:
        (temporary / "old.txt").write_text("old")
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.suffix == ".part":
            raise failure
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(type(failure)), replacing_folder(folder):
        pass
    assert names_in(folder) == {"old.txt"}
    assert names_in(tmp_path) == {"folder"}


def test_an_error_names_the_target_and_not_the_temporary_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as failure, replacing(tmp_path / "a") as path:
        path.open()
    assert failure.value.filename == str(tmp_path / "a")
    with pytest.raises(OSError, match="No such file") as failure:  # noqa: SIM117
        with replacing_folder(tmp_path / "b") as folder:
            (tmp_path / "nowhere").rename(folder / "c")
    assert failure.value.filename2 == str(tmp_path / "b" / "c")
    (tmp_path / "file").touch()
    below = tmp_path / "file" / "folder"
    with pytest.raises(NotADirectoryError) as failure, replacing_folder(below):
        pass
    assert failure.value.filename == str(below)


@pytest.mark.parametrize(
    ("number", "place", "is_fine"),
    [(errno.EINVAL, "folder", True), (errno.EIO, "folder", False), (errno.EINVAL, "file", False)],
)
def test_a_file_system_that_cannot_sync_folders_is_accepted(
    number: int, place: str, is_fine: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode) == (place == "folder"):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)
    with nullcontext() if is_fine else pytest.raises(OSError, match=os.strerror(number)):
        write_text(tmp_path / "a.txt", "a")


@pytest.mark.parametrize(
    ("hash_of", "expected"),
    [
        (sha256_of, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"),
        (md5_of, "b1946ac92492d2347c6235b4d2611184"),
        (git_blob_sha1_of, "ce013625030ba8dba906f756967f9e9ca394464a"),  # git hash-object
    ],
)
def test_hashes_of_known_content(
    tmp_path: Path, hash_of: Callable[[Path], str], expected: str
) -> None:
    (tmp_path / "a").write_bytes(b"hello\n")
    assert hash_of(tmp_path / "a") == expected
