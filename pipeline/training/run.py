"""One run from its inputs to its outs: trained weights, history, and what was done."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline import paths
from pipeline.checkpoints import (
    fingerprint_of,
    mark_finished,
    others_of,
    own_checkpoint,
)
from pipeline.device import (
    choose_device,
    device_name,
    keep_memory,
    make_deterministic,
    seed_everything,
)
from pipeline.errors import TrainingError
from pipeline.evaluation.predict import Examples, open_examples, open_model
from pipeline.files import sha256_of, write_record
from pipeline.inputs import check_inputs, listed_files
from pipeline.model.kernels import Kernels, kernels_on
from pipeline.model.weights import save_weights
from pipeline.params import Params, RunParams
from pipeline.schemas import TRAIN
from pipeline.tasks import CorpusName
from pipeline.training.history import best_epoch_of, write_history
from pipeline.training.loop import Trained, Trainer, TrainingPlan
from pipeline.training.resume import Checkpoint
from pipeline.training.round_robin import discarded_batches, turns_per_round

log = logging.getLogger(__name__)


def train_run(
    params: Params, name: str, backbone_dir: Path, out: Path, inputs: Path | None = None
) -> None:
    """Train a run and write its weights, history and summary into `out`.

    One that was killed goes on from its last checkpoint, and ends in the same bytes.

    Args:
        params: of which the run is a part.
        name: of the run.
        backbone_dir: what a finetuned run begins with.
        out: a folder.
        inputs: the list of what it reads, where that is another run's.

    Raises:
        TrainingError: what the run reads is missing or has changed.
        StopError: this process was asked to stop; the run can go on from there.
    """
    inputs = inputs or paths.inputs_json(name)
    device = choose_device(params.device)
    kernels = kernels_on(device, params.speed.forward)
    files = listed_files(inputs, params.run(name).pair_encoding)
    with own_checkpoint(name, _fingerprint(params, name, kernels, device, files)) as folder:
        _check_inputs(params.run(name), name, inputs, files)
        trainer = _new_trainer(params, name, kernels, backbone_dir, device)
        _announce(name, trainer)
        checkpoint = Checkpoint(folder / "training.safetensors", name, params.checkpoints)
        _restore(name, checkpoint, trainer, folder)
        with checkpoint.listening():
            trainer.fit(name, checkpoint.boundary)
        checkpoint.save(trainer)
        _write_outs(params, name, trainer, kernels, out)
        mark_finished(folder, paths.run_weights(out))


def _check_inputs(run: RunParams, name: str, inputs: Path, files: Mapping[str, str]) -> None:
    """Refuse to train on other files than those that were listed at first."""
    if listed_files(inputs, run.pair_encoding) != files:
        raise TrainingError(
            f"what {name} reads changed while it waited for another process; run `dvc repro`"
        )
    check_inputs(inputs, run.pair_encoding)


def _restore(name: str, checkpoint: Checkpoint, trainer: Trainer, folder: Path) -> None:
    """Go on from the run's checkpoint, if there is one; say why not where there are others."""
    if not checkpoint.restore(trainer) and others_of(name, folder):
        log.info(
            "%s  begins anew: what there is in %s is of other settings, inputs, code or "
            "another machine",
            name,
            folder.parent,
        )


def _fingerprint(
    params: Params,
    name: str,
    kernels: Kernels,
    device: torch.device,
    files: Mapping[str, str],
) -> str:
    """Stand for everything that decides a run's numbers, to the last bit."""
    on_cpu = device.type == "cpu"
    run = params.run(name)
    code = {
        module: sha256_of(Path(str(loaded.__file__)))
        for module, loaded in sys.modules.items()
        if module.startswith("pipeline.") and getattr(loaded, "__file__", None)
    }
    return fingerprint_of(
        {
            "run": run.model_dump(),
            "turns": run.corpora,  # in their order, which keys of JSON do not keep
            "epochs": params.epochs(run),
            "learning_rate": params.learning_rate(run),
            "seed": params.seed,
            "optimizer": params.optimizer.model_dump(),
            "speed": params.speed.training.model_dump(),
            "kernels": asdict(kernels),
            "dev_batch_size": params.evaluation.batch_size,
            "inputs": dict(files),
            "device": device_name(device),
            "processor": dict(torch.cpu.get_capabilities()) if on_cpu else None,
            "threads": torch.get_num_threads() if on_cpu else None,
            "libraries": [torch.__version__, str(torch.version.cuda), np.__version__],
            "code": code,
        }
    )


