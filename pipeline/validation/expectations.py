"""Builds and runs Great Expectations suites; no other module imports that package.

The name and description of each expectation come from expectations.yaml. Results are converted to
findings at once, because the ids and the order of Great Expectations' results differ between runs.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation import Expectation

from pipeline.core.records import Finding, Scope
from pipeline.core.tasks import SPLITS, Corpus, CorpusName, Split
from pipeline.core.yaml12 import read_yaml
from pipeline.validation.findings import NUM_EXAMPLES, finding_of

DATA = read_yaml(Path(__file__).with_name("expectations.yaml"))
LIMITS: Mapping[CorpusName, Mapping[str, Any]] = DATA["limits"]


def expect(name: str, **values: Any) -> Expectation:
    """Return an expectation from expectations.yaml.

    Args:
        name: its key.
        values: for the names in braces; a value that replaces a whole string keeps its type.
    """

    def filled(given: Any) -> Any:
        if not isinstance(given, str):
            return given
        return values[given[1:-1]] if given[1:-1] in values else given.format(**values)

    known = {"name": name, "found": "", "detail": ""} | DATA["expectations"][name]
    kind = getattr(gx.expectations, f"Expect{known.pop('kind')}")
    given = {key: filled(value) for key, value in known.pop("given").items()}
    about = {key: filled(known.pop(key)) for key in ("severity", "description")}
    meta = {key: filled(value) for key, value in known.items()}
    expectation: Expectation = kind(**about, meta=meta, **given)
    return expectation


def expect_examples(corpus: Corpus, split: Split, *, carved: bool) -> list[Expectation]:
    """Return the expectations for a split with the columns that `measures.measured` adds.

    Args:
        corpus: determines the labels, the number of sentences and the limits.
        split: its name; test needs no labels, and each split is compared with those before it.
        carved: whether train and dev were carved out of one file and so must share no sentence.
    """
    limits = LIMITS[corpus.name]
    values = {
        "split": split,
        "low": limits["words"][0],
        "high": limits["words"][1],
        "max_label": corpus.max_label,
        "classes": list(range(corpus.max_label + 1)),
        "text": "pair of sentences, in either order," if corpus.is_pair else "text",
        "leaked_percent": f"{100 * limits['leaked_share']:g}",
        "unleaked_share": 1 - limits["leaked_share"],
    }
    asked = {
        "id_is_one_word": True,
        "id_unique": True,
        "second_is_empty": not corpus.is_pair,
        "label_is_number": True,
        "class_in_range": corpus.has_classes,
        "similarity_in_range": not corpus.has_classes,
        "label_present": split != "test",
        "labels_vary": split != "test",
        "text_not_repeated": True,
        "few_in_train": split == "dev",
        "sentence_not_in_train": corpus.is_pair and split != "train" and not carved,
        "carved_sentence_not_in_train": corpus.is_pair and split != "train" and carved,
    }
    suite = [expect(name, **values) for name, is_asked in asked.items() if is_asked]
    for other in SPLITS[: SPLITS.index(split)]:
        suite.append(expect("text_not_in_other", **values, other=other))
    sides = {"first": "first sentence", "second": "second sentence"}
    for side, side_name in (sides if corpus.is_pair else {"first": "text"}).items():
        for name in ("side_not_empty", "side_length"):
            suite.append(expect(name, **values, side=side, side_name=side_name))
    return suite


def check(frame: pd.DataFrame, split: Scope, expectations: Sequence[Expectation]) -> list[Finding]:
    """Check a frame against expectations.

    Args:
        frame: if an expectation is about rows, it needs columns id and text, to show examples.
        split: the split to name in the findings.
        expectations: from the functions above. If one raises an error, its finding is critical.
    """
    frame = frame.reset_index(drop=True)  # results refer to rows by their index
    results = (
        _frames()
        .get_batch({"dataframe": frame})
        .validate(
            gx.ExpectationSuite("suite", expectations=list(expectations)),
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": NUM_EXAMPLES},
        )
    )
    return [finding_of(result.to_json_dict(), split, frame) for result in results.results]


@cache
def _frames() -> BatchDefinition[Any]:
    """Return a batch definition for frames in memory; it stores no frames and writes no files."""
    # the second logger sets its own level to INFO and announces a folder that is never used
    for name in ("great_expectations", ProgressBarsConfig.__module__):
        logging.getLogger(name).setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("split")
    return asset.add_batch_definition_whole_dataframe("whole")
