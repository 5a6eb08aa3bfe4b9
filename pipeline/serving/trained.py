"""A trained run, ready for new text.

It is what its run.json says, not what params.yaml says by now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from pipeline.core import paths
from pipeline.core.files import md5_of, read_record, sha256_of
from pipeline.core.schemas import TRAIN
from pipeline.core.tasks import CORPORA, CorpusName, PairEncoding
from pipeline.core.tokenizer import load_tokenizer
from pipeline.core.yaml12 import read_yaml
from pipeline.data.backbone import BACKBONES
from pipeline.encoder.bert import MinBert
from pipeline.encoder.device import choose_device, make_deterministic
from pipeline.encoder.kernels import kernels_on
from pipeline.encoder.weights import load_backbone, load_weights
from pipeline.errors import BackboneError, InputError, TrainingError
from pipeline.heads.multitask import MultitaskBert
from pipeline.plumbing.params import Params

# of run.json, what is used here
SUMMARY_KEYS = (
    *("mode", "scheme", "corpora", "backbone", "seed", "epochs", "best_epoch", "stopped"),
    *("learning_rate", "batch_size", "dropout", "pair_encoding", "device", "precision"),
)


@dataclass(frozen=True)
class TrainedRun:
    """A run's backbone, heads and tokenizer."""

    name: str
    summary: Mapping[str, Any]  # run.json
    corpora: Sequence[CorpusName]  # whose heads it has
    pair_encoding: PairEncoding | None  # None if it reads no pairs
    backbone: MinBert  # as pretrained where it was frozen, else with what the run taught it
    model: MultitaskBert  # the heads, over the backbone where the run taught it
    tokenizer: Tokenizer

    @property
    def is_frozen(self) -> bool:
        """Say whether the backbone is as it was pretrained."""
        return self.model.backbone is None

    @property
    def classified(self) -> CorpusName | None:
        """Return the corpus of a run with one head, if its classes are of single sentences."""
        name, *others = self.corpora
        return None if others or CORPORA[name].is_pair else name

    def corpora_for(self, num_sentences: int, wanted: CorpusName | None) -> list[CorpusName]:
        """Return the corpora whose heads read so many sentences, or the one that is wanted.

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
    """Load a trained run and put it on the device of params.yaml.

    Raises:
        ParamsError: there is no such run.
        TrainingError: the run is not trained, has learnt nothing, or is damaged.
        BackboneError: data/backbone is missing, damaged, or not the one the run was trained with.
        SchemaError: a file is of another version.
    """
    params.run(name)
    summary = _summary(name)
    is_frozen = summary["mode"] == "pretrain"
    _check_backbone(paths.BACKBONE, summary["backbone"], name, with_weights=is_frozen)
    device = choose_device(params.device)
    make_deterministic(device)
    backbone = load_backbone(paths.BACKBONE, kernels_on(device, params.speed.forward))
    tokenizer = load_tokenizer(paths.backbone_tokenizer(paths.BACKBONE))
    if tokenizer.get_vocab_size() > backbone.config.vocab_size:
        raise BackboneError(
            f"{paths.backbone_tokenizer(paths.BACKBONE)} knows {tokenizer.get_vocab_size()} tokens "
            f"and the backbone {backbone.config.vocab_size}; run `dvc repro -f backbone`"
        )
    hidden_size, dropout = backbone.config.hidden_size, summary["dropout"]
    model = MultitaskBert(None if is_frozen else backbone, summary["corpora"], hidden_size, dropout)
    load_weights(model, paths.run_weights(paths.run_dir(name)))
    backbone, model = backbone.to(device).eval(), model.to(device).eval()
    corpora, pair_encoding = summary["corpora"], summary["pair_encoding"]
    return TrainedRun(name, summary, corpora, pair_encoding, backbone, model, tokenizer)


def _summary(name: str) -> dict[str, Any]:
    """Read what a run says of itself, and refuse one that has nothing to say."""
    path = paths.run_summary(paths.run_dir(name))
    if not path.exists():
        raise TrainingError(f"{name} is not trained yet ({path} is missing); run `dvc repro`")
    try:
        summary = read_record(path, TRAIN)
        summary = {key: summary[key] for key in SUMMARY_KEYS}
    except (OSError, ValueError, KeyError):
        raise TrainingError(f"{path} is damaged; run `dvc repro`") from None
    if not summary["best_epoch"]:
        raise TrainingError(f"{name} has learnt nothing: training stopped, {summary['stopped']}")
    return summary


def _check_backbone(folder: Path, name: str, run: str, *, with_weights: bool) -> None:
    """Refuse another backbone than a run was trained with.

    A run that taught its backbone brings weights of its own. A backbone of the user's own has no
    hashes; whether it fits is seen when it is loaded.
    """
    if name not in BACKBONES:
        return
    weights = paths.backbone_weights(folder)
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
    """Return the profile under which a run's weights were trained, None if that is not known.

    run.json does not say, and a profile in params.yaml may be another by now. What dvc.lock says
    counts if it is of these very weights.
    """
    weights = paths.run_weights(paths.run_dir(run))
    try:
        locked = read_yaml(paths.DVC_LOCK)["stages"][f"train@{run}"]
        (md5,) = (out["md5"] for out in locked["outs"] if out["path"] == weights.as_posix())
        (profile,) = {
            key.split(".")[1] for key in locked["params"]["params.yaml"] if key[:9] == "profiles."
        }
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return str(profile) if md5_of(weights) == md5 else None
