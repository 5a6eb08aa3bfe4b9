"""Validates a corpus and describes it for the data page."""

import logging
from pathlib import Path

import pandas as pd

from pipeline.core import paths
from pipeline.core.paper import TABLE_1
from pipeline.core.records import CorpusOrigin, CorpusReport, Finding
from pipeline.core.tasks import SPLITS, Corpus, Split
from pipeline.data.carving import is_carved
from pipeline.data.reading import SCHEMA, read_as_text
from pipeline.errors import CorpusError
from pipeline.plumbing.params import CorporaParams, LocalCorpora
from pipeline.validation.counts import ExpectedRows, expected_rows
from pipeline.validation.expectations import check, expect, expect_examples
from pipeline.validation.measures import label_bins, lengths, measured

log = logging.getLogger(__name__)


def validate_corpus(corpus: Corpus, corpus_dir: Path, corpora: CorporaParams) -> CorpusReport:
    """Validate a folder with train.csv, dev.csv, test.csv and origin.json in the uniform schema.

    The profile's section on corpora determines the expectations; a corpus that the user left out
    may be empty.

    Raises:
        CorpusError: origin.json is missing or damaged. Any other problem becomes a finding.
        SchemaError: another version of this project wrote origin.json.
    """
    origin = _origin(corpus_dir)
    read, findings = _read(corpus_dir)
    nothing = pd.DataFrame(columns=list(SCHEMA), dtype="str")
    frames = measured({split: read.get(split, nothing) for split in SPLITS}, corpus)
    dropped = [row.split for row in origin.dropped]
    expected = {
        split: expected_rows(corpus, split, corpora, len(frame), dropped.count(split))
        for split, frame in frames.items()
    }
    notes = {s: expected[s].note if s in read else "cannot be read" for s in SPLITS}
    if isinstance(corpora, LocalCorpora) and corpus.name not in corpora.present():
        notes = dict.fromkeys(SPLITS, "left out")
    else:
        # an id that is repeated within a split counts once
        ids = pd.concat([frame.drop_duplicates("id") for frame in frames.values()])
        findings += check(ids, "all", [expect("id_in_one_split")])
        for split in read:
            carved = is_carved(corpus, corpora)
            findings += _checked_split(frames[split], corpus, split, expected[split], carved=carved)
    met = sum(finding.success for finding in findings)
    log.info("%s: %d of %d expectations met", corpus.name, met, len(findings))
    words = {split: lengths(frame, corpus) for split, frame in frames.items()}
    order = [*SPLITS, "all"]
    return CorpusReport(
        corpus=corpus.name,
        source=origin.source,
        dropped=origin.dropped,
        notes=origin.notes,
        counts={split: len(frame) for split, frame in frames.items()},
        paper_counts=TABLE_1[corpus.name],
        count_notes=notes,
        label_balance={s: label_bins(frame["label_value"], corpus) for s, frame in frames.items()},
        lengths={split: described for split, (described, _) in words.items()},
        length_counts={split: counts for split, (_, counts) in words.items()},
        findings=sorted(findings, key=lambda f: (order.index(f.split), f.expectation)),
    )


def _checked_split(
    frame: pd.DataFrame, corpus: Corpus, split: Split, expected: ExpectedRows, *, carved: bool
) -> list[Finding]:
    """Check a split with the columns that `measured` adds."""
    suite = [expect("has_test_rows" if split == "test" else "has_rows")]
    if expected.rows is not None:
        suite.append(expect("row_count", **vars(expected)))
    if not frame.empty:
        suite += expect_examples(corpus, split, carved=carved)
    findings = check(frame, split, suite)
    balance = pd.Series(label_bins(frame["label_value"], corpus), dtype="int64")
    if balance.empty:
        return findings
    rows = {
        "id": "label " + balance.index,
        "text": balance.map("{:,} examples".format),
        "percent": 100 * balance / balance.sum(),
    }
    bin_name = "label" if corpus.has_classes else "whole-number bin of labels"
    return findings + check(pd.DataFrame(rows), split, [expect("class_balance", bin=bin_name)])


def _origin(corpus_dir: Path) -> CorpusOrigin:
    path = corpus_dir / paths.ORIGIN
    try:
        return CorpusOrigin.read(path)
    except (OSError, ValueError) as error:
        raise CorpusError(
            f"{path} does not say where {corpus_dir.name} comes from ({error}); "
            "run the stage `corpora` again"
        ) from None


def _read(corpus_dir: Path) -> tuple[dict[Split, pd.DataFrame], list[Finding]]:
    """Read the splits that have the uniform schema; return them and the findings."""
    frames: dict[Split, pd.DataFrame] = {}
    findings: list[Finding] = []
    for split in SPLITS:
        path = paths.split_csv(corpus_dir, split)
        try:
            frame = read_as_text(path)
        except CorpusError as error:
            why, must = str(error).removeprefix(str(path)), "The file must be a table in CSV."
            found = Finding("file_is_readable", split, "critical", False, must, why.lstrip(", "))
            findings.append(found)
            continue
        columns = check(frame, split, [expect("columns")])
        findings += columns
        if any(finding.stops for finding in columns):
            continue
        whole = frame.assign(text=frame["first"], last=frame.iloc[:, -1])
        findings += check(whole, split, [expect("row_is_whole")])
        frames[split] = frame[list(SCHEMA)].fillna("")
    return frames, findings
