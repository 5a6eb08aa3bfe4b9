"""Numbers that went wrong in training, as the report names them."""

from collections.abc import Iterator, Sequence

from pipeline.reporting.markdown import table
from pipeline.reporting.results import Outcome


def troubles(outcome: Outcome) -> str:
    """Render every run that stopped early and every note on an epoch, or "" if there is none."""
    sections = ["\n".join(_stopped(outcome)), _notes(outcome)]
    told = [section for section in sections if section]
    return "\n\n".join(["## Numbers that went wrong, or say little", *told]) if told else ""


def _stopped(outcome: Outcome) -> Iterator[str]:
    for run, summary in outcome.summaries.items():
        if summary.stopped is None:
            continue
        kept = (
            f"its weights are those of epoch {summary.best_epoch}"
            if summary.best_epoch
            else "no epoch came to its end, so nothing of it is scored"
        )
        yield f"- **{run}** stopped early (†): {summary.stopped}; {kept}."
    for result in outcome.results:
        told = [f"{count:,} of {split}" for split, count in result.left_out.items() if count]
        if told and result.best_epoch:
            yield (
                f"- **{result.run}** on {result.corpus}: predictions that are no numbers are left "
                f"out: {', '.join(told)}."
            )


def _notes(outcome: Outcome) -> str:
    """Render one row for each note of each run and corpus, with the epochs it stands in."""
    epochs: dict[tuple[str, str, str], list[int]] = {}
    for run, history in outcome.histories.items():
        for row in history:
            for note in filter(None, row.note.split("; ")):
                epochs.setdefault((run, row.corpus, note), []).append(row.epoch)
    rows = [
        [run, corpus, _shown(where), _is_kept(outcome, run, where), note]
        for (run, corpus, note), where in epochs.items()
    ]
    return table(("Run", "Corpus", "Epochs", "Kept", "What"), rows) if rows else ""


def _is_kept(outcome: Outcome, run: str, epochs: Sequence[int]) -> str:
    """Say whether the epoch whose weights are kept, and scored, is among them."""
    return "yes" if outcome.summaries[run].best_epoch in epochs else "no"


def _shown(epochs: Sequence[int]) -> str:
    """Write whole numbers in rising order as ranges: 1-3, 5."""
    parts: list[list[int]] = []
    for epoch in epochs:
        if parts and epoch == parts[-1][-1] + 1:
            parts[-1].append(epoch)
        else:
            parts.append([epoch])
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
