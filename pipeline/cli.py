"""`python -m pipeline <command>`: the argument parser and the implementation of each command.

torch, DVC, pydantic and rich load slowly, so each command imports them only when it runs.
"""

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.core.tasks import CORPORA
from pipeline.errors import ParamsError, PipelineError, ReportError
from pipeline.launch.environment import use_own_index

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.launch.repro import How
    from pipeline.plumbing.params import Params
    from pipeline.plumbing.trials import Trial

Arguments = argparse.Namespace
WIDTH = 100  # columns of the output if stdout is not a terminal
SIDE = "an experiment, branch, commit or `workspace`; or one or more runs, separated by commas"


def main(argv: list[str]) -> int:
    """Run one command and return its exit status; report a user error in one line on stderr."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # escape characters that the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        use_own_index()  # for any command that starts DVC
        args.run_command(args)
        sys.stdout.flush()
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.filename is None:  # stdout failed; Python would flush it at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0  # the reader, such as `| head`, closed the pipe
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{where}{error.strerror}\n")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the argument parser, with a subparser for each command."""
    whole = argparse.ArgumentParser(prog="python -m pipeline")
    commands = whole.add_subparsers(title="commands", metavar="<command>", required=True)

    def command(
        name: str, run: Callable[[Arguments], object], text: str, *parents: argparse.ArgumentParser
    ) -> Callable[..., argparse.Action]:
        own = commands.add_parser(name, help=text, description=text, parents=parents)
        own.set_defaults(run_command=run, usage_error=own.error)
        return own.add_argument

    running, profile = _running(), argparse.ArgumentParser(add_help=False)
    profile.add_argument("--profile", help="the profile of the report (default: the active one)")

    command("repro", _repro, "run what is out of date (`make repro`)", running)
    text = "train runs with more seeds or settings (`make sweep`); replaces the previous sweep"
    _add_sweep(command("sweep", _sweep, text, running))
    text = "train each run also under the readings that it does not use (`make readings`)"
    add = command("readings", _readings, text, running)
    add("--dry", action="store_true", help="only show what would be trained")
    add = command("job", _job, "run one stage with DVC; wait if other stages are using its files")
    add("stage", help="its name in `dvc stage list`, such as train@sst-finetune")
    add = command("plan", _plan, "show what `make repro` would do, why, and how long it would take")
    add("--all", action="store_true", help="also show stages that are up to date")
    command("times", _times, "show how long each stage took when it last ran")
    text = "compare two experiments or runs with a paired test; without names, list experiments"
    add = command("compare", _compare, text)
    add("a", nargs="?", metavar="A", help=SIDE)
    add("b", nargs="?", metavar="B", help="the same for the other side")
    text = "draw the learning curves of the workspace, or of several experiments, for a browser"
    add = command("plots", _plots, text)
    add("revisions", nargs="*", help="experiments, branches, commits or `workspace` (the default)")
    _add_predict(command("predict", _predict, "predict labels for new text with a trained run"))
    text = "write a trained run as a folder that Hugging Face's libraries can load"
    add = command("export", _export, text)
    add("--run", required=True, help="a trained run, a key of `runs` in params.yaml")
    add(
        "--force",
        action="store_true",
        help="write into a folder that already has files; replace only those with the same names",
    )
    add("folder", type=Path, help="a new or empty folder, or an earlier export")
    command("render", _render, "render the pages of a report again from its records", profile)
    command("rescore", _rescore, "recompute Table 3 from the recorded predictions", profile)
    add = command("site", _site, "write the report as a static site (`make site`)", profile)
    add("--out", type=Path, default=paths.SITE, help="the folder (default: site)")
    command("graph", _graph, "update the lists in dvc.yaml from params.yaml (`make graph`)")
    return whole


