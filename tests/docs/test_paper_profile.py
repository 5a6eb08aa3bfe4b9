"""What docs/faq.md reckons of the profile `paper`, from Tables 1 and 2 and the benchmark."""

from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch

from pipeline.core.files import read_json
from pipeline.core.paper import TABLE_1
from pipeline.core.tasks import CORPORA, FEATURE_SETS, CorpusName, Mode
from pipeline.encoder.batches import num_batches
from pipeline.encoder.bert import BertConfig, MinBert
from pipeline.encoder.kernels import PLAIN
from pipeline.plumbing.params import RunParams, load_params
from pipeline.training.round_robin import round_robin

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")
EPOCHS = PARAMS.profiles["paper"].epochs
MEASURED: Any = read_json(ROOT / "benchmarks/results/cpu.json")
MINILM = BertConfig(**MEASURED["backbone"])
BERT_BASE = BertConfig(
    **{
        **MEASURED["backbone"],
        "hidden_size": 768,
        "num_hidden_layers": 12,
        "intermediate_size": 3072,
    }
)
ENTRY = (ROOT / "docs/faq.md").read_text().partition("**What does the `paper` profile take?**")[2]
SAID = " ".join(ENTRY.partition("\n\n**")[0].split())
COPIES = 4  # of the weights in training: they, their gradients, and AdamW's two moments


def bert(config: BertConfig) -> MinBert:
    """Return a backbone that has shapes and no numbers."""
    with torch.device("meta"):
        return MinBert(config, PLAIN)


def layer_weights(config: BertConfig) -> int:
    """Count the weights that every token is multiplied with."""
    return sum(p.numel() for p in bert(config).encoder.parameters() if p.ndim == 2)


def steps_of(run: RunParams) -> Counter[CorpusName]:
    """Count the steps of an epoch, by corpus."""
    batches = {c: num_batches(TABLE_1[c]["train"], size) for c, size in run.batch_size.items()}
    return Counter(round_robin(batches) if len(batches) > 1 else {**batches})


def runs_of(mode: Mode) -> dict[str, RunParams]:
    return {name: run for name, run in PARAMS.runs.items() if run.mode == mode}


def seconds(corpus: CorpusName, mode: str, contender: str) -> float:
    """Return what an epoch of a corpus took, with MiniLM on two cores."""
    return median(
        turn["seconds_per_epoch"] for turn in MEASURED["corpora"][corpus][mode][contender]
    )


def finetune_hours() -> float:
    """Reckon what finetuning takes with MiniLM, from what a step was measured to take."""
    total = 0.0
    for run in runs_of("finetune").values():
        for corpus, steps in steps_of(run).items():
            measured = MEASURED["corpora"][corpus]["finetune"]["ours"][0]["steps_per_epoch"]
            total += EPOCHS.finetune * steps * seconds(corpus, "finetune", "ours") / measured
    return total / 3600


def other_hours() -> float:
    """Reckon likewise the dev sets after each finetune epoch, and the frozen vectors."""
    total = 0.0
    for run in runs_of("finetune").values():
        for corpus in run.corpora:
            rows = TABLE_1[corpus]["dev"] / dev_rows(corpus)
            total += EPOCHS.finetune * rows * MEASURED["dev_seconds"][corpus]
    for corpus, _ in FEATURE_SETS.values():
        rows = sum(TABLE_1[corpus].values()) / MEASURED["corpora"][corpus]["examples"]
        total += rows * seconds(corpus, "frozen", "ours, features")
    return total / 3600


def dev_rows(corpus: CorpusName) -> int:
    """Return the size of the dev set that was measured."""
    return 4042 if corpus == "quora" else TABLE_1[corpus]["dev"]  # carved, as on reports/laptop


def weights_gb() -> float:
    return 4 * sum(p.numel() for p in bert(BERT_BASE).parameters()) / 1e9


def vectors_gb() -> float:
    """Reckon the frozen vectors: float16, one for each sentence."""
    sentences = sum(
        sum(TABLE_1[corpus].values()) * CORPORA[corpus].task.num_sentences
        for corpus, _ in FEATURE_SETS.values()
    )
    return 2 * BERT_BASE.hidden_size * sentences / 1e9


def test_it_has_never_been_run() -> None:
    """When it has: reckon no longer, and say what it took."""
    assert not (ROOT / "reports/paper").exists()
    assert "never been run" in SAID


def test_its_steps_are_those_of_tables_1_and_2() -> None:
    finetune, frozen = (
        {name: steps_of(run).total() for name, run in runs_of(mode).items()}
        for mode in ("finetune", "pretrain")
    )
    assert list(finetune.values()) == list(frozen.values())
    each = [f"{finetune[f'{name}-finetune']:,}" for name in ("cfimdb", "sst", "quora", "sts")]
    assert f"CFIMDB {each[0]}, SST {each[1]}, Quora {each[2]}, STS {each[3]}" in SAID
    rounds = steps_of(PARAMS.run("multitask-finetune"))
    turns = {corpus: steps // rounds["sst"] for corpus, steps in rounds.items()}
    assert f"{rounds['sst']} rounds of {' + '.join(map(str, turns.values()))}" in SAID
    assert f"{rounds.total():,} by Equation 1" in SAID
    per_epoch = sum(finetune.values())
    assert f"{per_epoch:,} steps an epoch" in SAID
    assert f"{EPOCHS.finetune * per_epoch:,} in ten epochs" in SAID


def test_its_hours_are_those_of_the_benchmark_times_the_size_of_the_backbone() -> None:
    times = layer_weights(BERT_BASE) / layer_weights(MINILM)
    assert times == pytest.approx(8.0)
    assert f"{finetune_hours():.1f} hours" in SAID
    assert f"about {times * finetune_hours():.0f} hours" in SAID
    assert f"{times * other_hours():.0f} more" in SAID


def test_its_gigabytes_are_weights_moments_and_vectors() -> None:
    kept = weights_gb() * (1 + len(runs_of("finetune")))
    assert f"{kept:.1f} GB of weights ({weights_gb():.2f}" in SAID
    assert f"{vectors_gb():.1f} GB of frozen vectors" in SAID
    assert f"about {kept + vectors_gb():.0f} GB" in SAID
    assert f"{COPIES * weights_gb():.1f} GB of memory" in SAID
    assert f"{COPIES * weights_gb():.1f} GB under `.checkpoints`" in SAID
