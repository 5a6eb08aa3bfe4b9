"""The results of a stress test, as numbers and as reports/torture.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from pipeline.reporting.markdown import table


@dataclass
class Tally:
    """The results for a number of faults."""

    fault: str
    what: str
    injected: int = 0
    survived: int = 0  # faults after which the result was right
    lost_steps: list[int] = field(default_factory=list)  # per fault, averaged over a trial
    wrong: list[str] = field(default_factory=list)  # descriptions of wrong results


def page(tallies: Sequence[Tally], method: Mapping[str, str]) -> str:
    """Render reports/torture.md."""
    injected, survived = sum(t.injected for t in tallies), sum(t.survived for t in tallies)
    wrong = [f"- {t.fault}, {t.what}: {end}" for t in tallies for end in t.wrong]
    header = ("Fault", "Done to", "Injected", "Survived", "Steps done twice, by a fault")
    sections = [
        "# Torture: faults injected, and what became of them",
        " · ".join(f"{key} **{value}**" for key, value in method.items()),
        f"**{survived} of {injected}** faults survived: what was disturbed ended in the same "
        "bytes as what was left alone, with no file more or less. For `train@…` that is the folder "
        "of the run; for `dvc repro` all of `data/` and `reports/`, and `dvc.lock`.",
        table(header, [_row(tally) for tally in tallies], right=("Injected", "Survived")),
        "Done to a small copy of this repository with a backbone of 1 M random weights and a "
        "checkpoint every two steps, so that many faults meet one that is being written. *A random "
        "point*: after any step, on either side of any fsync or rename, in the middle of a "
        "checkpoint; up to three times in a row before the training may end. *Disk full*: the "
        "system refuses to write a file beyond a size, at four sizes below the largest out. *A "
        "random moment*: of a whole `dvc repro`, again and again until it is through; none of its "
        "stages may outlive it. Done twice is what no checkpoint had yet: the median and the most "
        "over trials.",
        *(["## What ended otherwise", *wrong] if survived < injected else []),
        "Written by `make torture`.",
    ]
    return "\n\n".join(sections) + "\n"


def _row(tally: Tally) -> list[str]:
    lost = tally.lost_steps
    twice = f"{median(lost):g}, at most {max(lost)}" if lost else "–"
    return [tally.fault, tally.what, str(tally.injected), str(tally.survived), twice]
