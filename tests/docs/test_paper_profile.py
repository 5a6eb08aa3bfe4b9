"""The estimates for the profile `paper` in docs/faq.md, from Tables 1 and 2 and the benchmark."""

from collections import Counter
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
from pipeline.plumbing.params import RunParams
from pipeline.training.round_robin import round_robin
from tests.params import PARAMS, ROOT

EPOCHS = PARAMS.profiles["paper"].epochs
MEASURED: Any = read_json(ROOT / "benchmarks/results/cpu.json")
MINILM = BertConfig(**MEASURED["backbone"])
BERT_BASE = BertConfig(
    **MEASURED["backbone"]
    | {"hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072}
)
QUESTION = "**What would it take to run the `paper` profile?**"
ENTRY = (ROOT / "docs/faq.md").read_text().partition(QUESTION)[2]
SAID = " ".join(ENTRY.partition("\n\n**")[0].split())


def bert(config: BertConfig) -> MinBert:
    """Return a backbone with shapes but no values."""
    with torch.device("meta"):
        return MinBert(config, PLAIN)


def layer_weights(config: BertConfig) -> int:
    """Count the weights by which every token is multiplied."""
    return sum(p.numel() for p in bert(config).encoder.parameters() if p.ndim == 2)


def steps_of(run: RunParams) -> Counter[CorpusName]:
    """Count the steps in an epoch, by corpus."""
    batches = {c: num_batches(TABLE_1[c]["train"], size) for c, size in run.batch_size.items()}
    return Counter(round_robin(batches) if len(batches) > 1 else {**batches})


def runs_of(mode: Mode) -> dict[str, RunParams]:
    return {name: run for name, run in PARAMS.runs.items() if run.mode == mode}


def seconds(corpus: CorpusName, mode: str, contender: str) -> float:
    """Return the seconds for an epoch of a corpus, with MiniLM on two cores."""
    return median(
        turn["seconds_per_epoch"] for turn in MEASURED["corpora"][corpus][mode][contender]
    )


def test_it_has_never_been_run() -> None:
    """Once it has, the page should give the times instead of estimates."""
    assert not (ROOT / "reports/paper").exists()
    assert "never been run" in SAID


def test_its_steps_follow_from_tables_1_and_2() -> None:
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
    assert f"{rounds.total():,} steps by Equation 1" in SAID
    per_epoch = sum(finetune.values())
    assert f"{per_epoch:,} steps an epoch" in SAID
    assert f"{EPOCHS.finetune * per_epoch:,} in ten epochs" in SAID


def test_its_hours_scale_the_benchmark_by_the_size_of_the_backbone() -> None:
    finetune = other = 0.0  # seconds with MiniLM; `other` has dev sets and frozen vectors
    for run in runs_of("finetune").values():
        for corpus, steps in steps_of(run).items():
            measured = MEASURED["corpora"][corpus]["finetune"]["ours"][0]["steps_per_epoch"]
            finetune += EPOCHS.finetune * steps * seconds(corpus, "finetune", "ours") / measured
            # the measured dev set of Quora was carved, as in reports/laptop
            rows = TABLE_1[corpus]["dev"] / (4042 if corpus == "quora" else TABLE_1[corpus]["dev"])
            other += EPOCHS.finetune * rows * MEASURED["dev_seconds"][corpus]
    for corpus, _ in FEATURE_SETS.values():
        rows = sum(TABLE_1[corpus].values()) / MEASURED["corpora"][corpus]["examples"]
        other += rows * seconds(corpus, "frozen", "ours, features")
    times = layer_weights(BERT_BASE) / layer_weights(MINILM)
    assert times == pytest.approx(8.0)
    assert f"{finetune / 3600:.1f} hours" in SAID
    assert f"about {times * finetune / 3600:.0f} hours" in SAID
    assert f"{times * other / 3600:.0f} more" in SAID


def test_its_memory_is_that_of_weights_moments_and_vectors() -> None:
    weights = 4 * sum(p.numel() for p in bert(BERT_BASE).parameters()) / 1e9
    kept = weights * (1 + len(runs_of("finetune")))
    sentences = sum(
        sum(TABLE_1[corpus].values()) * CORPORA[corpus].task.num_sentences
        for corpus, _ in FEATURE_SETS.values()
    )
    vectors = 2 * BERT_BASE.hidden_size * sentences / 1e9  # float16
    assert f"{kept:.1f} GB of weights ({weights:.2f}" in SAID
    assert f"{vectors:.1f} GB of frozen vectors" in SAID
    assert f"about {kept + vectors:.0f} GB" in SAID
    # for training: weights, gradients, and AdamW's two moments
    assert f"{4 * weights:.1f} GB of GPU or main memory" in SAID
    assert f"{4 * weights:.1f} GB under `.checkpoints`" in SAID
