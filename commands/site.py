"""Write a profile's report as a site: static pages to be opened in a browser, without a network."""

import argparse
from pathlib import Path

from pipeline.core import paths
from pipeline.plumbing.params import load_params
from pipeline.site.site import write_site


def main(argv: list[str]) -> None:
    params = load_params()
    parser = argparse.ArgumentParser(prog="python -m pipeline site", description=__doc__)
    parser.add_argument("--out", type=Path, default=paths.SITE, help="the folder (default: site)")
    parser.add_argument(
        "--profile",
        choices=list(params.profiles),
        default=params.profile,
        help="whose report (default: the profile in force)",
    )
    asked = parser.parse_args(argv)
    write_site(asked.profile, asked.out)
    print(f"wrote {asked.out}/: open {asked.out / 'index.html'}")
