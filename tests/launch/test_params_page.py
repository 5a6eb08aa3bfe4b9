"""docs/params.md agrees with params.yaml and dvc.yaml and has every key and its stages."""

import pytest

from pipeline.core.yaml12 import read_yaml
from pipeline.launch.params_page import page
from tests.params import ROOT

GRAPH = read_yaml(ROOT / "dvc.yaml")


def test_the_committed_page_matches_its_generator() -> None:
    written = page((ROOT / "params.yaml").read_text(), GRAPH)
    hint = "run `make graph`"
    assert (ROOT / "docs/params.md").read_text() == written, hint


TEXT = "runs:\n  one: {a: 1} # only this\n  two: {a: 2}\nlast: 1 # a|b\n"


@pytest.mark.parametrize(
    "param", ["runs", "runs.one", "runs.one.a", "runs.${key}", "runs.${item.run}.a"]
)
def test_a_stage_that_reads_one_entry_is_listed_for_all(
    param: str,
) -> None:
    written = page(TEXT, {"stages": {"reader": {"do": {"params": [param]}}}})
    assert "only this" not in written
    assert r"a\|b" in written
    (row,) = (line for line in written.splitlines() if line.startswith("| `runs.<run>` "))
    part = " (a)" if param.endswith(".a") else ""  # of the entry
    assert row.rstrip(" |").endswith(f"`reader`{part}")