def _running() -> argparse.ArgumentParser:
    """Return a parent parser with the options of every command that runs stages."""
    options = argparse.ArgumentParser(add_help=False)
    add = options.add_argument
    add("-v", "--verbose", action="store_true", help="also show the output of DVC")
    add("-j", "--jobs", type=_count, default=1, help="how many stages may run at once")
    text = "run stages on the workers of this dask scheduler, such as tcp://host:8786"
    add("--scheduler", help=text)
    add("--per-gpu", type=_count, default=1, help="how many finetune runs may share a GPU")
    add("--dashboard", action="store_true", help="open dask's dashboard on 127.0.0.1")
    add("--profile", help="first switch params.yaml to this profile")
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _add_sweep(add: Callable[..., argparse.Action]) -> None:
    add("--seeds", type=_count, help="how many, including that of params.yaml; 1 ends the sweep")
    add("--runs", help="runs, separated by commas (default: all runs with a row in Table 3)")
    add("--grid", help="settings to combine, such as 'learning_rate=1e-5,3e-5 dropout=0.1'")
    add("--dry", action="store_true", help="only show what would be trained")


def _add_predict(add: Callable[..., argparse.Action]) -> None:
    add("text", nargs="*", help="single sentences, or - to read lines from stdin")
    add("--run", required=True, help="a trained run, a key of `runs` in params.yaml")
    add("--corpus", choices=CORPORA, help="use only its head (default: all heads that fit)")
    add("--pair", nargs=2, action="append", metavar=("FIRST", "SECOND"), help="two sentences")
    add("--input", type=Path, help="a file with one text per line: .txt, .csv, .tsv or .jsonl")
    add("--format", choices=("txt", "csv", "tsv", "jsonl"), help="of --input (default: its suffix)")
    add("--output", type=Path, help="write the answers to this file")
    add("--json", dest="as_table", action="store_false", default=None, help="print JSON lines")
    add("--table", dest="as_table", action="store_true", help="print a table, as on a terminal")


def _how_and_params(args: Arguments) -> "tuple[How, Params]":
    """Return how to run stages, and the params after the switch that --profile asks for.

    Options that exclude each other are a usage error, before anything is written.
    """
    from pipeline.launch.repro import How
    from pipeline.plumbing.params import switch_profile

    if args.scheduler and (args.jobs > 1 or args.per_gpu > 1 or args.dashboard):
        args.usage_error("--jobs, --per-gpu and --dashboard do not work with --scheduler")
    if args.profile:
        switch_profile(args.profile, paths.PARAMS)
    return How(args.jobs, args.scheduler, args.per_gpu, args.dashboard, args.verbose), _params()


def _repro(args: Arguments) -> None:
    from pipeline.launch.repro import run_graph

    how, _ = _how_and_params(args)
    run_graph(how)


def _sweep(args: Arguments) -> None:
    from pipeline.launch import sweep

    if args.seeds is None and args.grid is None:
        args.usage_error("give --seeds, --grid or both")
    if args.grid is not None and args.runs is None:
        args.usage_error("name the --runs that the grid is for: runs need different rates")
    how, params = _how_and_params(args)
    runs = sweep.swept_runs(params, args.runs)
    grid = sweep.read_grid(args.grid) if args.grid is not None else {}
    trials = sweep.trials_of(params, runs, args.seeds or 1, grid)
    listed = trials | sweep.kept_readings(params) if trials else {}
    _train(how, params, trials, listed, is_dry=args.dry)


def _readings(args: Arguments) -> None:
    from pipeline.launch.sweep import readings_of
    from pipeline.plumbing.trials import load_trials

    how, params = _how_and_params(args)
    trials = readings_of(params)
    _train(how, params, trials, load_trials(params) | trials, is_dry=args.dry)


def _train(
    how: "How",
    params: "Params",
    trials: "dict[str, Trial]",
    listed: "dict[str, Trial]",
    *,
    is_dry: bool,
) -> None:
    """Print the trials; unless it is dry, also write the listed ones and run the graph."""
    from pipeline.launch import repro, sweep

    if is_dry:
        print(*trials, sweep.described(params, trials), sep="\n")
        return
    sweep.write_trials(params, listed)
    print(sweep.described(params, trials))
    repro.run_graph(how)


