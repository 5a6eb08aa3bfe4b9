"""The data page: the corpora of a report beside the paper's Table 1, and what validation found.

It quotes few texts, none at length, and of generated corpora alone: the real ones have licences of
their own, and their examples are told by id.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.reporting.markdown import code, escaped, excerpt, table
from pipeline.tasks import CORPORA, SPLITS, CorpusName

MAX_EXAMPLES = 1  # of a finding
SEVERITIES = ("critical", "warning", "info")

SYNTHETIC = (
    "> **These corpora are synthetic**: generated from the seed, not natural text. Scores on them "
    "show that the pipeline works; they say nothing about the paper's. Table 1 is given for "
    "comparison only."
)

Validations = Mapping[CorpusName, Mapping[str, Any]]


def data_page(validations: Validations, head: str) -> str:
    """Render data.md.

    Args:
        validations: the content of data/validation/<corpus>.json by corpus.
        head: profile, backbone, corpora, seed and device, in Markdown.
    """
    is_synthetic = any(found["source"] == "synthetic" for found in validations.values())
    sections = [
        "# Data",
        head.strip(),
        *([SYNTHETIC] if is_synthetic else []),
        *_counts(validations),
        *_notes(validations),
        *_dropped(validations),
        *_label_balance(validations),
        *_lengths(validations),
        "![Sentence lengths and labels of every corpus](data.svg)",
        *_findings(validations),
    ]
    return "\n\n".join(sections) + "\n"


def _counts(validations: Validations) -> Iterator[str]:
    yield "## Examples, beside Table 1 of the paper"
    rows = []
    for corpus, split, found in _splits(validations):
        ours, paper = found["counts"][split], found["paper_counts"][split]
        note = found["count_notes"][split]
        difference = f"{ours - paper:+,}" if ours != paper else "0"
        rows.append((corpus, split, f"{ours:,}", f"{paper:,}", difference, escaped(note)))
    numbers = ("ours", "Table 1", "difference")
    yield table(("corpus", "split", *numbers, "why"), rows, numbers)


def _notes(validations: Validations) -> Iterator[str]:
    notes = dict.fromkeys(note for found in validations.values() for note in found["notes"])
    if notes:
        yield "## Notes"
        yield "\n".join(f"- {escaped(note)}" for note in notes)


def _dropped(validations: Validations) -> Iterator[str]:
    yield "## Rows left out"
    rows = [
        (corpus, row["split"], str(row["row"]), code(row["id"]), escaped(row["reason"]))
        for corpus, found in validations.items()
        for row in found["dropped"]
    ]
    if not rows:
        yield "None."
        return
    yield f"{_counted(len(rows), 'row')} of the source files cannot be used (row 1 is the header)."
    yield table(("corpus", "file", "row", "id", "why"), rows, ("row",))


def _label_balance(validations: Validations) -> Iterator[str]:
    yield "## Labels"
    yield "Examples with each label; similarities (sts) by the nearest whole number."
    labels = [str(label) for label in range(max(c.max_label for c in CORPORA.values()) + 1)]
    rows = []
    for corpus, split, found in _splits(validations):
        counts = found["label_balance"][split]
        if counts:
            total = sum(counts.values())
            shown = {label: f"{n:,} ({100 * n / total:.1f} %)" for label, n in counts.items()}
            rows.append((corpus, split, *(shown.get(label, "") for label in labels)))
        else:
            reason = "no labels" if found["counts"][split] else "no examples"
            rows.append((corpus, split, reason, *[""] * (len(labels) - 1)))
    yield table(("corpus", "split", *labels), rows, labels)


def _lengths(validations: Validations) -> Iterator[str]:
    yield "## Lengths"
    yield "Words of a sentence, as separated by spaces; both sentences of a pair count."
    measures = ("min", "median", "p95", "max")
    rows = []
    for corpus, split, found in _splits(validations):
        values = (found["lengths"][split][measure] for measure in measures)
        shown = ("–" if value is None else f"{value:,g}" for value in values)
        rows.append((corpus, split, *shown))
    header = ("shortest", "median", "95 % are at most", "longest")
    yield table(("corpus", "split", *header), rows, header)


def _findings(validations: Validations) -> Iterator[str]:
    yield "## Findings"
    every = [
        (corpus, finding) for corpus, found in validations.items() for finding in found["findings"]
    ]
    unmet = [(corpus, finding) for corpus, finding in every if not finding["success"]]
    unmet.sort(key=lambda item: SEVERITIES.index(item[1]["severity"]))
    met = f"{len(every) - len(unmet)} of {len(every)} expectations are met"
    if not unmet:
        yield f"{met}."
        return
    yield f"{met}; these are not:"
    rows = [
        (
            str(number),
            finding["severity"],
            corpus,
            finding["split"],
            escaped(finding["description"]),
            escaped(finding["observed"]),
        )
        for number, (corpus, finding) in enumerate(unmet, start=1)
    ]
    header = ("no.", "severity", "corpus", "split", "expected", "found")
    yield table(header, rows, ("no.",))
    yield from _examples(unmet)


def _examples(unmet: Sequence[tuple[CorpusName, Mapping[str, Any]]]) -> Iterator[str]:
    """Show a few rows of each finding that has some, under its number in the table."""
    quoted = [
        (number, corpus, finding)
        for number, (corpus, finding) in enumerate(unmet, start=1)
        if finding["examples"]
    ]
    if not quoted:
        return
    yield "### Examples"
    for number, corpus, finding in quoted:
        examples = finding["examples"][:MAX_EXAMPLES]
        where = f"No. {number}, {corpus} {finding['split']}: `{finding['expectation']}`"
        yield "\n".join([where, "", *(_quoted(example) for example in examples)])


def _quoted(example: Mapping[str, str]) -> str:
    detail = f"({escaped(example['detail'])})" if example["detail"] else ""
    return " ".join(filter(None, ("-", code(example["id"]), excerpt(example["text"]), detail)))


def _splits(validations: Validations) -> Iterator[tuple[CorpusName, str, Mapping[str, Any]]]:
    for corpus, found in validations.items():
        for split in SPLITS:
            yield corpus, split, found


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
