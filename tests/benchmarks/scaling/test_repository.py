"""Grown repositories, under the real DVC."""

import re
from pathlib import Path

import pytest

from benchmarks.scaling.repository import GrownRepository, all_outs, fill, with_commands


@pytest.mark.slow
@pytest.mark.dvc
def test_dvc_finds_nothing_to_do_in_a_filled_repository(tmp_path: Path) -> None:
    small, large = GrownRepository(tmp_path / "small", 10), GrownRepository(tmp_path / "large", 13)
    small.write_outs()
    small.run("dvc", "commit", "--force", "--quiet")
    fill(small, large)
    assert large.run("dvc", "status").strip() == "Data and pipelines are up to date."


def test_commands_write_what_is_written_beforehand_otherwise(tmp_path: Path) -> None:
    by_command, at_once = GrownRepository(tmp_path / "a", 3), GrownRepository(tmp_path / "b", 3)
    by_command.run("sh", "write.sh", *all_outs(by_command.graph, by_command.runs))
    at_once.write_outs()
    written, expected = (
        {path.relative_to(each.folder): path.read_bytes() for path in _files(each.folder)}
        for each in (by_command, at_once)
    )
    assert written == expected
    assert Path("data/runs/sst-pretrain-0001/model.safetensors") in written


def _files(folder: Path) -> list[Path]:
    return [path for name in ("data", "reports") for path in (folder / name).rglob("*.*")]


def test_every_stage_has_a_command_that_writes_its_outs() -> None:
    graph = with_commands(
        "stages:\n  a:\n    cmd: exec python -m stages.a\n    outs:\n    - data/a\n"
        "  b:\n    foreach: ${runs}\n    do:\n      cmd: exec python -m stages.b ${key}\n"
        "      outs:\n      - data/${key}.json: {cache: false}\n"
    )
    assert re.findall("cmd: (.*)", graph) == [
        "exec sh write.sh data/a",
        "exec sh write.sh data/${key}.json",
    ]
    assert list(all_outs(graph, ["x", "y"])) == ["data/a", "data/x.json", "data/y.json"]
