"""`python -m benchmarks` says at once what is missing."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from pipeline.core.config import BertConfig
from pipeline.core.files import read_json
from pipeline.errors import PipelineError
from pipeline.plumbing.params import load_params

ROOT = Path(__file__).parents[2]
NUMBERS = ROOT / "benchmarks/results/cpu.json"
BESIDE = ("growth", "dev_seconds", "breakdown", "startup_seconds", "full_quora")


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(command, "measure", lambda *_, **__: pytest.fail("measured"))
    with pytest.raises(PipelineError, match="transformers and accelerate not installed; `pip"):
        command.main([])


def test_all_pieces_that_concern_a_corpus_take_part() -> None:
    assert not command._concerns("merged pairs", "sst")
    assert command._concerns("merged pairs", "sts")
    assert not command._concerns("trimmed last layer", "quora")
    assert command._concerns("trimmed last layer", "sts")
    assert command._concerns("bf16", "sst")


def test_the_fastest_of_a_few_starts_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([3.0, 1.5, 2.0])

    def seconds_of(start: Callable[[], None]) -> float:
        start()
        return next(taken)

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(command, "seconds_of", seconds_of)
    assert command.startup_seconds("corpora") == 1.5


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"machine": 1, "method": 2}'])
def test_a_page_of_no_numbers_is_refused(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        Path("numbers.json").write_text(text)
    with pytest.raises(PipelineError, match=r"numbers\.json does not hold the numbers of a run"):
        command.main(["--page", "numbers.json"])
    assert not Path("reports").exists()


def test_a_run_writes_its_numbers_and_its_page(
    results: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = load_params(ROOT / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "PEERS", ())
    monkeypatch.setattr(command, "load_params", lambda: params)
    monkeypatch.setattr(
        command, "config_from_json", lambda _: BertConfig(**read_json(NUMBERS)["backbone"])
    )
    monkeypatch.setattr(command, "measure", lambda corpus, *_, **__: results["corpora"][corpus])
    monkeypatch.setattr(command, "beside", lambda *_: {key: results[key] for key in BESIDE})
    monkeypatch.setattr(command, "peaks", lambda _: {"float32": 100.0})
    command.main(["--rounds", "3"])
    (written,) = (tmp_path / "benchmarks" / "results").glob("*.json")
    numbers = read_json(written)
    assert set(numbers) == set(results)
    assert set(numbers["machine"]) == set(results["machine"])
    assert set(numbers["method"]) == set(results["method"])
    page = tmp_path / "reports" / "benchmarks.md"
    told = page.read_text()
    assert "## Aims" in told
    assert (tmp_path / "reports" / "benchmarks.svg").is_file()
    page.unlink()
    command.main(["--page", str(written)])
    assert page.read_text() == told
