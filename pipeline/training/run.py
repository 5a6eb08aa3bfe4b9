"""One run from its inputs to its outs: trained weights, history, and what was done."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.device import choose_device, device_name, keep_memory, seed_everything
from pipeline.errors import TrainingError
from pipeline.evaluation.predict import Examples, open_examples, open_model
from pipeline.files import write_json
from pipeline.inputs import check_inputs
from pipeline.model.weights import save_weights
from pipeline.params import Params
from pipeline.speed import kernels_on
from pipeline.tasks import CorpusName
from pipeline.training.history import best_epoch_of, write_history
from pipeline.training.loop import Trained, Trainer, TrainingPlan
from pipeline.training.round_robin import discarded_batches, turns_per_round

log = logging.getLogger(__name__)


def train_run(params: Params, name: str, backbone_dir: Path, out: Path) -> None:
    """Train a run and write its weights, history and summary into `out`.

    Raises:
        TrainingError: what the run reads is missing or has changed, or its loss went wrong.
    """
    run = params.run(name)
    check_inputs(paths.inputs_json(name))
    device = choose_device(params.device)
    seed_everything(params.seed)
    if params.speed.training.keep_memory and device.type == "cpu":
        keep_memory()
    kernels = kernels_on(device, params.speed.forward)
    train = open_examples(run, "train", device)
    dev = open_examples(run, "dev", device)
    for corpus, examples in (*train.items(), *dev.items()):
        if not len(examples.split):
            raise TrainingError(f"{corpus} has an empty train or dev split; see data/validation")
    model = open_model(run, train, kernels, backbone_dir).to(device)
    plan = TrainingPlan(
        epochs=params.epochs(run),
        learning_rate=params.learning_rate(run),
        batch_size=run.batch_size,
        optimizer=params.optimizer,
        speed=params.speed.training,
        dev_batch_size=params.evaluation.batch_size,
        seed=params.seed,
    )
    trainer = Trainer(model, train, dev, plan)
    _announce(name, trainer)
    trained = trainer.fit(name)
    save_weights(model.cpu(), paths.run_weights(out), {"run": name, "mode": run.mode})
    write_history(paths.run_history(out), trained.history)
    summary = _summary(params, name, trained, train, trainer.num_batches)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    write_json(
        paths.run_summary(out),
        summary
        | {
            "device": device_name(device),
            "precision": "bf16" if kernels.bf16 else "fp32",  # of the backbone's matrix products
            "parameters_trained": parameters,
        },
    )


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
        "best_epoch": trained.best_epoch,
        "best_epoch_of": {c: best_epoch_of(trained.history, c) for c in run.corpora},
        "turns": turns_per_round(num_batches),
        "discarded": {  # in the first epoch; later ones differ by the last, smaller batch at most
            corpus: {
                "batches": left_out[corpus],
                "examples": len(train[corpus].split) - first[corpus].examples,
            }
            for corpus in run.corpora
        },
    }
