"""Preflight: params are checked before the graph, and a profile is put in force by one line."""

from pathlib import Path

import pytest

from pipeline.errors import ParamsError
from pipeline.launch.preflight import main
from pipeline.plumbing.params import load_params

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def params_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    return path


def test_named_profile_changes_one_line_and_keeps_its_comment(params_yaml: Path) -> None:
    before = params_yaml.read_text().splitlines()
    main(["paper"])
    after = params_yaml.read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("profile: paper # ")
    assert load_params().profile == "paper"


@pytest.mark.parametrize("argv", [[], ["demo"]])
def test_same_profile_leaves_the_file_as_it_is(params_yaml: Path, argv: list[str]) -> None:
    before = params_yaml.stat().st_mtime_ns
    main(argv)
    assert params_yaml.stat().st_mtime_ns == before


def test_unknown_profile_is_refused_and_nothing_changed(params_yaml: Path) -> None:
    before = params_yaml.read_text()
    with pytest.raises(ParamsError, match="unknown profile 'big'; allowed: demo, laptop, paper"):
        main(["big"])
    assert params_yaml.read_text() == before


def test_bad_params_are_refused_before_the_profile_changes(params_yaml: Path) -> None:
    text = params_yaml.read_text().replace("seed: 11711", "seed: eleven")
    params_yaml.write_text(text)
    with pytest.raises(ParamsError, match=r"seed: .*'eleven'"):
        main(["paper"])
    assert params_yaml.read_text() == text
