"""Every command measures what it says and writes its numbers and its page."""

import importlib.util
from contextlib import chdir
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import agreement, encodings, threads
from benchmarks.ours import OFF, Trained
from pipeline.core.config import BertConfig
from pipeline.core.files import read_json
from pipeline.errors import PipelineError
from pipeline.plumbing.params import Params
from tests.params import PARAMS, ROOT

RESULTS: Any = read_json(ROOT / "benchmarks/results/cpu.json")
WITHOUT_PEERS = ("growth", "dev_seconds", "breakdown", "startup_seconds", "full_quora")


def written(kind: str) -> Any:
    (path,) = Path("benchmarks/results").glob(f"{kind}*.json")
    return read_json(path)


def test_user_mistakes_are_reported_before_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(command, "measure", lambda *_, **__: pytest.fail("measured"))
    with pytest.raises(PipelineError, match="transformers not installed; run"):
        command.main([])
    with pytest.raises(PipelineError, match="--seeds must be at least 2"):
        agreement.main(["--seeds", "1"])


@pytest.mark.parametrize(
    ("piece", "corpora"),
    [("merged pairs", {"quora", "sts"}), ("trimmed last layer", {"sst", "cfimdb", "sts"})],
)
def test_an_optimization_is_measured_on_the_corpora_that_it_changes(
    piece: str, corpora: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "alternate", lambda names, *_, **__: {n: [] for n in names})
    found = {c: command.measure(c, PARAMS, examples=1) for c in command.CORPORA}
    alone = command.ours.ALONE + piece
    assert {corpus for corpus, modes in found.items() if alone in modes["finetune"]} == corpora


def test_the_start_up_of_a_stage_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert 0 < command.startup_seconds("inputs", times=1) < 60


@pytest.mark.usefixtures("here")
def test_a_run_writes_its_numbers_and_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PEERS", ())
    monkeypatch.setattr(command, "load_params", lambda: PARAMS)
    monkeypatch.setattr(command, "config_from_json", lambda _: BertConfig(**RESULTS["backbone"]))
    monkeypatch.setattr(command, "measure", lambda corpus, *_, **__: RESULTS["corpora"][corpus])
    alone = {key: RESULTS[key] for key in WITHOUT_PEERS}
    monkeypatch.setattr(command, "without_peers", lambda *_: alone)
    monkeypatch.setattr(command, "peaks", lambda _: {"float32": 100.0})
    command.main(["--rounds", "3"])
    numbers = written("")
    assert numbers.keys() == RESULTS.keys()
    assert numbers["machine"].keys() == RESULTS["machine"].keys()
    newer = {"device", "speed"}  # not in the committed numbers
    assert numbers["method"].keys() == RESULTS["method"].keys() | newer
    page = Path("reports/benchmarks.md")
    text = page.read_text()
    assert "## Aims" in text
    assert Path("reports/benchmarks.svg").is_file()
    page.unlink()
    (path,) = Path("benchmarks/results").iterdir()
    command.main(["--page", str(path)])
    assert page.read_text() == text


@pytest.mark.usefixtures("here")
def test_agreement_changes_only_speed_settings_and_writes_the_last_scores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[Params] = []

    def train(params: Params, run: str) -> Trained:
        used.append(params)
        corpus: Any = run.removesuffix("-finetune")
        return Trained([{corpus: 0.9}, {corpus: (params.seed - PARAMS.seed) / 4}], 1, "hash")

    monkeypatch.setattr(agreement, "load_params", lambda: PARAMS)
    monkeypatch.setattr(agreement, "train", train)
    agreement.main(["--corpora", "sst", "quora", "--seeds", "2", "--epochs", "2"])
    fast, plain = used[:2]
    assert fast.speed == PARAMS.speed
    assert plain.speed.forward.model_dump() | plain.speed.training.model_dump() == dict(OFF)
    assert fast.model_copy(update={"speed": plain.speed}) == plain
    assert plain.epochs(plain.run("sst-finetune")) == 2
    assert [params.seed - PARAMS.seed for params in used] == [0] * 4 + [1] * 4
    both = {name: [0.0, 0.25] for name in agreement.CONTENDERS}
    assert written("agreement")["scores"] == {"sst": both, "quora": both}
    assert "| sst " in Path("reports/agreement.md").read_text()


@pytest.mark.usefixtures("here")
def test_threads_trains_with_each_number_of_threads_and_writes_the_kept_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def train(params: Params, run: str) -> Trained:
        return Trained([{"sts": 0.1}, {"sts": torch.get_num_threads() / 8}, {"sts": None}], 2, "a")

    def here(*call: Any) -> Any:
        ForkingPickler.dumps(call)  # or a new process could not get it
        return call[0](*call[1:])

    monkeypatch.setattr(threads, "load_params", lambda: PARAMS)
    monkeypatch.setattr(threads, "train", train)
    monkeypatch.setattr(threads, "in_new_process", here)
    before = torch.get_num_threads()
    threads.main(["--runs", "sts-finetune"])
    torch.set_num_threads(before)
    ways = written("threads")["runs"]["sts-finetune"]
    scores = {name: way["scores"]["sts"] for name, way in ways.items()}
    assert scores == {"1": 0.125, "2": 0.25, "4": 0.5, "again": 0.25}
    assert "| sts-finetune " in Path("reports/determinism.md").read_text()


def test_encodings_measures_both_corpora_with_real_trainers(
    served_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.results.REPORTS", tmp_path)
    with chdir(served_dir):
        encodings.main(["--rounds", "2", "--steps", "2"])
    text = (tmp_path / "encodings.md").read_text()
    assert all(f"| {corpus} " in text for corpus in encodings.CORPORA)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("content", [None, "{}", "[1]", "{"])
def test_a_file_without_results_is_rejected_in_one_sentence(content: str | None) -> None:
    path = Path("results.json")
    if content is not None:
        path.write_text(content)
    with pytest.raises(PipelineError, match=r"^results\.json is missing, or"):
        command.main(["--page", str(path)])
