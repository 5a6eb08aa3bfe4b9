"""Stage corpora: write the active profile's four corpora in one schema."""

import logging

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.data.sources import write_corpora
from pipeline.plumbing.params import LocalCorpora, load_params

log = logging.getLogger("pipeline.data")


def main() -> None:
    params = load_params()
    corpora = params.active.corpora
    if isinstance(corpora, LocalCorpora) and not _is_watched(corpora):
        log.warning(
            "DVC does not watch %s: run `make graph` once, or use `make repro`", corpora.directory
        )
    write_corpora(corpora, seed=params.seed, out=paths.CORPORA)


def _is_watched(corpora: LocalCorpora) -> bool:
    """Return whether the user's directory is a dependency in dvc.yaml."""
    lines = paths.DVC_YAML.read_text(encoding="utf-8").splitlines()
    return any(line.strip(' -"') == str(corpora.directory) for line in lines)


if __name__ == "__main__":
    run_stage(main)
