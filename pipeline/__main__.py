"""`python -m pipeline <command> ...`: what a person asks of the project beside running it."""

import io
import logging
import os
import sys
from collections.abc import Callable

from pipeline.errors import PipelineError

# every command, a module of `commands`, in the order they are listed
COMMANDS: dict[str, str] = {
    "repro": "run what is out of date (`make repro`); with --jobs 4, four stages at once",
    "sweep": "train runs under more seeds or settings (`make sweep`)",
    "readings": "train the other readings of the paper (`make readings`)",
    "job": "run one stage by itself under DVC",
    "plan": "what `make repro` would do, why, and about how long it takes",
    "times": "what each stage took when it last ran",
    "compare": "two experiments or runs side by side, tested; without names, list experiments",
    "plots": "draw learning curves of the workspace, or of several experiments, for a browser",
    "predict": "answer new text with a trained run",
    "export": "write a trained run as a folder that Hugging Face's libraries load",
    "render": "write the pages of a report anew from its records, without training",
    "rescore": "find the scores of Table 3 again from recorded predictions",
    "graph": "bring the lists of dvc.yaml up to date with params.yaml (`make graph`)",
    "site": "write the report as a site that needs no network (`make site`)",
}


def main(argv: list[str]) -> int:
    """Run one command; a user's error becomes one line on stderr and exit status 1."""
    if not argv or argv[0] not in COMMANDS:
        return _usage(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal cannot show
    try:
        _command(argv[0])(argv[1:])
        sys.stdout.flush()
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _refused(error)
    return 0


def _command(name: str) -> Callable[[list[str]], None]:  # noqa: C901  (a case a command)
    """Import a command when it is asked for: some need torch or DVC, which take their time."""
    match name:
        case "repro":
            from commands.repro import main
        case "sweep":
            from commands.sweep import main
        case "readings":
            from commands.readings import main
        case "job":
            from commands.job import main
        case "plan":
            from commands.plan import main
        case "times":
            from commands.times import main
        case "compare":
            from commands.compare import main
        case "plots":
            from commands.plots import main
        case "predict":
            from commands.predict import main
        case "export":
            from commands.export import main
        case "render":
            from commands.render import main
        case "rescore":
            from commands.rescore import main
        case "graph":
            from commands.graph import main
        case "site":
            from commands.site import main
        case _:
            raise ValueError(f"no command {name!r}")
    return main


def _refused(error: OSError) -> int:
    """Say what the machine refused, in one line; a reader that has enough (`head`) is no fault."""
    if not isinstance(error, BrokenPipeError):
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"{where}{error.strerror}\n")
    if error.filename is None:  # it was standard output, which Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if isinstance(error, BrokenPipeError) else 1


def _usage(argv: list[str]) -> int:
    """List the commands; to ask for them is no mistake, another name is."""
    asked = argv[:1] in (["-h"], ["--help"])
    lines = ["usage: python -m pipeline <command> ...", ""]
    lines += [f"  {name:<9} {told}" for name, told in COMMANDS.items()]
    if argv and not asked:
        lines.append(f"\nthere is no command {argv[0]!r}")
    (sys.stdout if asked else sys.stderr).write("\n".join(lines) + "\n")
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
