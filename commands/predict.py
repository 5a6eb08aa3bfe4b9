"""Answer new text with a trained run: sentences, or pairs of them."""

import argparse
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from pipeline.core.files import replacing
from pipeline.core.tasks import CORPORA
from pipeline.errors import InputError
from pipeline.plumbing.params import Params, load_params
from pipeline.serving.answers import answer, json_lines, table_lines
from pipeline.serving.texts import FORMATS, Texts, of_arguments, read_texts
from pipeline.serving.trained import open_run, profile_of

log = logging.getLogger(__name__)

STDIN = Path("-")
AT_ONCE = 1 << 16  # texts that are answered before the next are, so that memory holds no more
NUM_SHOWN = 5  # lines in one message


def main(argv: list[str]) -> None:
    parser = _parser()
    args = parser.parse_args(argv)
    if args.text == [str(STDIN)]:
        args.text, args.input = [], STDIN
    if sum(map(bool, (args.text, args.pair, args.input))) != 1:
        parser.error("give texts, or --pair, or --input")
    params = load_params()
    params.run(args.run)  # an unknown one is refused before anything is read
    texts = _texts(args)
    with _destination(args.output) as write:
        _answer_all(args, params, texts, write)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline predict", description=__doc__)
    add = parser.add_argument
    add("text", nargs="*", help="single sentences, or - for lines of standard input")
    add("--run", required=True, help="a trained run, a key of `runs` in params.yaml")
    add("--corpus", choices=CORPORA, help="the head to ask; without it, every one that fits")
    add("--pair", nargs=2, action="append", metavar=("FIRST", "SECOND"), help="two sentences")
    add("--input", type=Path, help="a file with a text on each line: .txt, .csv, .tsv or .jsonl")
    add("--format", choices=FORMATS, help="of the input, where its name does not tell")
    add("--output", type=Path, help="a file for the answers")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON lines, the default for files")
    form.add_argument("--table", action="store_true", help="a table, the default on a terminal")
    return parser


def _texts(args: argparse.Namespace) -> Texts:
    """Take everything that is to be answered, and say what is left out of it."""
    texts = _read(args) if args.input else of_arguments(args.text, args.pair or [])
    if texts.assumed:
        log.warning("%s", texts.assumed)
    if texts.left_out:
        more = ", ..." if len(texts.left_out) > NUM_SHOWN else ""
        log.warning(
            "%d left out, having no text or half of a pair: line %s%s",
            len(texts.left_out),
            ", ".join(map(str, texts.left_out[:NUM_SHOWN])),
            more,
        )
    return texts


def _read(args: argparse.Namespace) -> Texts:
    """Read standard input or a file."""
    name = "standard input" if args.input == STDIN else str(args.input)
    form = args.format or args.input.suffix.removeprefix(".") or "txt"
    if form not in FORMATS:
        raise InputError(f"{name} is none of {', '.join(FORMATS)}; say which with --format")
    if args.input == STDIN:
        return read_texts(sys.stdin.buffer, name, form)
    try:
        with args.input.open("rb") as file:
            return read_texts(file, name, form)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from None


@contextmanager
def _destination(output: Path | None) -> Iterator[Callable[[str], object]]:
    """Lend what writes the answers: to standard output, or a file that is whole or absent."""
    if output is None:
        yield sys.stdout.write
        return
    with replacing(output) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield file.write


def _answer_all(
    args: argparse.Namespace, params: Params, texts: Texts, write: Callable[[str], object]
) -> None:
    run = open_run(params, args.run)
    profile = profile_of(run.name)
    if profile in params.profiles and params.profiles[profile].is_synthetic:
        log.warning("%s has learnt from generated corpora: no judgement on real text", run.name)
    corpora = run.corpora_for(2 if texts.is_pairs else 1, args.corpus)
    as_table = args.table or not (args.json or args.output or not sys.stdout.isatty())
    num_cut = 0
    for start in range(0, len(texts.texts), AT_ONCE):
        some = texts.texts[start : start + AT_ONCE]
        answers, cut = answer(
            run, corpora, some, params.tokens.max_length, params.evaluation.batch_size
        )
        num_cut += cut
        lines = json_lines(some, answers)
        if as_table:
            width = shutil.get_terminal_size().columns
            lines = table_lines(some, answers, is_pairs=texts.is_pairs, width=width)
            lines = islice(lines, bool(start), None)  # one header
        write("".join(f"{line}\n" for line in lines))
    if num_cut:
        log.warning(
            "cut: %d sentences or joint pairs of more than %d tokens; the ends were not read",
            num_cut,
            params.tokens.max_length,
        )
