"""The stress test: `make torture`.

Writes reports/torture.md; exits with status 1 if a fault was not survived.
"""

import argparse
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from pipeline.core.files import write_text
from pipeline.data.backbone import fetch_backbone
from pipeline.encoder.device import choose_device, device_name
from tests.torture.backbone import write_tiny_backbone
from tests.torture.disturbances import FAULTS, MADE, campaign
from tests.torture.kills import kill, starve
from tests.torture.repository import small_repository
from tests.torture.tally import Tally, page

log = logging.getLogger("torture")

PAGE = Path("reports/torture.md")
EPOCHS = {"pretrain": 3, "finetune": 3}
RUNS = ("sst-pretrain", "multitask-pretrain", "quora-finetune", "multitask-finetune")
KILLS = 60  # for each run
BACKBONE = "all-MiniLM-L6-v2"  # the tiny backbone uses its tokenizer


def main(argv: list[str]) -> None:
    """Run every part and write the page."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--repros", type=int, default=5, help="faults of a kind in `dvc repro`s")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s  %(message)s")
    # shells make background processes ignore Ctrl-C; the tested processes must not
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tallies = []
    with tempfile.TemporaryDirectory(prefix="minbert-torture-") as name:
        for tally in _campaigns(Path(name).resolve(), args.seed, args.repros):
            tallies.append(tally)
            log.info("%s, %s: %d of %d", tally.fault, tally.what, tally.survived, tally.injected)
            for end in tally.wrong:
                log.error("%s", end)
    method = {
        "seed": str(args.seed),
        "device": device_name(choose_device("auto")),
        "torch": torch.__version__,
        "platform": sys.platform,
    }
    write_text(PAGE, page(tallies, method))
    log.info("wrote %s", PAGE)
    if any(tally.wrong for tally in tallies):
        sys.exit(1)


def _campaigns(folder: Path, seed: int, repros: int) -> Iterator[Tally]:
    """Yield the results for each kind of fault."""
    backbone = folder / "backbone"
    fetch_backbone(BACKBONE, folder / BACKBONE)
    backbone.mkdir()
    write_tiny_backbone(backbone, folder / BACKBONE)
    names = ("undisturbed", "twin")
    undisturbed, twin = (small_repository(folder / name, backbone, EPOCHS) for name in names)
    for repository in (undisturbed, twin):
        repository.set(checkpoints__every_steps=2)
    started = time.monotonic()
    undisturbed.repro()
    seconds = time.monotonic() - started
    log.info("an undisturbed `dvc repro` takes %.0f s", seconds)
    twin.repro()
    expected = undisturbed.hashes(*MADE)
    survived = int(twin.hashes(*MADE) == expected)
    yield Tally("none: a second clone", "dvc repro", injected=1, survived=survived)
    for run in RUNS:
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            kills = KILLS if number == signal.SIGKILL else KILLS // 6
            yield kill(undisturbed, run, number, kills, seed)
    for run in RUNS:
        yield starve(undisturbed, run)

    generator = np.random.default_rng(seed)
    moments = iter(lambda: float(generator.uniform(0, seconds)), None)
    for kind in FAULTS:
        yield campaign(twin, kind, repros, expected, moments)


if __name__ == "__main__":
    main(sys.argv[1:])
