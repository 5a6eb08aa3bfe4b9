"""files: whole or absent, sorted, hashed."""

import errno
import math
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from pipeline.core.files import (
    git_blob_sha1_of,
    md5_of,
    read_record,
    replacing,
    replacing_folder,
    sha256_of,
    write_json,
    write_record,
    write_text,
)
from pipeline.core.schemas import Schema
from pipeline.errors import SchemaError

TOKENS = Schema("tokens", 2)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fail_half_way(path: Path) -> None:
    path.write_text("ne")
    raise RuntimeError("half way")


def test_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names_in(path.parent) == {"a.txt"}


def test_a_file_and_then_the_list_of_its_folder_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_for = []
    monkeypatch.setattr(os, "fsync", lambda handle: waited_for.append(os.fstat(handle).st_ino))
    write_text(tmp_path / "a.txt", "new")
    assert waited_for == [(tmp_path / "a.txt").stat().st_ino, tmp_path.stat().st_ino]


def test_old_file_survives_a_failure_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"), replacing(path) as temporary:
        fail_half_way(temporary)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"a.txt"}


@pytest.mark.parametrize("remains", [".a.txt.{}.part", ".a.txt.{}.old"])
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path, remains: str) -> None:
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
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"a\.txt") as failure:
            write_text(tmp_path / "a.txt", "x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert failure.value.filename == str(tmp_path / "a.txt")
    assert names_in(tmp_path) == set()


def test_json_is_indented_for_people(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [1]})
    assert (tmp_path / "a.json").read_bytes() == b'{\n  "a": [\n    1\n  ]\n}\n'


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_json_refuses_what_is_no_number(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"score": number})
    assert names_in(tmp_path) == set()


def test_record_comes_back_with_its_schema(tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", TOKENS, {"b": 1})
    assert read_record(tmp_path / "a.json", TOKENS) == {"schema": "tokens/2", "b": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"schema": "tokens/1"}, "its schema is tokens/1"),
        ({"schema": "scores/2"}, "its schema is scores/2"),
        ({"b": 1}, "it names no schema"),
    ],
)
def test_record_of_another_version_is_refused(
    tmp_path: Path, content: dict[str, object], told: str
) -> None:
    write_json(tmp_path / "a.json", content)
    said = f"a.json was written by another version of this project: {told}, this one reads tokens/2"
    with pytest.raises(SchemaError, match=said):
        read_record(tmp_path / "a.json", TOKENS)


def test_record_that_is_no_mapping_is_damaged(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", [1])
    with pytest.raises(ValueError, match="holds no keys and values"):
        read_record(tmp_path / "a.json", TOKENS)


def test_folder_takes_the_place_of_the_old_one_whole(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for text in ("old", "new"):
        with replacing_folder(folder) as temporary:
            (temporary / f"{text}.txt").write_text(text)
    assert names_in(folder) == {"new.txt"}
    assert names_in(tmp_path) == {"folder"}


def test_old_folder_survives_a_failure_inside_the_block(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with replacing_folder(folder) as temporary:
        (temporary / "old.txt").write_text("old")
    with pytest.raises(RuntimeError, match="half way"), replacing_folder(folder) as temporary:
        fail_half_way(temporary / "new.txt")
    assert names_in(folder) == {"old.txt"}
    assert names_in(tmp_path) == {"folder"}


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_old_folder_comes_back_when_the_last_rename_fails(
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


def test_an_error_names_what_is_replaced_and_not_the_temporary_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as failure, replacing(tmp_path / "a") as path:
        path.open()
    assert failure.value.filename == str(tmp_path / "a")
    with pytest.raises(OSError, match="No such file") as failure:
        copy_from_nowhere(tmp_path / "b")
    assert failure.value.filename2 == str(tmp_path / "b" / "c")
    (tmp_path / "file").touch()
    with (
        pytest.raises(NotADirectoryError) as failure,
        replacing_folder(tmp_path / "file" / "folder"),
    ):
        pass
    assert failure.value.filename == str(tmp_path / "file" / "folder")


def copy_from_nowhere(folder: Path) -> None:
    with replacing_folder(folder) as temporary:
        Path(folder.parent / "nowhere").rename(temporary / "c")


@pytest.mark.parametrize(
    ("number", "place", "is_fine"),
    [(errno.EINVAL, "folder", True), (errno.EIO, "folder", False), (errno.EINVAL, "file", False)],
)
def test_a_file_system_that_cannot_sync_folders_is_no_failure(
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
