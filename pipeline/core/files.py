"""Writes files atomically: first under a temporary name, which is then renamed.

A file is flushed to disk before the rename, so a power failure leaves either the old or the new
file. The next process that writes the same file removes the remains of a killed process.
"""

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from pipeline.core.schemas import Schema
from pipeline.errors import SchemaError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`, and rename it to `path` if the block succeeds.

    If the block raises, nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_remains(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        # name the file that the user knows, not the temporary one
        if error.errno and str(error.filename or temporary) == str(temporary):
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder next to `folder`, and rename it to `folder` if the block succeeds.

    If the block raises, nothing is left behind and the old folder stays.
    """
    _remove_remains(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    old = temporary.with_suffix(".old")
    shutil.rmtree(temporary, ignore_errors=True)  # left by a killed process with the same id
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _flush(temporary)
        try:
            if folder.exists():
                folder.rename(old)
            temporary.rename(folder)
        except BaseException:  # such as Ctrl-C between the two renames
            if old.exists() and not folder.exists():
                old.rename(folder)
            raise
    except OSError as error:
        for name in ("filename", "filename2"):  # name the folder that the user knows
            if place := getattr(error, name):
                setattr(error, name, str(place).replace(str(temporary), str(folder)))
        raise
    finally:
        for remains in (temporary, old):
            shutil.rmtree(remains, ignore_errors=True)


def _remove_remains(path: Path) -> None:
    """Remove temporary files and folders of `path` whose processes have ended."""
    for remains in path.parent.glob(f".{path.name}.*"):
        number, _, kind = remains.name.removeprefix(f".{path.name}.").partition(".")
        if kind not in ("part", "old") or not number.isdigit() or psutil.pid_exists(int(number)):
            continue
        if remains.is_dir():
            shutil.rmtree(remains, ignore_errors=True)
        else:
            remains.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Flush the content of a file, or the entries of a folder, to disk."""
    if sys.platform == "win32" and path.is_dir():
        return  # Windows cannot open folders
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if not path.is_dir() or error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise  # some file systems cannot flush folders
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line endings."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any, *, sort_keys: bool = True) -> None:
    """Write indented JSON with a final newline; raise ValueError for NaN and infinity."""
    write_text(path, json.dumps(value, indent=2, sort_keys=sort_keys, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON written by `write_json`."""
    return json.loads(path.read_text(encoding="utf-8"))


def check_schema(path: Path, found: object, schema: Schema, remedy: str = "") -> None:
    """Raise an error if a file is of another kind or version.

    Args:
        path: the name of the file in the message.
        found: the schema of the file.
        schema: the expected schema.
        remedy: how to get a file with the expected schema (default: the remedy of the schema).

    Raises:
        SchemaError: the file has another schema.
    """
    if found != str(schema):
        theirs = f"its schema is {found}" if found else "it has no schema"
        raise SchemaError(
            f"{path} was written by another version of this project: {theirs}, this one reads "
            f"{schema}; {remedy or schema.remedy}"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(path: Path) -> str:
    """Return the MD5 of a file, which is its name in the DVC cache."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return digest.hexdigest()


def git_blob_sha1_of(path: Path) -> str:
    r"""Return the git blob id of a file: the SHA-1 of `blob <size>\0` and the content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: digest).hexdigest()
