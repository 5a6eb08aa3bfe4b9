"""`python -m pipeline <command>`: what a person asks of the project, in one parser.

A command's rooms are imported when it is asked for: some need torch or DVC, which take their time.
"""

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.errors import ParamsError, PipelineError, ReportError

if TYPE_CHECKING:
    from rich.table import Table

    from pipeline.launch.repro import How
    from pipeline.plumbing.params import Params
    from pipeline.plumbing.trials import Trial

Arguments = argparse.Namespace
WIDTH = 100  # columns where there is no terminal
SIDE = "an experiment, branch, commit or `workspace`; or runs of it, separated by commas"


def main(argv: list[str]) -> int:
    """Run one command; a user's error becomes one line on stderr and exit status 1."""
    args = parser().parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal cannot show
    try:
        args.run_command(args)
        sys.stdout.flush()
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _refused(error)
    return 0


def _refused(error: OSError) -> int:
    """Say what the machine refused, in one line; a reader that has enough (`head`) is no fault."""
    if not isinstance(error, BrokenPipeError):
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{where}{error.strerror}\n")
    if error.filename is None:  # it was standard output, which Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if isinstance(error, BrokenPipeError) else 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    whole = argparse.ArgumentParser(prog="python -m pipeline")
    commands = whole.add_subparsers(title="commands", metavar="<command>", required=True)

    def command(
        name: str, run: Callable[[Arguments], object], told: str, *parents: argparse.ArgumentParser
    ) -> Callable[..., argparse.Action]:
        own = commands.add_parser(name, help=told, description=told, parents=parents)
        own.set_defaults(run_command=run, usage_error=own.error)
        return own.add_argument

    running, profile = _running(), argparse.ArgumentParser(add_help=False)
    profile.add_argument("--profile", help="whose report (default: the profile in force)")

    command("repro", _repro, "run what is out of date (`make repro`)", running)
    told = "train runs under more seeds or settings (`make sweep`), in place of the sweep before"
    _add_sweep(command("sweep", _sweep, told, running))
    told = "train the readings of the paper that are not the runs' own (`make readings`)"
    add = command("readings", _readings, told, running)
    add("--dry", action="store_true", help="say what would be trained, and change nothing")
    add = command("job", _job, "run one stage by itself under DVC, waiting for its files")
    add("stage", help="as `dvc stage list` names it: train@sst-finetune")
    add = command("plan", _plan, "what `make repro` would do, why, and about how long it takes")
    add("--all", action="store_true", help="stages that are up to date, too")
    add("--json", action="store_true", help="all of it, for programs")
    add = command("times", _times, "what each stage took when it last ran")
    add("--json", action="store_true", help="all of it, for programs")
    told = "two experiments or runs side by side, tested; without names, list experiments"
    add = command("compare", _compare, told)
    add("a", nargs="?", metavar="A", help=SIDE)
    add("b", nargs="?", metavar="B", help="likewise")
    told = "draw learning curves of the workspace, or of several experiments, for a browser"
    add = command("plots", _plots, told)
    add("revisions", nargs="*", help="experiments, branches, commits or `workspace` (the default)")
    _add_predict(command("predict", _predict, "answer new text with a trained run"))
    told = "write a trained run as a folder that Hugging Face's libraries load"
    add = command("export", _export, told)
    add("--run", required=True, help="a trained run, a key of `runs` in params.yaml")
    add("--force", action="store_true", help="keep what else the folder holds")
    add("folder", type=Path, help="new, empty, or of an earlier export")
    command("render", _render, "write the pages of a report anew from its records", profile)
    command("rescore", _rescore, "find Table 3's scores again from recorded predictions", profile)
    add = command("site", _site, "write the report as a site for a browser (`make site`)", profile)
    add("--out", type=Path, default=paths.SITE, help="the folder (default: site)")
    command("graph", _graph, "bring dvc.yaml's lists up to date with params.yaml (`make graph`)")
    return whole


def _running() -> argparse.ArgumentParser:
    """Return the options of every command that goes on as `repro`."""
    options = argparse.ArgumentParser(add_help=False)
    add = options.add_argument
    add("-v", "--verbose", action="store_true", help="what DVC says, too")
    add("-j", "--jobs", type=_count, default=1, help="stages at once")
    add("--scheduler", help="of dask: run stages on its workers; tcp://host:8786")
    add("--per-gpu", type=_count, default=1, help="finetune runs at once on a GPU")
    add("--dashboard", action="store_true", help="of dask, for a browser on this machine")
    return options


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of stages: 1 or more")
    return int(text)


def _add_sweep(add: Callable[..., argparse.Action]) -> None:
    add("--seeds", type=int, help="how many, that of params.yaml included; 1 ends a sweep")
    add("--runs", help="which, separated by commas (default: all that have a row of Table 3)")
    add("--grid", help="settings to try, each with each: 'learning_rate=1e-5,3e-5 dropout=0.1'")
    add("--dry", action="store_true", help="say what would be trained, and change nothing")


def _add_predict(add: Callable[..., argparse.Action]) -> None:
    add("text", nargs="*", help="single sentences, or - for lines of standard input")
    add("--run", required=True, help="a trained run, a key of `runs` in params.yaml")
    add("--corpus", choices=CORPORA, help="the head to ask; without it, every one that fits")
    add("--pair", nargs=2, action="append", metavar=("FIRST", "SECOND"), help="two sentences")
    add("--input", type=Path, help="a file with a text on each line: .txt, .csv, .tsv or .jsonl")
    add("--format", choices=("txt", "csv", "tsv", "jsonl"), help="where its name does not say it")
    add("--output", type=Path, help="a file for the answers")
    add("--json", dest="as_table", action="store_false", default=None, help="JSON lines")
    add("--table", dest="as_table", action="store_true", help="a table, the default on a terminal")


