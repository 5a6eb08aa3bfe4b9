"""Learning curves as a table, for `dvc plots`."""

from collections.abc import Mapping, Sequence

from pipeline.reporting.results import EpochScore


def curves_csv(histories: Mapping[str, Sequence[EpochScore]]) -> str:
    """Return one line for each run, corpus and epoch; an undefined score is left empty."""
    lines = ["run,corpus,epoch,dev_score"]
    for run, history in histories.items():
        for row in history:
            score = "" if row.dev_score is None else f"{row.dev_score:.6f}"
            lines.append(f"{run},{row.corpus},{row.epoch},{score}")
    return "\n".join(lines) + "\n"
