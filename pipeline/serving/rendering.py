"""Answers as lines: JSON for programs, a table for a terminal."""

import json
from collections.abc import Iterator, Sequence

from pipeline.serving.answers import Answers
from pipeline.serving.texts import Text

MIN_TEXT_WIDTH = 12  # however narrow the terminal is
LINE_WIDTH = 6  # of the column with line numbers


def json_lines(texts: Sequence[Text], answers: Sequence[Answers]) -> Iterator[str]:
    """Yield an object for each text: its line, id and sentences, and an answer for each corpus."""
    for number, text in enumerate(texts):
        fields: dict[str, object] = {"line": text.line, "id": text.id, "first": text.first}
        fields["second"] = text.second or None
        fields["answers"] = {one.corpus.name: one.told(number) for one in answers}
        yield json.dumps({k: v for k, v in fields.items() if v is not None}, allow_nan=False)


class Table:
    """A table as wide as a terminal; texts are cut to what the answers leave."""

    def __init__(self, answers: Sequence[Answers], *, is_pairs: bool, width: int) -> None:
        self._names = ("first", "second") if is_pairs else ("text",)
        self._answer_widths = [answer.longest_told + 2 for answer in answers]
        left = width - LINE_WIDTH - sum(self._answer_widths) - 2 * len(self._names)
        self._text_width = max(MIN_TEXT_WIDTH, left // len(self._names))
        self._heads = [answer.corpus.name for answer in answers]

    def header(self) -> str:
        """Return the line above the others."""
        return self._line("line", self._names, self._heads)

    def rows(self, texts: Sequence[Text], answers: Sequence[Answers]) -> Iterator[str]:
        """Yield a line for each text."""
        for number, text in enumerate(texts):
            sentences = (text.first, text.second)[: len(self._names)]
            told = [answer.told_briefly(number) for answer in answers]
            yield self._line(str(text.line), sentences, told)

    def _line(self, line: str, sentences: Sequence[str], told: Sequence[str]) -> str:
        cells = [line.rjust(LINE_WIDTH)]
        cells += [_cut(sentence, self._text_width) for sentence in sentences]
        cells += [f"{cell:<{n - 2}}" for cell, n in zip(told, self._answer_widths, strict=True)]
        return "  ".join(cells).rstrip()


def _cut(text: str, width: int) -> str:
    """Fit a text into a cell; what would move a terminal's cursor becomes blank."""
    shown = "".join(c if c.isprintable() else " " for c in text[: width + 1])
    return f"{shown[: width - 1]}…" if len(shown) > width else f"{shown:<{width}}"