def _how(args: Arguments) -> "How":
    """Say how stages are to be run; what makes no sense is a usage error."""
    from pipeline.launch.repro import How

    if args.scheduler and (args.jobs > 1 or args.per_gpu > 1 or args.dashboard):
        args.usage_error("a --scheduler has its own --jobs, --per-gpu and --dashboard")
    return How(args.jobs, args.scheduler, args.per_gpu, args.dashboard, args.verbose)


def _repro(args: Arguments) -> None:
    from pipeline.launch.repro import run_graph

    run_graph(_how(args))


def _sweep(args: Arguments) -> None:
    from pipeline.launch import sweep
    from pipeline.launch.readings import kept_readings

    params = _params()
    if args.seeds is None and args.grid is None:
        args.usage_error("say how many --seeds, or give a --grid, or both")
    if args.grid is not None and args.runs is None:
        args.usage_error("say of which --runs the grid is: frozen and finetuned differ in rate")
    if args.seeds is not None and args.seeds < 1:
        args.usage_error("--seeds counts from 1, the seed of params.yaml")
    runs = sweep.swept_runs(params, args.runs)
    grid = sweep.read_grid(args.grid) if args.grid is not None else {}
    trials = sweep.trials_of(params, runs, args.seeds or 1, grid)
    _train(args, trials, lambda: trials | kept_readings(params) if trials else {})


def _readings(args: Arguments) -> None:
    from pipeline.launch.readings import readings_of
    from pipeline.plumbing.trials import load_trials

    params = _params()
    trials = readings_of(params)
    _train(args, trials, lambda: load_trials(params) | trials)


def _train(
    args: Arguments, trials: "Mapping[str, Trial]", listed: "Callable[[], Mapping[str, Trial]]"
) -> None:
    """Say which trials are asked for; unless that is all, list them and run the graph."""
    from pipeline.launch import repro, sweep

    how, params = _how(args), _params()
    if args.dry:
        print(*trials, sweep.described(params, trials), sep="\n")
        return
    sweep.write_trials(params, listed())
    print(sweep.described(params, trials))
    repro.run_graph(how)


def _job(args: Arguments) -> None:
    from pipeline.launch.job import Job

    sys.exit(Job(args.stage).run())


def _plan(args: Arguments) -> None:
    from pipeline.launch import summary
    from pipeline.launch.environment import use_own_index
    from pipeline.launch.plan import Outcome, plan_stages
    from pipeline.launch.sweep import guessed
    from pipeline.launch.times import last_seconds, load_times
    from pipeline.plumbing.trials import load_trials

    params = _params()
    last = guessed(last_seconds(load_times(params.profile)), load_trials(params))
    use_own_index()
    stages = plan_stages()
    if args.json:
        print(summary.as_json(stages, last))
        return
    shown = [stage for stage in stages if args.all or stage.outcome != Outcome.UP_TO_DATE]
    if shown:
        _show(summary.as_table(shown, last))
    print(summary.summary(stages, last))


def _times(args: Arguments) -> None:
    from pipeline.launch.times import load_times, times_table

    profile = _params().profile
    times = list(load_times(profile).values())
    if args.json:
        print(json.dumps([asdict(time) for time in times], indent=2))
    else:
        print(times_table(times) if times else f"no stage has run under profile {profile} yet")


def _compare(args: Arguments) -> None:
    from pipeline.core.files import write_text
    from pipeline.launch.comparing import page_of
    from pipeline.launch.environment import use_own_index
    from pipeline.launch.revisions import experiments
    from pipeline.reporting.comparison_page import LEGEND, experiments_table

    use_own_index()
    if not args.a:
        _show(experiments_table(experiments()), f"\n{LEGEND}")
        return
    if not args.b:
        args.usage_error("name two to compare: A and B")
    write_text(paths.COMPARISON, page_of(args.a, args.b))
    print(f"wrote {paths.COMPARISON}")


def _plots(args: Arguments) -> None:
    from pipeline.core.files import write_text
    from pipeline.launch.environment import use_own_index
    from pipeline.launch.plots import draw_plots

    use_own_index()
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
    params.run(args.run)  # an unknown one is refused before anything is read
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
            f"{len(others)} of {len(rows)} scores are not found again: {', '.join(others)}"
        )
    print(f"all {len(rows)} scores are found again")


def _site(args: Arguments) -> None:
    from pipeline.site.site import write_site

    write_site(_profile(args), args.out)
    print(f"wrote {args.out}/: open {args.out / 'index.html'}")


def _graph(_: Arguments) -> None:
    from pipeline.launch.graph import write_graph

    write_graph()


def _show(*parts: "Table | str") -> None:
    """Lay out tables and sentences for the width of the terminal."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    for part in parts:
        console.print(part)


def _params() -> "Params":
    from pipeline.plumbing.params import load_params

    return load_params()


def _profile(args: Arguments) -> str:
    """Return the profile that is asked for, or the one in force."""
    params = _params()
    name: str = args.profile or params.profile
    if name not in params.profiles:
        raise ParamsError(f"unknown profile {name!r}; allowed: {', '.join(params.profiles)}")
    return name
