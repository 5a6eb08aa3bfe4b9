"""Write a trained run as a folder that Hugging Face's libraries load, with a model card."""

import argparse
import sys
from pathlib import Path

from pipeline.plumbing.params import load_params
from pipeline.serving.export import export_run


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m pipeline export", description=__doc__)
    parser.add_argument(
        "--run", required=True, help="a trained run, a key of `runs` in params.yaml"
    )
    parser.add_argument("--force", action="store_true", help="keep what else the folder holds")
    parser.add_argument("folder", type=Path, help="new, empty, or of an earlier export")
    args = parser.parse_args(argv)
    export_run(load_params(), args.run, args.folder, force=args.force)
    sys.stdout.write(f"{args.run} is in {args.folder}; the README.md there tells how to load it\n")
