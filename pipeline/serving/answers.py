"""Computes a run's predictions and probabilities for new texts, in the same way as evaluation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text as RichText

from pipeline.core.tasks import CORPORA, Corpus, CorpusName
from pipeline.core.tokenizer import Tokenized, tokenize
from pipeline.encoder.batches import TokenExamples, joined
from pipeline.encoder.features import compute_vectors
from pipeline.evaluation.course_format import NUM_DECIMALS
from pipeline.heads.examples import Examples, VectorExamples
from pipeline.heads.model import predictions_of, probabilities_of
from pipeline.heads.predict import head_outputs, in_double
from pipeline.serving.texts import Text
from pipeline.serving.trained import TrainedRun
from pipeline.tokens.token_cache import TokenizedSplit

# the meanings of the classes, starting with class 0
MEANINGS: Mapping[CorpusName, tuple[str, ...]] = {
    "sst": ("negative", "somewhat negative", "neutral", "somewhat positive", "positive"),
    "cfimdb": ("negative", "positive"),
    "quora": ("no paraphrase", "paraphrase"),
}


@dataclass(frozen=True)
class Answers:
    """The predictions of a head for N texts, in the order of the texts."""

    corpus: Corpus
    predictions: NDArray[np.float64]  # [N], on the labels' scale; NaN if undefined
    probabilities: NDArray[np.float64] | None  # [N, classes]; None for similarities

    def as_json(self, number: int) -> dict[str, Any]:
        """Return one answer as JSON values."""
        prediction = float(self.predictions[number])
        if np.isnan(prediction):
            return {"prediction": None}
        if self.probabilities is None:
            return {"prediction": round(prediction, NUM_DECIMALS)}
        meanings = MEANINGS[self.corpus.name]
        rounded = [round(float(p), NUM_DECIMALS) for p in self.probabilities[number]]
        return {
            "prediction": int(prediction),
            "meaning": meanings[int(prediction)],
            "probability": rounded[int(prediction)],
            "probabilities": dict(zip(meanings, rounded, strict=True)),
        }

    def brief(self, number: int) -> str:
        """Return one answer in words: the class with its probability, or the similarity."""
        values = self.as_json(number)
        if values["prediction"] is None:
            return "undefined"
        if self.probabilities is None:
            return f"similarity {values['prediction']:.2f}"  # can exceed the labels' scale
        return f"{values['meaning']} {values['probability']:.2f}"


def answer(
    run: TrainedRun,
    corpora: Sequence[CorpusName],
    texts: Sequence[Text],
    max_length: int,
    batch_size: int,
) -> tuple[list[Answers], int]:
    """Predict texts with one or more heads of a run.

    Args:
        run: the trained run.
        corpora: the corpora of the heads, which must all read single sentences or all read pairs.
        texts: single sentences or pairs, whichever the heads read.
        max_length: maximum tokens in a sentence or joint pair; more are truncated, as in training.
        batch_size: number of texts in one forward pass.

    Returns:
        The answers of each head, and how many sentences and joint pairs were truncated.
    """
    is_pair = CORPORA[corpora[0]].is_pair
    sentences = [s for t in texts for s in ((t.first, t.second) if is_pair else (t.first,))]
    tokenized = tokenize(run.tokenizer, sentences, max_length)
    splits = [_split_of(CORPORA[name], tokenized, run, max_length) for name in corpora]
    num_cut = tokenized.num_truncated + splits[0].num_cut
    return [_ask(run, split, batch_size) for split in splits], num_cut


def _split_of(
    corpus: Corpus, tokenized: Tokenized, run: TrainedRun, max_length: int
) -> TokenizedSplit:
    """Return new texts as a split of a corpus, with empty labels and ids."""
    pad_id = run.tokenizer.token_to_id("[PAD]")
    assert pad_id is not None  # noqa: S101  (no tokenizer is loaded without it)
    count = (len(tokenized.offsets) - 1) // corpus.task.num_sentences
    split = TokenizedSplit(
        corpus,
        tokenized.input_ids,
        tokenized.offsets,
        labels=np.full(count, np.nan, np.float32),
        example_ids=np.full(count, "", np.str_),
        pad_id=pad_id,
        max_length=max_length,
    )
    return joined(split) if corpus.is_pair and run.summary.pair_encoding == "joint" else split


def _ask(run: TrainedRun, split: TokenizedSplit, batch_size: int) -> Answers:
    """Predict with one head, in the same way as training and evaluation."""
    corpus, device = split.corpus, run.model.device
    examples: Examples = TokenExamples(split, device)
    if run.is_frozen:  # the head was trained on stored vectors, which are rounded
        vectors = compute_vectors(split, run.backbone, batch_size, device)
        examples = VectorExamples(split, torch.from_numpy(vectors).to(device))
    outputs = head_outputs(run.model, examples, batch_size)
    probabilities = in_double(probabilities_of(corpus, outputs)) if corpus.has_classes else None
    return Answers(corpus, in_double(predictions_of(corpus, outputs)), probabilities)


def json_lines(texts: Sequence[Text], answers: Sequence[Answers]) -> Iterator[str]:
    """Yield a JSON object per text: its line, id and sentences, and an answer per corpus."""
    for number, text in enumerate(texts):
        fields = {
            "line": text.line,
            "id": text.id,
            "first": text.first,
            "second": text.second or None,
            "answers": {one.corpus.name: one.as_json(number) for one in answers},
        }
        known = {key: value for key, value in fields.items() if value is not None}
        yield json.dumps(known, allow_nan=False)


def answers_table(
    texts: Sequence[Text], answers: Sequence[Answers], *, is_pairs: bool, has_header: bool
) -> Table:
    """Return a table with a row per text; long texts are truncated to fit the terminal."""
    table = Table(
        box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=has_header, header_style=""
    )
    table.add_column("line", justify="right", no_wrap=True, min_width=6)
    names = ("first", "second") if is_pairs else ("text",)
    for name in names:
        table.add_column(name, min_width=12)
    for answer in answers:
        table.add_column(answer.corpus.name, no_wrap=True)
    for number, text in enumerate(texts):
        sentences = map(_cell, (text.first, text.second)[: len(names)])
        table.add_row(str(text.line), *sentences, *(one.brief(number) for one in answers))
    return table


def _cell(text: str) -> RichText:
    """Return a text that is truncated, not wrapped; control characters become spaces."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    return RichText(shown, no_wrap=True, overflow="ellipsis")