def _new_trainer(
    params: Params,
    name: str,
    kernels: Kernels,
    backbone_dir: Path,
    device: torch.device,
) -> Trainer:
    """Build a run's model and examples, as they are before the first step."""
    run = params.run(name)
    make_deterministic(device)
    seed_everything(params.seed)
    if params.speed.training.keep_memory and device.type == "cpu":
        keep_memory()
    train = open_examples(run, "train", device)
    for corpus, examples in train.items():
        if not len(examples.split):
            raise TrainingError(f"{corpus} has an empty train split; see data/validation")
    model = open_model(run, train, kernels, backbone_dir).to(device)
    plan = TrainingPlan(
        epochs=params.epochs(run),
        learning_rate=params.learning_rate(run),
        batch_size=run.batch_size,
        optimizer=params.optimizer,
        speed=params.speed.training,
        dev_batch_size=params.evaluation.batch_size,
        seed=params.seed,
        idle_heads=run.idle_heads,
    )
    return Trainer(model, train, open_examples(run, "dev", device), plan)


def _write_outs(params: Params, name: str, trainer: Trainer, kernels: Kernels, out: Path) -> None:
    """Write a run's weights, history and summary."""
    device = trainer.model.device
    trained = trainer.finish()
    metadata = {"run": name, "mode": params.run(name).mode}
    save_weights(trainer.model.cpu(), paths.run_weights(out), metadata)
    write_history(paths.run_history(out), trained.history)
    summary = _summary(params, name, trained, trainer.train, trainer.num_batches)
    summary["pairs_cut"] = {
        corpus: {"train": trainer.train[corpus].split.num_cut, "dev": dev.split.num_cut}
        for corpus, dev in trainer.dev.items()
        if dev.split.is_joint
    }
    machine = {
        "device": device_name(device),
        "precision": "bf16" if kernels.bf16 else "fp32",  # of the backbone's matrix products
        "parameters_trained": sum(p.numel() for p in trainer.model.parameters()),
        "versions": {
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    write_record(paths.run_summary(out), TRAIN, summary | machine)


def _announce(name: str, trainer: Trainer) -> None:
    """Say how the corpora share an epoch, and what the floor of Equation 1 leaves out."""
    if len(trainer.num_batches) == 1:
        return
    turns, discarded = turns_per_round(trainer.num_batches), discarded_batches(trainer.num_batches)
    log.info(
        "%s  %d rounds of %s; left out by the floor of Equation 1: %s",
        name,
        min(trainer.num_batches.values()),
        " + ".join(f"{count} {corpus}" for corpus, count in turns.items()),
        ", ".join(
            f"{count} of {trainer.num_batches[corpus]} {corpus} batches"
            for corpus, count in discarded.items()
        ),
    )


def _summary(
    params: Params,
    name: str,
    trained: Trained,
    train: Mapping[CorpusName, Examples],
    num_batches: Mapping[CorpusName, int],
) -> dict[str, Any]:
    """Say what the run did, in the terms of params.yaml and of Equation 1."""
    run = params.run(name)
    first = {row.corpus: row for row in trained.history if row.epoch == 1}
    left_out = discarded_batches(num_batches)
    seen = {  # in the first epoch; later ones differ by the last, smaller batch at most
        corpus: first[corpus].examples
        if trained.best_epoch
        else len(train[corpus].split) - left_out[corpus] * run.batch_size[corpus]
        for corpus in run.corpora
    }
    return {
        "run": name,
        "mode": run.mode,
        "scheme": run.scheme,
        "corpora": list(run.corpora),
        "seed": params.seed,
        "backbone": params.active.backbone,
        "epochs": params.epochs(run),
        "learning_rate": params.learning_rate(run),
        "batch_size": dict(run.batch_size),
        "dropout": run.dropout,
        "pair_encoding": run.pair_encoding,
        "idle_heads": run.idle_heads,
        "best_epoch": trained.best_epoch,
        "stopped": trained.stopped,
        "best_epoch_of": {c: best_epoch_of(trained.history, c) for c in run.corpora},
        "turns": turns_per_round(num_batches),
        "discarded": {
            corpus: {
                "batches": left_out[corpus],
                "examples": len(train[corpus].split) - seen[corpus],
            }
            for corpus in run.corpora
        },
    }
