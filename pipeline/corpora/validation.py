"""One corpus held against what is expected of it, and described for the data page."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import paths
from pipeline.corpora.counts import count_note, expected_rows, is_carved
from pipeline.corpora.expectations import (
    check,
    expect_balance,
    expect_columns,
    expect_examples,
    expect_ids_over_splits,
    expect_size,
    expect_whole_rows,
)
from pipeline.corpora.findings import CorpusReport, Finding
from pipeline.corpora.measures import (
    label_bins,
    length_counts,
    lengths,
    measured,
    read_as_text,
)
from pipeline.corpora.reading import SCHEMA
from pipeline.errors import CorpusError
from pipeline.files import read_record
from pipeline.paper import TABLE_1
from pipeline.params import CorporaParams, LocalCorpora
from pipeline.schemas import CORPORA
from pipeline.tasks import SPLITS, Corpus, Split

log = logging.getLogger(__name__)


def validate_corpus(corpus: Corpus, corpus_dir: Path, corpora: CorporaParams) -> CorpusReport:
    """Validate a corpus in the uniform schema; of one that is left out, nothing is expected.

    Args:
        corpus: which one.
        corpus_dir: its train.csv, dev.csv, test.csv and origin.json.
        corpora: the profile's section on corpora, which says what to expect.

    Raises:
        CorpusError: there is no note on the corpus's origin. All else that is wrong is a finding.
        SchemaError: the corpus was written by another version.
    """
    origin = _origin(corpus_dir)
    frames, findings = _read(corpus_dir)
    frames = measured(frames, corpus)
    notes = {
        split: count_note(corpus, split, corpora, len(frame), _num_dropped(origin, split))
        for split, frame in frames.items()
    }
    bins = {split: label_bins(frame["label_value"], corpus) for split, frame in frames.items()}
    if _is_left_out(corpus, corpora):
        notes = dict.fromkeys(SPLITS, "left out")
    else:
        findings += _judged(frames, corpus, corpora, notes)
    _log(corpus, findings)
    return CorpusReport(
        corpus=corpus.name,
        corpus_dir=corpus_dir,
        source=origin["source"],
        counts={split: len(frames.get(split, ())) for split in SPLITS},
        paper_counts=TABLE_1[corpus.name],
        count_notes={split: notes.get(split, "cannot be read") for split in SPLITS},
        dropped=origin["dropped"],
        notes=origin["notes"],
        label_balance={split: bins.get(split, {}) for split in SPLITS},
        lengths={split: lengths(frames.get(split), corpus) for split in SPLITS},
        length_counts={split: length_counts(frames.get(split), corpus) for split in SPLITS},
        findings=findings,
    )


def _judged(
    frames: Mapping[Split, pd.DataFrame],
    corpus: Corpus,
    corpora: CorporaParams,
    notes: Mapping[Split, str],
) -> list[Finding]:
    """Hold the measured splits, and their ids together, against what is expected."""
    findings = check(_ids(frames), "all", expect_ids_over_splits())
    for split, frame in frames.items():
        expectations = expect_size(split, expected_rows(corpus, split, corpora, notes[split]))
        if not frame.empty:
            carved = is_carved(corpus, corpora)
            expectations += expect_examples(corpus, split, carved=carved)
        findings += check(frame, split, expectations)
        balance = label_bins(frame["label_value"], corpus)
        if balance:
            findings += check(_percentages(balance), split, expect_balance(corpus))
    return findings


def _is_left_out(corpus: Corpus, corpora: CorporaParams) -> bool:
    return isinstance(corpora, LocalCorpora) and corpus.name not in corpora.present()


def _origin(corpus_dir: Path) -> dict[str, Any]:
    path = paths.corpus_origin(corpus_dir)
    try:
        origin = read_record(path, CORPORA)
        return {key: origin[key] for key in ("source", "dropped", "notes")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"{path} does not tell where {corpus_dir.name} comes from ({error!r}); "
            "run the stage `corpora` again"
        ) from None


def _num_dropped(origin: Mapping[str, Any], split: Split) -> int:
    return sum(row["split"] == split for row in origin["dropped"])


def _read(corpus_dir: Path) -> tuple[dict[Split, pd.DataFrame], list[Finding]]:
    """Read the splits that are files in the uniform schema, and say what is wrong with others."""
    frames: dict[Split, pd.DataFrame] = {}
    findings: list[Finding] = []
    for split in SPLITS:
        path = paths.split_csv(corpus_dir, split)
        try:
            frame = read_as_text(path)
        except CorpusError as error:
            # every finding names the file already
            findings.append(_unreadable(split, str(error).removeprefix(f"{path} ")))
            continue
        columns = check(frame, split, expect_columns())
        findings += columns
        if any(finding.stops for finding in columns):
            continue
        whole = frame.assign(text=frame["first"], last=frame.iloc[:, -1])
        findings += check(whole, split, expect_whole_rows())
        frames[split] = frame[list(SCHEMA)].fillna("")
    return frames, findings


def _unreadable(split: Split, error: str) -> Finding:
    return Finding(
        expectation="file_is_readable",
        split=split,
        severity="critical",
        success=False,
        description="The file must be a table in CSV.",
        observed=error,
        unexpected_count=None,
        examples=[],
    )


def _percentages(balance: Mapping[str, int]) -> pd.DataFrame:
    """Return one row for each label, with its percentage of the examples."""
    counts = pd.Series(balance)
    return pd.DataFrame(
        {
            "id": "label " + counts.index,
            "text": counts.map("{:,} examples".format),
            "percent": 100 * counts / counts.sum(),
        }
    )


def _ids(frames: Mapping[Split, pd.DataFrame]) -> pd.DataFrame:
    """Return one row for each id of each split; one that comes twice in a split counts once."""
    empty = pd.DataFrame({"id": [], "text": []}, dtype="str")
    distinct = [frame.drop_duplicates("id")[["id", "text"]] for frame in frames.values()]
    return pd.concat([empty, *distinct], ignore_index=True)


def _log(corpus: Corpus, findings: Sequence[Finding]) -> None:
    met = sum(finding.success for finding in findings)
    log.info("%s: %d of %d expectations met", corpus.name, met, len(findings))
