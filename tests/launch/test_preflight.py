"""Preflight: a profile is put in force by one line.

What is refused, and that nothing is changed then, is in tests/end_to_end/test_bad_input.py.
"""

from pathlib import Path

import pytest

from pipeline.launch.preflight import main
from pipeline.plumbing.params import load_params


@pytest.fixture
def params_yaml(three_files: Path) -> Path:
    return three_files / "params.yaml"


def test_switching_the_profile_changes_one_line_and_keeps_its_comment(params_yaml: Path) -> None:
    before = params_yaml.read_text().splitlines()
    main(["paper"])
    after = params_yaml.read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("profile: paper # ")
    assert load_params().profile == "paper"


@pytest.mark.parametrize("argv", [[], ["demo"]])
def test_the_same_profile_does_not_change_the_file(params_yaml: Path, argv: list[str]) -> None:
    before = params_yaml.stat().st_mtime_ns
    main(argv)
    assert params_yaml.stat().st_mtime_ns == before
