"""What a corpus must be like, as suites of Great Expectations; nothing else imports it.

Every expectation carries a name and a sentence of ours. Its results are turned into findings at
once, since the tool's own have ids and an order that differ from run to run.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation import Expectation

from pipeline.corpora.counts import ExpectedRows
from pipeline.corpora.findings import NUM_EXAMPLES, Finding, Scope, Severity
from pipeline.corpora.reading import SCHEMA
from pipeline.corpora.results import finding_of
from pipeline.tasks import Corpus, CorpusName, Split

gxe: Any = gx.expectations  # Any, as the package does not declare what it exports
CLASS_PERCENT = (5, 80)  # of the examples of a split


@dataclass(frozen=True)
class Limits:
    """What differs from corpus to corpus."""

    words: tuple[int, int]  # of a sentence, both included
    leaked_share: float  # of the dev set, at most


LIMITS: Mapping[CorpusName, Limits] = {
    "sst": Limits(words=(2, 64), leaked_share=0.01),
    "cfimdb": Limits(words=(10, 600), leaked_share=0.01),
    "quora": Limits(words=(2, 250), leaked_share=0.01),
    # as published, 16 of the 863 dev pairs of STS are in train too
    "sts": Limits(words=(2, 64), leaked_share=0.02),
}


@dataclass(frozen=True)
class Said:
    """What an expectation is called, and how it is told to the user."""

    name: str
    severity: Severity
    description: str  # what must or should be so, never as if it were so
    found: str = ""  # the rows it does not hold for, after their number: "3 of 30 empty"
    detail: str = ""  # of such a row; {} stands for the value


def expect_columns() -> list[Expectation]:
    """Return what holds for a file before anything else can be asked of it."""
    said = Said("columns", "critical", f"The columns {', '.join(SCHEMA)} must be there.")
    # not exact: further columns do not matter
    kind = gxe.ExpectTableColumnsToMatchSet
    return [_expect(kind, said, column_set=list(SCHEMA), exact_match=False)]


def expect_whole_rows() -> list[Expectation]:
    """Return what holds for rows read as text: `last` is NaN only where the row is cut."""
    said = Said("row_is_whole", "critical", "Every row must reach to its last column.", "cut off")
    return [_expect(gxe.ExpectColumnValuesToNotBeNull, said, column="last")]


def expect_size(split: Split, expected: ExpectedRows | None) -> list[Expectation]:
    """Return how many rows a split must have: some, and as many as `expected` says, if it does."""
    if split == "test":
        some = Said("has_rows", "info", "A test split should have examples.")
    else:
        some = Said("has_rows", "critical", "A split must have examples.")
    size = [_expect(gxe.ExpectTableRowCountToBeBetween, some, min_value=1)]
    if expected:
        number = Said("row_count", expected.severity, expected.description)
        size.append(_expect(gxe.ExpectTableRowCountToEqual, number, value=expected.rows))
    return size


def expect_examples(corpus: Corpus, split: Split, *, carved: bool) -> list[Expectation]:
    """Return what holds for the examples of one split, measured by `measures.measured`.

    Args:
        corpus: sets labels, number of sentences and limits.
        split: test needs no labels; each split is held against those before it.
        carved: train and dev were carved so that they share no sentence.
    """
    expectations = [*_ids(), *_texts(corpus), *_labels(corpus), *_word_counts(corpus)]
    if split != "test":
        expectations += _labelled()
    return expectations + _copies(corpus, split) + _shared_sentences(corpus, split, carved=carved)


def expect_balance(corpus: Corpus) -> list[Expectation]:
    """Return what holds for the percentage that each label has, one row a label."""
    low, high = CLASS_PERCENT
    kind = "label" if corpus.has_classes else "whole-number bin of labels"
    description = f"Every {kind} should have {low} to {high} % of the examples."
    said = Said("class_balance", "warning", description, "outside", "{:.1f} % of the examples")
    return [_between("percent", said, low, high)]


def expect_ids_over_splits() -> list[Expectation]:
    """Return what holds for the ids of all splits, one row for each id of each split."""
    said = Said("id_in_one_split", "critical", "An id must be in one split only.", "in several")
    return [_expect(gxe.ExpectColumnValuesToBeUnique, said, column="id")]


def check(frame: pd.DataFrame, split: Scope, expectations: Sequence[Expectation]) -> list[Finding]:
    """Hold a frame against expectations.

    Args:
        frame: has columns id and text if rows are looked at: examples are taken from there.
        split: what the findings are about.
        expectations: from the functions above. One that cannot be tried gives a critical finding.
    """
    frame = frame.reset_index(drop=True)  # results name rows by it
    batch = _frames().get_batch({"dataframe": frame})
    results = batch.validate(
        gx.ExpectationSuite("suite", expectations=list(expectations)),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": NUM_EXAMPLES},
    )
    return [finding_of(result.to_json_dict(), split, frame) for result in results.results]


@cache
def _frames() -> BatchDefinition[Any]:
    """Return the tool's way to a frame in memory; it keeps no frame and writes no file."""
    # the second sets itself to INFO, to tell of a folder that nobody uses
    for name in ("great_expectations", ProgressBarsConfig.__module__):
        logging.getLogger(name).setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("split")
    return asset.add_batch_definition_whole_dataframe("whole")


