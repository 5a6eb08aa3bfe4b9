"""`python -m pipeline <command> ...`: what a person asks of the project beside running it."""

import importlib
import io
import logging
import os
import sys

from pipeline.errors import PipelineError

# every command, a module of `commands`, in the order they are listed
COMMANDS: dict[str, str] = {
    "predict": "answer new text with a trained run",
    "export": "write a trained run as a folder that Hugging Face's libraries load",
}


def main(argv: list[str]) -> int:
    """Run one command; a user's error becomes one line on stderr and exit status 1."""
    if not argv or argv[0] not in COMMANDS:
        return _usage(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal cannot show
    try:
        importlib.import_module(f"commands.{argv[0]}").main(argv[1:])
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
