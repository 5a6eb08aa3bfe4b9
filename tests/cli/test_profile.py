"""`--profile`: a profile is switched by changing one line, and bad input changes nothing."""

from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.plumbing.params import load_params


def test_switching_the_profile_changes_one_line_and_keeps_its_comment(three_files: Path) -> None:
    params_yaml = three_files / "params.yaml"
    before = params_yaml.read_text().splitlines()
    with pytest.raises(SystemExit):  # for options that exclude each other
        main(["repro", "--profile", "paper", "--scheduler", "tcp://a:1", "--jobs", "2"])
    assert load_params().profile == "demo"
    assert main(["readings", "--dry", "--profile", "paper"]) == 0
    after = params_yaml.read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("profile: paper # ")
    assert load_params().profile == "paper"
    time = params_yaml.stat().st_mtime_ns
    assert main(["readings", "--dry", "--profile", "paper"]) == 0
    assert params_yaml.stat().st_mtime_ns == time


@pytest.mark.parametrize(
    ("name", "seed", "message"),
    [
        ("nosuch", "11711", "unknown profile 'nosuch'; allowed: demo, laptop, paper\n"),
        ("paper", "eleven", "params.yaml is not valid:\n  seed: "),
    ],
)
def test_an_unknown_profile_or_bad_params_are_rejected_and_nothing_changes(
    three_files: Path, name: str, seed: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    params_yaml = three_files / "params.yaml"
    text = params_yaml.read_text().replace("seed: 11711", f"seed: {seed}")
    params_yaml.write_text(text)
    assert main(["readings", "--dry", "--profile", name]) == 1
    assert message in capsys.readouterr().err
    assert params_yaml.read_text() == text
