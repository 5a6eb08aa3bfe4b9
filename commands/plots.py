"""Draw the learning curves of the workspace, or of several revisions in one plot."""

import argparse
import sys

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.launch.environment import use_own_index
from pipeline.launch.plots import draw_plots

DESCRIPTION = """Draw what dvc.yaml plots, the learning curves, on a page that needs no network."""


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser("python -m pipeline plots", description=DESCRIPTION)
    parser.add_argument(
        "revisions", nargs="*", help="experiments, branches, commits or `workspace` (the default)"
    )
    revisions = parser.parse_args(argv).revisions
    use_own_index()
    write_text(paths.PLOTS, draw_plots(revisions))
    sys.stdout.write(f"wrote {paths.PLOTS}; open it in a browser\n")
