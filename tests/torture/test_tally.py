"""The page of a stress test: injected faults, survived faults, wrong results."""

from tests.torture.tally import Tally, page

METHOD = {"seed": "7", "device": "cpu"}


def cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_faults_are_counted_by_kind_and_differences_are_named() -> None:
    tallies = [
        Tally("SIGKILL", "train@sst", injected=5, survived=5, lost_steps=[0, 3, 1]),
        Tally("Ctrl-C", "dvc repro", injected=2, survived=2),
    ]
    text = page(tallies, METHOD)
    assert cells(text) == [
        ["SIGKILL", "train@sst", "5", "5", "1, at most 3"],
        ["Ctrl-C", "dvc repro", "2", "2", "–"],
    ]
    assert "**7 of 7** faults survived" in text
    assert "seed **7** · device **cpu**" in text
    assert "ended otherwise" not in text
    text = page([Tally("SIGKILL", "train@sst", 5, 4, [2], ["sst: other bytes"])], METHOD)
    assert "**4 of 5** faults survived" in text
    assert "- SIGKILL, train@sst: sst: other bytes" in text
