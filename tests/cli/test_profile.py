"""`--profile`: a profile is switched by changing one line, and bad input changes nothing."""

from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.plumbing.params import load_params


@pytest.fixture
def params_yaml(three_files: Path) -> Path:
    return three_files / "params.yaml"


def test_switching_the_profile_changes_one_line_and_keeps_its_comment(params_yaml: Path) -> None:
    before = params_yaml.read_text().splitlines()
    assert main(["readings", "--dry", "--profile", "paper"]) == 0
    after = params_yaml.read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("profile: paper # ")
    assert load_params().profile == "paper"


@pytest.mark.parametrize("argv", [[], ["--profile", "demo"]])
def test_the_same_profile_does_not_change_the_file(params_yaml: Path, argv: list[str]) -> None:
    before = params_yaml.stat().st_mtime_ns
    assert main(["readings", "--dry", *argv]) == 0
    assert params_yaml.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("name", "seed", "message"),
    [
        ("nosuch", "11711", "unknown profile 'nosuch'; allowed: demo, laptop, paper\n"),
        ("paper", "eleven", "params.yaml is not valid:\n  seed: "),
    ],
)
def test_an_unknown_profile_or_bad_params_are_rejected_and_nothing_changes(
    params_yaml: Path, name: str, seed: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = params_yaml.read_text().replace("seed: 11711", f"seed: {seed}")
    params_yaml.write_text(text)
    assert main(["readings", "--dry", "--profile", name]) == 1
    assert message in capsys.readouterr().err
    assert params_yaml.read_text() == text
