"""What each of two real processes does for test_torchrun.py: train together, and alone.

Usage, by torchrun: ranks_program.py <run>. Each rank writes <case>-<rank>.json with the history and
<case>-<rank>.safetensors with the weights. Then both go on with a run, and train it anew elsewhere.
"""

import json
import logging
import os
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

import stages.train  # noqa: F401  (a run's fingerprint is of all the code that its stage loads)
from pipeline import paths
from pipeline.checkpoints import ROOT_VARIABLE
from pipeline.evaluation.predict import Examples, TokenExamples
from pipeline.model.kernels import PLAIN
from pipeline.model.multitask import MultitaskBert
from pipeline.model.weights import load_backbone
from pipeline.params import load_params
from pipeline.tasks import CorpusName
from pipeline.training import run
from pipeline.training.loop import Trainer
from pipeline.training.ranks import ALONE, Ranks, joined

sys.path.insert(0, str(Path(__file__).parent))
from test_resume import PLAN, split_of

CPU = torch.device("cpu")
SINGLE: dict[CorpusName, int] = {"sst": 9}  # batches of 4, 4 and 1: one is left without
MULTI: dict[CorpusName, int] = {"sst": 8, "quora": 14, "sts": 10}


def fit(case: str, sizes: dict[CorpusName, int], dropout: float, ranks: Ranks, rank: int) -> None:
    """Train a tiny model, and write what became of it."""
    torch.manual_seed(PLAN.seed)
    splits = {corpus: split_of(corpus, size) for corpus, size in sizes.items()}
    examples: dict[CorpusName, Examples] = {c: TokenExamples(s, CPU) for c, s in splits.items()}
    backbone = load_backbone(Path("no-dropout" if not dropout else "backbone"), PLAIN)
    model = MultitaskBert(backbone, tuple(sizes), 32, dropout)
    trainer = Trainer(model, examples, examples, replace(PLAN, learning_rate=1e-3), ranks)
    trainer.fit(case)
    rows = [asdict(row) for row in trainer.progress.history]
    Path(f"{case}-{rank}.json").write_text(json.dumps(rows))
    save_file(dict(model.state_dict()), f"{case}-{rank}.safetensors")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with joined(CPU) as (both, _):
        for case, sizes in (("single", SINGLE), ("multi", MULTI)):
            fit(f"{case}-together", sizes, 0.0, both, both.rank)
            fit(f"{case}-alone", sizes, 0.0, ALONE, both.rank)
        fit("dropout", MULTI, 0.3, both, both.rank)
        run.joined = lambda _: nullcontext((both, CPU))  # type: ignore[assignment]  # once a process
        (name,) = sys.argv[1:]
        run.train_run(load_params(), name, paths.BACKBONE, paths.run_dir(name))
        os.environ[ROOT_VARIABLE] = "kept-elsewhere"
        run.train_run(load_params(), name, paths.BACKBONE, Path("whole"))
