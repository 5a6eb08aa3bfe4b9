"""What each speed setting of params.yaml brings: finetune steps, side by side in one run.

Settings take turns on the same examples, so that a machine that slows down slows all of them;
what counts are the ratios. Needs the data of a finished `make repro`.
"""

import argparse
import statistics
import sys
import time

import numpy as np
import torch

from pipeline import paths
from pipeline.batches import shuffled_batches
from pipeline.device import choose_device, device_name, seed_everything
from pipeline.evaluation.predict import TokenExamples, open_model
from pipeline.params import Params, SpeedParams, load_params
from pipeline.tasks import CORPORA, CorpusName
from pipeline.tokens.token_cache import read_cache
from pipeline.training.loop import Trainer, TrainingPlan

SETTINGS: dict[str, dict[str, object]] = {
    "plain": {"bucket_batches": 1, "fused_adamw": False, "attention": "eager"},
    "only fused AdamW": {"bucket_batches": 1, "fused_adamw": True, "attention": "eager"},
    "only length buckets": {"bucket_batches": 50, "fused_adamw": False, "attention": "eager"},
    "only sdpa": {"bucket_batches": 1, "fused_adamw": False, "attention": "sdpa"},
    "together": {"bucket_batches": 50, "fused_adamw": True, "attention": "sdpa"},
}


def trainer_of(params: Params, corpus: CorpusName, setting: dict[str, object]) -> Trainer:
    """Build the trainer of a corpus's finetune run under one setting."""
    run = params.run(f"{corpus}-finetune")
    speed = SpeedParams.model_validate(setting)
    device = choose_device(params.device)
    seed_everything(params.seed)
    examples = {corpus: TokenExamples(read_cache(paths.tokens_dir(corpus), "train"), device)}
    model = open_model(run, examples, speed.attention, paths.BACKBONE).to(device).train()
    plan = TrainingPlan(
        epochs=1,
        learning_rate=params.learning_rate(run),
        batch_size=run.batch_size,
        optimizer=params.optimizer,
        speed=speed,
        dev_batch_size=params.evaluation.batch_size,
        seed=params.seed,
    )
    return Trainer(model, examples, examples, plan)


def seconds_per_example(trainer: Trainer, corpus: CorpusName, steps: int, seed: int) -> float:
    """Time some steps on freshly shuffled batches; seconds for each example in them."""
    lengths = trainer.train[corpus].split.lengths
    plan = trainer.plan
    batches = shuffled_batches(
        lengths, plan.batch_size[corpus], plan.speed.bucket_batches, np.random.default_rng(seed)
    )[:steps]
    started = time.perf_counter()
    for indices in batches:
        loss = trainer._step(corpus, indices)
    loss.item()  # wait for the device
    return (time.perf_counter() - started) / sum(map(len, batches))


def main(argv: list[str]) -> None:
    """Measure and print one table for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="times each setting takes its turn")
    parser.add_argument("--steps", type=int, default=3, help="steps in a turn")
    arguments = parser.parse_args(argv)
    params = load_params()
    device = device_name(choose_device(params.device))
    told = f"{device}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    sys.stdout.write(f"profile {params.profile}, backbone {params.active.backbone}, {told}\n")
    for corpus in CORPORA:
        trainers = {name: trainer_of(params, corpus, s) for name, s in SETTINGS.items()}
        times: dict[str, list[float]] = {name: [] for name in trainers}
        for turn in range(arguments.rounds + 1):  # the first warms up
            for name, trainer in trainers.items():
                times[name].append(seconds_per_example(trainer, corpus, arguments.steps, turn))
        base = statistics.median(times["plain"][1:])
        sys.stdout.write(f"\n{corpus}: time for an example, against plain\n")
        for name, measured in times.items():
            ratios = sorted(base / value for value in measured[1:])
            spread = f"{ratios[0]:.2f}-{ratios[-1]:.2f}"
            sys.stdout.write(f"  {name:20} {statistics.median(ratios):5.2f}x  ({spread})\n")


if __name__ == "__main__":
    main(sys.argv[1:])
