"""`python -m pipeline <command> ...`: what a person asks of the project beside running it."""

import importlib
import logging
import sys

from pipeline.errors import PipelineError

# every command, a module of `commands`, in the order they are listed
COMMANDS: dict[str, str] = {
    "plan": "what `make repro` would do, why, and about how long it takes",
    "repro": "run what is out of date (`make repro`)",
    "times": "what each stage took when it last ran",
}


def main(argv: list[str]) -> int:
    """Run one command; a user's error becomes one line on stderr and exit status 1."""
    if not argv or argv[0] not in COMMANDS:
        return _usage(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        importlib.import_module(f"commands.{argv[0]}").main(argv[1:])
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


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
