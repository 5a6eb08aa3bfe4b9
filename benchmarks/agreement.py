"""Scores with every piece of speed, and without any: are they apart by more than seeds are?

Trains finetune runs both ways from several seeds, through the pipeline's own `train_run`. Needs the
data of a finished `make repro`; writes benchmarks/results/agreement-<device>.json and
reports/agreement.md. Without its speed a run takes five to ten times as long: be patient.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from benchmarks.machine import results_json
from benchmarks.ours import ALL, PLAIN, setting_of
from pipeline import paths
from pipeline.checkpoints import forget_finished
from pipeline.device import choose_device, device_name
from pipeline.errors import PipelineError
from pipeline.files import write_json, write_text
from pipeline.params import EpochsParams, Params, load_params
from pipeline.reporting.markdown import table
from pipeline.tasks import CORPORA, CorpusName
from pipeline.training.run import train_run

log = logging.getLogger("benchmarks")

PAGE = Path("reports/agreement.md")
CONTENDERS = (ALL, PLAIN)
CONFIDENCE = 0.95
Scores = Mapping[str, Mapping[str, Sequence[float]]]  # by corpus, then contender: of each seed


def main(argv: Sequence[str]) -> None:
    """Train, write the scores, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from params.yaml's on")
    parser.add_argument("--epochs", type=int, default=1, help="of each training")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=["sst", "sts"])
    arguments = parser.parse_args(argv)
    logging.basicConfig(format="%(asctime)s  %(message)s", level=logging.INFO)
    if arguments.seeds < 2:
        raise PipelineError("--seeds must be at least 2: one seed has no spread")
    params = load_params()
    seeds = [params.seed + number for number in range(arguments.seeds)]
    scores: dict[str, dict[str, list[float]]] = {
        corpus: {name: [] for name in CONTENDERS} for corpus in arguments.corpora
    }
    for seed in seeds:
        for corpus in arguments.corpora:
            for name in CONTENDERS:
                score = dev_score(params, corpus, name, seed, arguments.epochs)
                log.info("%s, seed %d, %s: %.4f", corpus, seed, name, score)
                scores[corpus][name].append(score)
    device = device_name(choose_device(params.device))
    method = {
        "profile": params.profile,
        "corpora": params.active.corpora.source,
        "backbone": params.active.backbone,
        "epochs": arguments.epochs,
        "seeds": seeds,
        "device": device,
    }
    results = {"method": method, "scores": scores}
    write_json(results_json(device, "agreement"), results)
    write_text(PAGE, page(results))


def dev_score(params: Params, corpus: CorpusName, name: str, seed: int, epochs: int) -> float:
    """Train a corpus's finetune run under a contender's settings; return its last dev score."""
    profile = params.active.model_copy(
        update={"epochs": EpochsParams(pretrain=epochs, finetune=epochs)}
    )
    chosen = params.model_copy(
        update={
            "seed": seed,
            "speed": setting_of(name, params),
            "profiles": {params.profile: profile},
        }
    )
    with tempfile.TemporaryDirectory(prefix="minbert-bench-") as folder:
        out = Path(folder)
        train_run(chosen, f"{corpus}-finetune", paths.BACKBONE, out)
        forget_finished(f"{corpus}-finetune", paths.run_weights(out))
        return float(pd.read_csv(paths.run_history(out))["dev_score"].iloc[-1])


def row_of(corpus: str, scores: Mapping[str, Sequence[float]]) -> list[str]:
    """Compare the two on a corpus: their means, and how far apart seeds alone are."""
    ours, plain = (scores[name] for name in CONTENDERS)
    told = [corpus, CORPORA[corpus].task.metric]  # type: ignore[index]
    if np.isnan([*ours, *plain]).any():
        return [*told, *["undefined for a seed"] * 3, "no"]
    interval = ttest_ind(ours, plain, equal_var=False).confidence_interval(CONFIDENCE)
    difference = mean(ours) - mean(plain)
    return [
        *told,
        *(f"{mean(each):.3f} ± {stdev(each):.3f}" for each in (ours, plain)),
        f"{difference:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})",
        "yes" if abs(difference) <= max(stdev(ours), stdev(plain)) else "no",
    ]


METHOD = """\
Written by `python -m benchmarks.agreement`. Finetune runs of {epochs} epoch(s) from the seeds
{seeds}: *ours* with the `speed` settings of params.yaml, *plain* with every piece off and in
float32. Mean ± standard deviation over seeds, the difference with Welch's 95 % interval (wide, for
few seeds); *within noise*: the means are no further apart than the larger standard deviation.
Profile {profile} ({corpora} corpora), backbone {backbone}, device {device}."""


def page(results: Mapping[str, Any]) -> str:
    """Render the page."""
    method = {**results["method"], "seeds": ", ".join(map(str, results["method"]["seeds"]))}
    header = ["corpus", "dev score", "ours", "plain, fp32", "difference (95 %)", "within noise"]
    rows = [row_of(corpus, each) for corpus, each in results["scores"].items()]
    parts = [
        "# Does speed change the scores?",
        METHOD.format(**method),
        table(header, rows, right=header[2:5]),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PipelineError as error:
        sys.exit(f"benchmarks.agreement: {error}")
