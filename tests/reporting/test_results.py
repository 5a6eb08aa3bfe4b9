"""What the report reads: one clear sentence for what is missing or damaged."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.errors import ReportError
from pipeline.params import Params, load_params
from pipeline.reporting.pages import write_report
from pipeline.reporting.results import read_outcome

ROOT = Path(__file__).parents[2]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Write what ten runs would have left into a folder of its own, and go there."""
    monkeypatch.chdir(tmp_path)
    params = load_params(ROOT / "params.yaml")
    for name, run in params.runs.items():
        told = {
            corpus: {
                "metric": "accuracy",
                "score": 0.5,
                "ci_low": 0.4,
                "ci_high": 0.6,
                "reason": None,
                "majority_class": None,
                "best_epoch": 1,
            }
            for corpus in run.corpora
        }
        summary = {
            "best_epoch": 1,
            "device": "cpu",
            "epochs": 1,
            "learning_rate": 1e-3,
            "turns": dict.fromkeys(run.corpora, 1),
            "discarded": {corpus: {"batches": 0, "examples": 0} for corpus in run.corpora},
        }
        rows = [f"1,{corpus},3,24,0.5,accuracy,0.5" for corpus in run.corpora]
        header = "epoch,corpus,steps,examples,train_loss,dev_metric,dev_score"
        write(paths.scores_json(name), json.dumps({"corpora": told}))
        write(paths.run_summary(paths.run_dir(name)), json.dumps(summary))
        write(paths.run_history(paths.run_dir(name)), "\n".join([header, *rows]) + "\n")
    for corpus in ("sst", "cfimdb", "quora", "sts"):
        write(paths.validation_json(corpus), json.dumps(VALIDATION | {"corpus": corpus}))
    return params


VALIDATION = {
    "source": "synthetic",
    "counts": {"train": 3, "dev": 2, "test": 1},
    "paper_counts": {"train": 3, "dev": 2, "test": 1},
    "count_notes": {"train": "", "dev": "", "test": ""},
    "dropped": [],
    "notes": [],
    "label_balance": {"train": {"0": 3}, "dev": {"0": 2}, "test": {}},
    "lengths": {
        s: {"min": 1, "median": 1.0, "p95": 1.0, "max": 1} for s in ("train", "dev", "test")
    },
    "findings": [],
}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_fourteen_results_stand_in_the_order_of_params(params: Params) -> None:
    results = read_outcome(params).results
    assert [row.configuration for row in results] == list(params.configurations)
    assert results[0].paper_score == 0.722


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data/scores/sst-pretrain.json", None, "is missing; run `dvc repro`"),
        ("data/scores/sst-pretrain.json", "{", "is damaged; delete it"),
        ("data/scores/sst-pretrain.json", "[]", "is damaged; delete it"),
        ("data/scores/sst-pretrain.json", '{"corpora": {}}', "says nothing of 'sst'"),
        ("data/runs/sst-pretrain/run.json", "null", "is damaged; delete it"),
        ("data/runs/sst-pretrain/history.csv", None, "is missing; run `dvc repro`"),
        ("data/runs/sst-pretrain/history.csv", "epoch,corpus\n1,sst\n", "is damaged; delete it"),
        ("data/validation/sts.json", None, "is missing; run `dvc repro`"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    params: Params, name: str, content: str | None, said: str
) -> None:
    if content is None:
        Path(name).unlink()
    else:
        Path(name).write_text(content)
    with pytest.raises(ReportError, match=f"{name} {said}"):
        write_report(params, Path("reports/demo"), Path("reports/summary.json"))
    assert not Path("reports").exists() or not any(Path("reports").iterdir())


def test_undefined_epoch_is_read_as_none(params: Params) -> None:
    path = Path("data/runs/sts-pretrain/history.csv")
    path.write_text("epoch,corpus,dev_score\n1,sts,\n2,sts,0.25\n")
    scores = [row.dev_score for row in read_outcome(params).histories["sts-pretrain"]]
    assert scores == [None, 0.25]


def test_same_results_give_the_same_bytes(params: Params) -> None:
    write_report(params, Path("one/demo"), Path("one/summary.json"))
    write_report(params, Path("two/demo"), Path("two/summary.json"))
    for path in Path("one").rglob("*.*"):
        assert path.read_bytes() == Path("two", path.relative_to("one")).read_bytes()
    shutil.rmtree("two")


def test_links_of_the_report_lead_somewhere(params: Params) -> None:
    write_report(params, Path("reports/demo"), Path("reports/summary.json"))
    page = Path("reports/demo/README.md").read_text()
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert sorted(links) == ["curves.svg", "data.md", "table3.json", "table3.md"]
    assert all((Path("reports/demo") / link).is_file() for link in links)
