"""Lists of dvc.yaml: trials come into the one that reads them, and nothing else changes."""

from pathlib import Path

from pipeline.launch.lists import trials_in, watching, written
from pipeline.plumbing.params import LocalCorpora, load_params

ROOT = Path(__file__).parents[2]
GRAPH = (ROOT / "dvc.yaml").read_text()
RUNS = load_params(ROOT / "params.yaml").runs


def test_a_trial_becomes_one_dep_of_the_report_before_its_modules() -> None:
    lines = written(GRAPH, RUNS, ["one", "two"]).splitlines()
    new = [line for line in lines if line not in GRAPH.splitlines()]
    assert new == [f"      - data/trials/{name}/scores.json" for name in ("one", "two")]
    after = lines[lines.index(new[1]) + 1]
    assert after == "      - reports/dead-heads.json"
    assert lines.index(new[0]) > lines.index("  report:")


def test_without_trials_it_is_the_same_text_again() -> None:
    more = written(GRAPH, RUNS, ["one"])
    assert trials_in(more) == {"one"}
    assert written(more, RUNS, []) == written(GRAPH, RUNS, [])
    assert trials_in(written(more, RUNS, [])) == set()


def test_own_data_is_watched_while_it_is_used_whatever_it_is_called() -> None:
    own = LocalCorpora(source="local:requirements")
    watched = watching(GRAPH, own)
    assert watched.count("      - requirements\n") == 1
    assert watching(watched, own) == watched
    assert watching(watched, load_params(ROOT / "params.yaml").active.corpora) == GRAPH
