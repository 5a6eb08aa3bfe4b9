"""The long campaign: `make torture`.

Writes reports/torture.md; ends with status 1 if a fault was not survived.
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

from pipeline.backbone import fetch_backbone
from pipeline.device import choose_device, device_name
from pipeline.files import write_text
from torture.backbone import write_tiny_backbone
from torture.disturbances import FAULTS, campaign, results_of
from torture.kills import Launcher, Tally
from torture.page import page
from torture.repository import Repository, small_repository
from torture.starvation import starve

log = logging.getLogger("torture")

PAGE = Path("reports/torture.md")
EPOCHS = {"pretrain": 3, "finetune": 3}
RUNS = ("sst-pretrain", "multitask-pretrain", "quora-finetune", "multitask-finetune")
BACKBONE = "all-MiniLM-L6-v2"  # whose tokenizer the tiny one uses


def main(argv: list[str]) -> None:
    """Run every part, and write the page."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="of each run and signal")
    parser.add_argument("--faults", type=int, default=5, help="of each kind, in whole `dvc repro`s")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s  %(message)s")
    # a shell lets what it runs in the background ignore Ctrl-C; what is tortured must not
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="minbert-torture-") as name:
        tallies = list(_campaigns(Path(name).resolve(), arguments))
    method = {
        "seed": str(arguments.seed),
        "device": device_name(choose_device("auto")),
        "torch": torch.__version__,
        "platform": sys.platform,
    }
    write_text(PAGE, page(tallies, method))
    log.info("wrote %s", PAGE)
    if any(tally.wrong for tally in tallies):
        sys.exit(1)


def _campaigns(folder: Path, arguments: argparse.Namespace) -> Iterator[Tally]:
    """Yield what became of each kind of fault."""
    backbone = folder / "backbone"
    fetch_backbone(BACKBONE, folder / BACKBONE)
    backbone.mkdir()
    write_tiny_backbone(backbone, folder / BACKBONE / "tokenizer.json")

    undisturbed = _repository(folder / "undisturbed", backbone)
    started = time.monotonic()
    undisturbed.repro()
    seconds = time.monotonic() - started
    expected = results_of(undisturbed)
    log.info("an undisturbed `dvc repro` takes %.0f s", seconds)

    again = Tally("none: a second clone", "dvc repro", injected=1)
    twin = _repository(folder / "twin", backbone)
    twin.repro()
    again.survived = int(results_of(twin) == expected)
    yield _told(again)

    with Launcher(undisturbed) as launcher:
        for run in RUNS:
            for number in ("SIGKILL", "SIGTERM", "SIGINT"):
                kills = arguments.kills if number == "SIGKILL" else arguments.kills // 6
                yield _told(launcher.kill(run, number, kills, arguments.seed))
    for run in RUNS:
        yield _told(starve(undisturbed, run))

    generator = np.random.default_rng(arguments.seed)
    moments = iter(lambda: float(generator.uniform(0, seconds)), None)
    for kind in FAULTS:
        yield _told(campaign(twin, kind, arguments.faults, expected, moments))


def _repository(folder: Path, backbone: Path) -> Repository:
    folder.mkdir()
    small = small_repository(folder, backbone, EPOCHS)
    small.set(checkpoints__every_steps=2)
    return small


def _told(tally: Tally) -> Tally:
    log.info("%s, %s: %d of %d", tally.fault, tally.what, tally.survived, tally.injected)
    for told in tally.wrong:
        log.error("%s", told)
    return tally


if __name__ == "__main__":
    main(sys.argv[1:])
