"""Loads a trained run to predict new texts.

The run's settings come from its run.json, because params.yaml may have changed since training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.core import paths
from pipeline.core.files import md5_of, sha256_of
from pipeline.core.records import RunSummary
from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.core.tokenizer import load_tokenizer
from pipeline.data.backbone import BACKBONES
from pipeline.encoder.bert import MinBert
from pipeline.encoder.device import choose_device, make_deterministic
from pipeline.encoder.kernels import kernels_on
from pipeline.encoder.weights import load_backbone, load_weights
from pipeline.errors import BackboneError, InputError, TrainingError
from pipeline.evaluation.scores import read_summary
from pipeline.heads.model import MultitaskBert
from pipeline.plumbing.dvc_lock import read_lock
from pipeline.plumbing.params import Params


@dataclass(frozen=True)
class TrainedRun:
    """A run's backbone, heads and tokenizer."""

    name: str
    summary: RunSummary
    backbone: MinBert  # pretrained weights if it was frozen, else finetuned ones
    model: MultitaskBert  # the heads, and the backbone if it was finetuned
    tokenizer: Tokenizer

    @property
    def corpora(self) -> Sequence[CorpusName]:
        """Return the corpora, each of which has a head."""
        return self.summary.corpora

    @property
    def is_frozen(self) -> bool:
        """Return whether the backbone was frozen."""
        return self.model.backbone is None

    @property
    def classified(self) -> CorpusName | None:
        """Return the run's corpus if its only head classifies single sentences, else None."""
        name, *others = self.corpora
        return None if others or CORPORA[name].is_pair else name

    def corpora_for(self, num_sentences: int, wanted: CorpusName | None) -> list[CorpusName]:
        """Return the corpora whose heads read this number of sentences, or just the wanted one.

        Raises:
            InputError: the run has no such head.
        """
        if wanted is not None and wanted not in self.corpora:
            raise InputError(
                f"{self.name} was not trained on {wanted!r}; it knows: {', '.join(self.corpora)}"
            )
        asked = self.corpora if wanted is None else (wanted,)
        fitting = [name for name in asked if CORPORA[name].task.num_sentences == num_sentences]
        if not fitting:
            kinds = "single sentences", "pairs"
            reads, given = kinds[::-1] if num_sentences == 1 else kinds
            raise InputError(f"{self.name} reads {reads} ({', '.join(asked)}), not {given}")
        return fitting


def open_run(params: Params, name: str) -> TrainedRun:
    """Load a trained run onto the device set in params.yaml.

    Raises:
        ParamsError: there is no such run.
        TrainingError: the run is not trained, has no finished epoch, or is damaged.
        BackboneError: data/backbone is missing, damaged, or not the one used in training.
        SchemaError: another version wrote a file.
    """
    params.run(name)
    summary = _summary(name)
    is_frozen = summary.mode == "pretrain"
    _check_backbone(paths.BACKBONE, summary.backbone, name, with_weights=is_frozen)
    device = choose_device(params.device)
    make_deterministic(device)
    backbone = load_backbone(paths.BACKBONE, kernels_on(device, params.speed.forward))
    tokenizer = load_tokenizer(paths.BACKBONE / paths.TOKENIZER)
    if tokenizer.get_vocab_size() > backbone.config.vocab_size:
        raise BackboneError(
            f"{paths.BACKBONE / paths.TOKENIZER} has {tokenizer.get_vocab_size()} tokens "
            f"and the backbone {backbone.config.vocab_size}; run `dvc repro -f backbone`"
        )
    model = MultitaskBert(
        None if is_frozen else backbone,
        summary.corpora,
        backbone.config.hidden_size,
        summary.dropout,
    )
    load_weights(model, paths.run_dir(name) / paths.WEIGHTS)
    backbone, model = backbone.to(device).eval(), model.to(device).eval()
    return TrainedRun(name, summary, backbone, model, tokenizer)


def _summary(name: str) -> RunSummary:
    """Read run.json, and reject a run that has no finished epoch."""
    path = paths.run_dir(name) / paths.RUN_SUMMARY
    if not path.exists():
        raise TrainingError(f"{name} is not trained yet ({path} is missing); run `dvc repro`")
    summary = read_summary(path)
    if not summary.best_epoch:
        raise TrainingError(f"{name} has no finished epoch: training stopped, {summary.stopped}")
    return summary


def _check_backbone(folder: Path, name: str, run: str, *, with_weights: bool) -> None:
    """Reject a backbone other than the one that a run was trained with.

    A finetuned run has its own weights, so only the other files are compared. The hashes of a
    user's own backbone are unknown; loading it shows whether it fits.
    """
    if name not in BACKBONES:
        return
    weights = folder / paths.WEIGHTS
    for pin in BACKBONES[name].pins:
        path = folder / pin.name
        if not path.is_file():
            raise BackboneError(f"{path} is missing; run `dvc repro backbone`")
        if path == weights and not with_weights:
            continue
        if sha256_of(path) != pin.sha256:
            raise BackboneError(
                f"{run} was trained with {name}, and {path} is of another backbone; run `dvc repro`"
            )


def profile_of(run: str) -> str | None:
    """Return the profile with which a run's weights were trained, or None if it is unknown.

    run.json does not contain the profile, and params.yaml may have changed. So the profile is read
    from dvc.lock, provided that dvc.lock describes exactly these weights.
    """
    weights = paths.run_dir(run) / paths.WEIGHTS
    try:
        locked = read_lock()[f"train@{run}"]
        (md5,) = (out.md5 for out in locked.outs if out.path == weights.as_posix())
        params = locked.params[str(paths.PARAMS)]
        (profile,) = {key.split(".")[1] for key in params if key.startswith("profiles.")}
    except (OSError, KeyError, ValueError):
        return None
    return profile if md5_of(weights) == md5 else None