def _job(args: Arguments) -> None:
    from pipeline.launch.job import Job

    sys.exit(Job(args.stage).run())


def _plan(args: Arguments) -> None:
    from pipeline.launch import summary
    from pipeline.launch.plan import Outcome, plan_stages
    from pipeline.launch.sweep import expected_seconds
    from pipeline.plumbing.trials import load_trials

    params = _params()
    last = expected_seconds(params, load_trials(params))
    stages = plan_stages()
    shown = [stage for stage in stages if args.all or stage.outcome != Outcome.UP_TO_DATE]
    if shown:
        _show(summary.as_table(shown, last))
    print(summary.summary(stages, last))


def _times(_: Arguments) -> None:
    from pipeline.launch.times import load_times, times_table

    profile = _params().profile
    times = list(load_times(profile).values())
    _show(times_table(times) if times else f"no stage has run under profile {profile} yet")


def _compare(args: Arguments) -> None:
    from pipeline.launch.revisions import experiments, page_of
    from pipeline.reporting.comparison_page import LEGEND, experiments_table

    if not args.a:
        _show(experiments_table(experiments()), f"\n{LEGEND}")
        return
    if not args.b:
        args.usage_error("name two things to compare: A and B")
    write_text(paths.COMPARISON, page_of(args.a, args.b))
    print(f"wrote {paths.COMPARISON}")


def _plots(args: Arguments) -> None:
    from pipeline.launch.revisions import draw_plots

    write_text(paths.PLOTS, draw_plots(args.revisions))
    print(f"wrote {paths.PLOTS}; open it in a browser")


def _predict(args: Arguments) -> None:
    from pipeline.serving.predicting import STDIN, predict, read_input
    from pipeline.serving.texts import of_arguments

    if args.text == [str(STDIN)]:
        args.text, args.input = [], STDIN
    if sum(map(bool, (args.text, args.pair, args.input))) != 1:
        args.usage_error("give texts, or --pair, or --input")
    params = _params()
    params.run(args.run)  # rejects an unknown run before any input is read
    given = read_input(args.input, args.format) if args.input else None
    texts = given or of_arguments(args.text, args.pair or [])
    predict(params, args.run, texts, args.corpus, args.output, args.as_table)


def _export(args: Arguments) -> None:
    from pipeline.serving.export import export_run

    export_run(_params(), args.run, args.folder, force=args.force)
    print(f"{args.run} is in {args.folder}; the README.md there says how to load it")


def _render(args: Arguments) -> None:
    from pipeline.reporting.pages import render_report

    profile = _profile(args)
    render_report(profile)
    print(f"wrote the pages of {paths.report_dir(profile)}/")


def _rescore(args: Arguments) -> None:
    from pipeline.reporting.rescoring import rescored, rescored_table

    rows = rescored(_profile(args))
    print(rescored_table(rows))
    others = [row.configuration for row in rows if not row.agrees]
    if others:
        raise ReportError(
            f"{len(others)} of {len(rows)} scores could not be reproduced: {', '.join(others)}"
        )
    print(f"all {len(rows)} scores were reproduced")


def _site(args: Arguments) -> None:
    from pipeline.site.site import write_site

    write_site(_profile(args), args.out)
    print(f"wrote {args.out}/: open {args.out / 'index.html'}")


def _graph(_: Arguments) -> None:
    from pipeline.launch.graph import write_graph

    write_graph()


def _show(*parts: "Table | str") -> None:
    """Print tables and text at the width of the terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    for part in parts:
        console.print(part)


def _params() -> "Params":
    from pipeline.plumbing.params import load_params

    return load_params()


def _profile(args: Arguments) -> str:
    """Return the profile that --profile names, or else the active one."""
    params = _params()
    name: str = args.profile or params.profile
    if name not in params.profiles:
        raise ParamsError(f"unknown profile {name!r}; allowed: {', '.join(params.profiles)}")
    return name
