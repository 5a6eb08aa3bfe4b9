"""One run, from its inputs to its outputs: weights, history and run.json."""

import logging
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.core.records import LeftOut, RunSummary
from pipeline.encoder.device import (
    choose_device,
    device_name,
    keep_memory,
    make_deterministic,
)
from pipeline.encoder.kernels import Kernels, kernels_on
from pipeline.encoder.weights import save_weights
from pipeline.errors import TrainingError
from pipeline.heads.examples import open_examples, open_model
from pipeline.plumbing.checkpoints import fingerprint_of, own_checkpoint
from pipeline.plumbing.params import Params, RunParams
from pipeline.tokens.inputs import check_files, listed_files
from pipeline.training.history import best_epoch_of, write_history
from pipeline.training.loop import Trainer, TrainingPlan, plan_of
from pipeline.training.resume import Checkpoint
from pipeline.training.round_robin import discarded_batches, turns_per_round

log = logging.getLogger(__name__)


class Trained(NamedTuple):
    """What a training run returns in addition to its outs."""

    checkpoint: Path  # its folder
    facts: Mapping[str, Any]  # for the time record of the stage


def train_run(params: Params, name: str, out: Path, inputs: Path | None = None) -> Trained:
    """Train a run, and write its weights, history and summary into `out`.

    A run that was killed resumes from its checkpoint and produces the same bytes.

    Args:
        params: the params that contain the run.
        name: the name of the run.
        out: the folder to write into.
        inputs: the list of the files it reads (default: the run's own list).

    Raises:
        TrainingError: a file that the run reads is missing or has changed.
        StopError: a signal asked this process to stop; the run can be resumed.
    """
    run, plan = params.run(name), plan_of(params, params.run(name))
    device = choose_device(params.device)
    kernels = kernels_on(device, params.speed.forward)
    files = listed_files(inputs or paths.inputs_json(name), run.pair_encoding)
    with own_checkpoint(name, _fingerprint(run, plan, kernels, device, files)) as folder:
        check_files(files)  # another process may have changed them while this one waited
        trainer = _new_trainer(run, plan, kernels, device)
        _log_turns(name, trainer)
        checkpoint = Checkpoint(folder / "training.safetensors", name, params.checkpoints)
        checkpoint.restore(trainer)
        with checkpoint.listening():
            facts = trainer.fit(name, checkpoint.boundary)
        checkpoint.save(trainer)
        trainer.finish()
        metadata = {"run": name, "mode": run.mode}
        save_weights(trainer.model.cpu(), out / paths.WEIGHTS, metadata)
        write_history(out / paths.HISTORY, trainer.progress.history)
        summary = _summary(params, name, trainer, kernels, device)
        summary.write(out / paths.RUN_SUMMARY)
    return Trained(folder, facts)


def _fingerprint(
    run: RunParams,
    plan: TrainingPlan,
    kernels: Kernels,
    device: torch.device,
    files: Mapping[str, str],
) -> str:
    """Return a hash of everything that can change a bit of the results."""
    on_cpu = device.type == "cpu"
    # then the number of threads changes no bit (encoder/thread_order.py)
    is_threadless = run.mode == "pretrain" or (kernels.bf16 and kernels.layers == "fused")
    code = {
        module: sha256_of(Path(str(loaded.__file__)))
        for module, loaded in sys.modules.items()
        if module.startswith("pipeline.") and getattr(loaded, "__file__", None)
    }
    return fingerprint_of(
        {
            "settings": [repr(run), repr(plan)],  # repr keeps the order of turns; JSON may not
            "kernels": asdict(kernels),
            "inputs": dict(files),
            "device": device_name(device),
            "processor": dict(torch.cpu.get_capabilities()) if on_cpu else None,
            "threads": torch.get_num_threads() if on_cpu and not is_threadless else None,
            "libraries": [torch.__version__, str(torch.version.cuda), np.__version__],
            "code": code,
        }
    )


def _new_trainer(
    run: RunParams, plan: TrainingPlan, kernels: Kernels, device: torch.device
) -> Trainer:
    """Load the model and examples of a run and return a trainer before its first step."""
    make_deterministic(device)
    torch.manual_seed(plan.seed)  # for new heads and dropout
    if plan.speed.keep_memory and device.type == "cpu":
        keep_memory()
    train = open_examples(run, "train", device)
    for corpus, examples in train.items():
        if not len(examples.split):
            raise TrainingError(f"{corpus} has an empty train split; see data/validation")
    model = open_model(run, train, kernels, paths.BACKBONE).to(device)
    return Trainer(model, train, open_examples(run, "dev", device), plan)


def _log_turns(name: str, trainer: Trainer) -> None:
    """Log the rounds of an epoch, and what the floor of Equation 1 leaves out."""
    counts = trainer.num_batches
    if len(counts) == 1:
        return
    left_out = discarded_batches(counts)
    log.info(
        "%s  %d rounds of %s; left out by the floor of Equation 1: %s",
        name,
        min(counts.values()),
        " + ".join(f"{count} {corpus}" for corpus, count in turns_per_round(counts).items()),
        ", ".join(f"{left_out[corpus]} of {counts[corpus]} {corpus} batches" for corpus in counts),
    )


def _summary(
    params: Params, name: str, trainer: Trainer, kernels: Kernels, device: torch.device
) -> RunSummary:
    run, plan, progress = params.run(name), trainer.plan, trainer.progress
    left_out = discarded_batches(trainer.num_batches)
    seen = {row.corpus: row.examples for row in progress.history if row.epoch == 1}
    splits = {corpus: examples.split for corpus, examples in trainer.train.items()}
    if not progress.best_epoch:  # the first epoch did not finish
        seen = {c: len(splits[c]) - left_out[c] * run.batch_size[c] for c in run.corpora}
    return RunSummary(
        **run.model_dump() | {"learning_rate": plan.learning_rate},
        run=name,
        backbone=params.active.backbone,
        device=device_name(device),
        precision="bf16" if kernels.bf16 else "fp32",
        scheme=run.scheme,
        corpora=run.corpora,
        seed=plan.seed,
        epochs=plan.epochs,
        best_epoch=progress.best_epoch,
        stopped=progress.stopped,
        best_epoch_of={c: best_epoch_of(progress.history, c) for c in run.corpora},
        turns=turns_per_round(trainer.num_batches),
        discarded={  # in epoch 1; later epochs differ at most by the smaller last batch
            c: LeftOut(left_out[c], len(splits[c]) - seen[c]) for c in run.corpora
        },
        pairs_cut={
            corpus: {"train": splits[corpus].num_cut, "dev": dev.split.num_cut}
            for corpus, dev in trainer.dev.items()
            if dev.split.is_joint
        },
        parameters_trained=sum(p.numel() for p in trainer.model.parameters()),
        versions={
            "python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    )