def _ids() -> list[Expectation]:
    # the files that are handed in for marking separate ids by spaces and commas
    word = Said("id_is_one_word", "critical", "An id must be one word without a comma.", "not so")
    unique = Said("id_unique", "critical", "An id must be unique within its split.", "not unique")
    return [
        _matches("id", word, r"^[^\s,]+$"),
        _expect(gxe.ExpectColumnValuesToBeUnique, unique, column="id"),
    ]


def _sides(corpus: Corpus) -> dict[str, str]:
    """Return the columns of text, and what each is called."""
    if corpus.is_pair:
        return {"first": "first sentence", "second": "second sentence"}
    return {"first": "text"}


def _texts(corpus: Corpus) -> list[Expectation]:
    expectations = [
        _matches(
            side,
            Said(f"{side}_not_empty", "critical", f"The {called} must not be empty.", "empty"),
            r"\S",
        )
        for side, called in _sides(corpus).items()
    ]
    if corpus.is_pair:
        return expectations
    description = "A corpus of single sentences must have no second one."
    detail = "second sentence: {}"
    none = Said("second_is_empty", "critical", description, "with a second sentence", detail)
    return [*expectations, _absent("second", none)]


def _labels(corpus: Corpus) -> list[Expectation]:
    """Return what holds for labels, where there are any: NaN is not looked at."""
    number = Said(
        "label_is_number", "critical", "A label must be a number.", "not a number", "label {}"
    )
    is_number = _matches("label_text", number, r"^[+-]?[0-9]+(?:\.[0-9]*)?$")
    kind, top = "whole number" if corpus.has_classes else "number", corpus.max_label
    description = f"A label must be a {kind} from 0 to {top}."
    in_range = Said("label_in_range", "critical", description, "with another label", "label {:g}")
    if not corpus.has_classes:
        return [is_number, _between("label_value", in_range, 0, top)]
    kind, allowed = gxe.ExpectColumnValuesToBeInSet, list(range(top + 1))
    return [is_number, _expect(kind, in_range, column="label_value", value_set=allowed)]


def _labelled() -> list[Expectation]:
    description = "Every example of train and dev must have a label."
    present = Said("label_present", "critical", description, "without a label")
    vary = Said("labels_vary", "critical", "There must be examples of more than one label.")
    count = gxe.ExpectColumnUniqueValueCountToBeBetween
    return [
        _expect(gxe.ExpectColumnValuesToNotBeNull, present, column="label_text"),
        _expect(count, vary, column="label_value", min_value=2),
    ]


def _word_counts(corpus: Corpus) -> list[Expectation]:
    low, high = LIMITS[corpus.name].words
    expectations = []
    for side, called in _sides(corpus).items():
        description = f"The {called} should have {low} to {high} words."
        said = Said(f"{side}_length", "warning", description, "shorter or longer", "words: {}")
        expectations.append(_between(f"words_{side}", said, low, high))
    return expectations


def _copies(corpus: Corpus, split: Split) -> list[Expectation]:
    """Return what holds for texts that come twice, in one split or in two."""
    text = "pair of sentences, in either order," if corpus.is_pair else "text"
    once = f"A {text} should come once in a split, case and spacing aside."
    expectations = [
        _absent("repeats", Said("text_not_repeated", "warning", once, "repeated", "same as {}")),
    ]
    for other in _earlier(split):
        apart = f"A {text} of {split} should not be in {other} too, case and spacing aside."
        found, detail = f"in {other} too", f"same as {{}} in {other}"
        said = Said(f"text_not_in_{other}", "warning", apart, found, detail)
        expectations.append(_absent(f"in_{other}", said))
    if split == "dev":
        share = LIMITS[corpus.name].leaked_share
        few = f"At most {100 * share:g} % of dev may be in train too, case and spacing aside."
        said = Said("few_in_train", "critical", few, "in train too", "same as {} in train")
        expectations.append(_absent("in_train", said, mostly=1 - share))
    return expectations


def _shared_sentences(corpus: Corpus, split: Split, *, carved: bool) -> list[Expectation]:
    """Return what holds for sentences of pairs that come in other pairs of train too."""
    if not corpus.is_pair or split == "train":
        return []
    severity: Severity = "critical" if carved else "info"
    description = (
        "Carved splits must not share a single sentence."
        if carved
        else f"No sentence of {split} should be in train too, in whatever pair."
    )
    found, detail = "with a sentence of train", "a sentence of {} in train"
    said = Said("sentence_not_in_train", severity, description, found, detail)
    return [_absent("sentence_in_train", said)]


def _earlier(split: Split) -> tuple[Literal["train", "dev"], ...]:
    """Return the splits that a split is held against."""
    if split == "train":
        return ()
    return ("train",) if split == "dev" else ("train", "dev")


def _matches(column: str, said: Said, regex: str) -> Expectation:
    return _expect(gxe.ExpectColumnValuesToMatchRegex, said, column=column, regex=regex)


def _between(column: str, said: Said, low: float, high: float) -> Expectation:
    kind = gxe.ExpectColumnValuesToBeBetween
    return _expect(kind, said, column=column, min_value=low, max_value=high)


def _absent(column: str, said: Said, **kwargs: Any) -> Expectation:
    """Expect a column to hold the empty text only."""
    return _expect(gxe.ExpectColumnValuesToBeInSet, said, column=column, value_set=[""], **kwargs)


def _expect(kind: Any, said: Said, **kwargs: Any) -> Expectation:
    """Build an expectation that carries its name, severity and sentence with it."""
    meta = {"name": said.name, "found": said.found, "detail": said.detail}
    expectation: Expectation = kind(
        severity=said.severity, description=said.description, meta=meta, **kwargs
    )
    return expectation
