"""Outs of a run that is left out for want of a corpus: DVC wants them, and nothing reads them."""

import logging

from pipeline import paths
from pipeline.files import replacing_folder, write_json, write_record, write_text
from pipeline.schemas import INPUTS

log = logging.getLogger(__name__)


def write_no_inputs(run: str) -> None:
    """Write that a run reads nothing."""
    files: dict[str, dict[str, str]] = {"files": {}, "files_of_other_encoding": {}}
    write_record(paths.inputs_json(run), INPUTS, {"run": run, "pair_encoding": None, **files})


def write_no_training(run: str, reason: str) -> None:
    """Write why a run is not trained in the place of weights, history and summary."""
    log.info("%s is left out: %s", run, reason)
    folder = paths.run_dir(run)
    write_text(paths.run_weights(folder), f"left out: {reason}\n")
    write_text(paths.run_history(folder), f"left out: {reason}\n")
    write_json(paths.run_summary(folder), {"left_out": reason})


def write_no_scores(run: str, reason: str) -> None:
    """Write why a run is not scored in the place of scores and predictions."""
    write_json(paths.scores_json(run), {"left_out": reason})
    with replacing_folder(paths.predictions_dir(run)) as folder:
        write_text(folder / "left-out.txt", f"left out: {reason}\n")
