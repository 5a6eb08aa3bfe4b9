"""Starts processes that need not load torch and great_expectations, which takes seconds."""

import multiprocessing
import os
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import torch

from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.plumbing.params import load_params
from stages import backbone, corpora, evaluate, features, inputs, report, tokens, train, validate

ROOT = Path(__file__).parents[2]


def forked(target: Callable[..., object], *arguments: object) -> int | None:
    """Run a function in a process forked from one that has loaded the packages of stages.

    Returns:
        Its exit status; negative if a signal ended it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=target, args=arguments)
    with chdir(ROOT):  # so that this module can be imported
        process.start()
    process.join()
    return process.exitcode


def make_all(folder: Path) -> None:
    """Run all stages of a repository in this process."""
    os.chdir(folder)
    torch.set_num_threads(1)
    for stage in (corpora, backbone, validate):
        stage.main()
    for corpus in CORPORA:
        tokens.main(corpus)
    for name in FEATURE_SETS:
        features.main(name)
    inputs.main()
    for run in load_params().all_runs:
        train.main(run)
        evaluate.main(run)
    report.main()
