"""Bring the lists of dvc.yaml, its picture and the page of params up to date with params.yaml."""

import argparse

from pipeline.launch.graph import write_graph


def main(argv: list[str]) -> None:
    argparse.ArgumentParser(prog="python -m pipeline graph", description=__doc__).parse_args(argv)
    write_graph()
