"""Runs the command line of `python -m pipeline`, which pipeline/cli.py defines."""

import sys

from pipeline.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
