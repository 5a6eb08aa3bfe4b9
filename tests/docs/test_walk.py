"""docs/walk.md lists the functions that a real batch and a real score go through, in order."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import pipeline
from pipeline.core import paths
from pipeline.core.records import CorpusScores, DevScore, RunScores
from pipeline.encoder.batches import Batch, Chosen, TokenExamples
from pipeline.encoder.kernels import kernels_on
from pipeline.evaluation.scores import evaluate_run
from pipeline.heads.examples import open_examples, open_model
from pipeline.heads.metrics import Score
from pipeline.plumbing.params import load_params
from pipeline.reporting.gathering import gather
from pipeline.reporting.reading import read_outcome
from pipeline.reporting.results import Outcome, Result
from pipeline.reporting.tables import table3_page
from pipeline.tokens.token_cache import TokenizedSplit
from pipeline.training.loop import Trainer, plan_of
from tests.torture.repository import ROOT, Repository

SOURCE = Path(pipeline.__file__).parent
ROW = re.compile(r"\| `([\w.]+)` \| \[`[\w/.]+`\]\(\.\./pipeline/([\w/.]+)\)")
Place = tuple[str, str]  # a file and the name of a function
# they would do the same with any array or text
ANY_DATA = (
    *("core/arrays.py", "core/files.py", "core/records.py"),
    *("encoder/dropout.py", "encoder/thread_order.py", "reporting/markdown.py"),
)
LOSS = ("heads/model.py", "loss_of")
TABLE = ("reporting/tables.py", "table3_page")
PROPERTIES = {
    each.fget.__code__
    for kind in (TokenizedSplit, Result)
    for each in vars(kind).values()
    if isinstance(each, property)
}
RUN = "multitask-finetune"
CPU = torch.device("cpu")


def has_examples(value: object) -> bool:
    """Return whether a value consists of examples: arrays, or objects that contain them."""
    if isinstance(value, dict):
        return any(map(has_examples, value.values()))
    if isinstance(value, list | tuple):
        return any(map(has_examples, value))
    return isinstance(value, np.ndarray | Tensor | Batch | Chosen | TokenizedSplit | TokenExamples)


def score_finder(scored: CorpusScores) -> Callable[[object], bool]:
    """Return a function that says whether a value holds a score, as a number or in its cell."""
    cell = f"[{scored.ci_low:.3f}, {scored.ci_high:.3f}]"

    def has_score(value: object) -> bool:
        if isinstance(value, Score):
            return value.value == scored.score
        if isinstance(value, dict):
            return any(map(has_score, value.values()))
        if isinstance(value, list):
            return any(map(has_score, value))
        if isinstance(value, str):
            return cell in value
        return isinstance(value, DevScore | RunScores | Outcome)

    return has_score


@contextmanager
def followed(note: Callable[[Place, FrameType, str, Any], None]) -> Iterator[None]:
    """Pass on the calls and returns of our functions, without what the page leaves out."""

    def passed_on(frame: FrameType, event: str, returned: Any) -> None:
        code, path = frame.f_code, Path(frame.f_code.co_filename)
        if path.suffix != ".py" or not path.is_relative_to(SOURCE) or code in PROPERTIES:
            return
        file, name = str(path.relative_to(SOURCE)), code.co_qualname.removesuffix(".__init__")
        if file not in ANY_DATA and "<" not in name:
            note((file, name), frame, event, returned)

    sys.setprofile(passed_on)
    try:
        yield
    finally:
        sys.setprofile(None)


def arguments(frame: FrameType) -> list[object]:
    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    return [frame.f_locals.get(name) for name in names if name != "self"]


def batch_follower(found: dict[Place, bool]) -> Callable[..., None]:
    """Return what notes the functions called up to the loss, and whether they have examples."""
    layers: list[FrameType] = []  # the one whose inside is passed over

    def note(place: Place, frame: FrameType, event: str, returned: Any) -> None:
        if event == "return" and layers == [frame]:
            layers.clear()
        if layers or found.get(LOSS):
            return
        found[place] = found.get(place, False) or has_examples([*arguments(frame), returned])
        if event == "call" and place[1].endswith("Layer.forward"):
            layers.append(frame)

    return note


def score_follower(found: dict[Place, bool], scored: CorpusScores) -> Callable[..., None]:
    """Return what notes the functions that return a score or write it, up to Table 3."""
    has_score = score_finder(scored)

    def note(place: Place, frame: FrameType, event: str, returned: Any) -> None:
        if event != "return" or TABLE in found:
            return
        if place[1] == "Record.write":
            returned = frame.f_locals["self"]
        if has_score(returned):
            found[place] = True

    return note


@pytest.mark.slow
def test_a_batch_goes_through_the_functions_on_the_page(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.folder)
    params = load_params()
    several = params.run("multitask-finetune")
    run = several.model_copy(update={"batch_size": {"sts": 4}, "idle_heads": None})
    found: dict[Place, bool] = {}
    with followed(batch_follower(found)):
        train = open_examples(run, "train", CPU)
    model = open_model(run, train, kernels_on(CPU, params.speed.forward), paths.BACKBONE)
    trainer = Trainer(model, train, open_examples(run, "dev", CPU), plan_of(params, run))
    trainer.model.train()
    with followed(batch_follower(found)):
        trainer.step(*trainer._turns()[0])
    check_page(found, "## From a batch", most_files=9)


def check_page(found: dict[Place, bool], heading: str, most_files: int) -> None:
    """Compare the functions that have what is followed with a table of the page."""
    page = (ROOT / "docs/walk.md").read_text(encoding="utf-8")
    (section,) = (part for part in re.split(r"(?m)^(?=#)", page) if part.startswith(heading))
    listed = [(file, name) for name, file in ROW.findall(section)]
    assert [called for called, has_some in found.items() if has_some] == listed
    assert len(listed) <= 20
    assert len({file for file, _ in listed}) <= most_files


@pytest.mark.slow
def test_a_score_goes_through_the_functions_on_the_page(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.folder)
    params = load_params()
    scored = RunScores.read(paths.scores_json(RUN)).corpora["sst"]
    found: dict[Place, bool] = {}
    with followed(score_follower(found, scored)):
        evaluate_run(params, RUN, paths.run_dir(RUN), paths.BACKBONE)
        outcome = read_outcome(params, {}, gather(params, {}, tmp_path))
        table3_page(params, outcome)
    check_page(found, "## From a score", most_files=7)
