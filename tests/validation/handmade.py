"""Small corpora made by rules, for tests that break and validate them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from pipeline.core.records import CorpusOrigin, CorpusReport
from pipeline.core.tasks import CORPORA, SPLITS, CorpusName, Split
from pipeline.plumbing.params import Cs224nCorpora, SplitSizes, SyntheticCorpora
from pipeline.validation.validation import validate_corpus

SIZES: Mapping[Split, int] = {"train": 30, "dev": 30, "test": 10}
Rows = dict[Split, list[dict[str, str]]]


def good_rows(name: CorpusName, sizes: Mapping[Split, int]) -> Rows:
    """Compose a flawless corpus; row 3 of dev has the id dev3."""
    corpus = CORPORA[name]
    return {
        split: [
            {
                "id": f"{split}{i}",
                "first": f"{split} text {i} has ten words, as many as needed",
                "second": f"{split} second text {i}" if corpus.is_pair else "",
                "label": "" if split == "test" else str(i % (corpus.max_label + 1)),
            }
            for i in range(sizes[split])
        ]
        for split in SPLITS
    }


def write(
    folder: Path,
    name: CorpusName,
    edit: Callable[[Rows], object] = lambda _: None,
    sizes: Mapping[Split, int] = SIZES,
) -> None:
    """Write a good corpus with rows changed by `edit`."""
    rows = good_rows(name, sizes)
    edit(rows)
    for split, examples in rows.items():
        frame = pd.DataFrame(examples, columns=["id", "first", "second", "label"])
        frame.to_csv(folder / f"{split}.csv", index=False)
    CorpusOrigin(source="made by hand", description="", notes=["a note"]).write(
        folder / "origin.json"
    )


def validate(
    folder: Path,
    name: CorpusName,
    corpora: Cs224nCorpora | None = None,
    sizes: Mapping[Split, int] = SIZES,
) -> CorpusReport:
    """Validate the written corpus, by default as a synthetic one of these sizes."""
    asked = SplitSizes(**sizes)
    synthetic = SyntheticCorpora(source="synthetic", sizes=dict.fromkeys(CORPORA, asked))
    return validate_corpus(CORPORA[name], folder, corpora or synthetic)
