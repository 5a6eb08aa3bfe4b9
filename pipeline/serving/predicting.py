"""Implements `python -m pipeline predict`: reads texts, predicts them, and writes the answers."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console

from pipeline.core.files import replacing
from pipeline.core.tasks import CorpusName
from pipeline.errors import InputError
from pipeline.plumbing.params import Params
from pipeline.serving.answers import answer, answers_table, json_lines
from pipeline.serving.texts import FORMATS, Texts, read_texts
from pipeline.serving.trained import open_run, profile_of

log = logging.getLogger(__name__)

STDIN = Path("-")
AT_ONCE = 1 << 16  # texts per block; only one block of answers is in memory at a time
NUM_SHOWN = 5  # number of line numbers in one message


def predict(
    params: Params,
    name: str,
    texts: Texts,
    corpus: CorpusName | None,
    output: Path | None,
    as_table: bool | None,
) -> None:
    """Predict texts with a trained run and write the answers to stdout or a file.

    Args:
        params: the params that contain the run.
        name: the name of the run.
        texts: single sentences or pairs.
        corpus: the corpus whose head to use; None uses all heads that fit.
        output: the file for the answers; None writes to stdout.
        as_table: True writes a table, False JSON lines; None writes a table only to a terminal.

    Raises:
        PipelineError: the run is not trained, or none of its heads fits.
    """
    _warn_of(texts)
    run = open_run(params, name)
    profile = profile_of(run.name)
    if profile in params.profiles and params.profiles[profile].is_synthetic:
        log.warning(
            "%s was trained on generated corpora: its answers on real text mean nothing", run.name
        )
    corpora = run.corpora_for(2 if texts.is_pairs else 1, corpus)
    if as_table is None:
        as_table = not output and sys.stdout.isatty()
    num_cut = 0
    with _destination(output) as file:
        for start in range(0, len(texts.texts), AT_ONCE):
            some = texts.texts[start : start + AT_ONCE]
            answers, cut = answer(
                run, corpora, some, params.tokens.max_length, params.evaluation.batch_size
            )
            num_cut += cut
            if as_table:
                Console(file=file).print(
                    answers_table(some, answers, is_pairs=texts.is_pairs, has_header=not start)
                )
            else:
                file.writelines(f"{line}\n" for line in json_lines(some, answers))
    if num_cut:
        log.warning(
            "%d sentences or joint pairs had more than %d tokens and were cut at the end",
            num_cut,
            params.tokens.max_length,
        )


def read_input(path: Path, form: str | None) -> Texts:
    """Read texts from a file, or from standard input if the path is `-`.

    Raises:
        InputError: the input cannot be read, or its format is unknown.
    """
    name = "standard input" if path == STDIN else str(path)
    form = form or path.suffix.removeprefix(".") or "txt"
    if form not in FORMATS:
        raise InputError(
            f"{name} does not end in {', '.join(FORMATS)}; give the format with --format"
        )
    if path == STDIN:
        return read_texts(sys.stdin.buffer, name, form)
    try:
        with path.open("rb") as file:
            return read_texts(file, name, form)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None


def _warn_of(texts: Texts) -> None:
    """Log how quotation marks were interpreted and which lines are left out."""
    if texts.assumed:
        log.warning("%s", texts.assumed)
    if texts.left_out:
        more = ", ..." if len(texts.left_out) > NUM_SHOWN else ""
        log.warning(
            "%d left out, because text is missing: line %s%s",
            len(texts.left_out),
            ", ".join(map(str, texts.left_out[:NUM_SHOWN])),
            more,
        )


@contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    """Yield stdout or the output file, which is written either completely or not at all."""
    if output is None:
        yield sys.stdout
        return
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield file
