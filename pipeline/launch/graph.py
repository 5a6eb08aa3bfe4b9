"""What `make graph` writes: the lists of dvc.yaml, the pictures and the page of params in docs/."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.core.yaml12 import parse_yaml
from pipeline.launch import params_page
from pipeline.launch.lists import watching, written
from pipeline.launch.rooms import rooms_picture
from pipeline.plumbing.params import RunParams, load_params
from pipeline.plumbing.trials import load_trials

STAGES_PAGE = Path("docs/stages.md")
ROOMS_PAGE = Path("docs/architecture.md")
PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def picture(text: str, runs: Mapping[str, RunParams]) -> str:
    """Return the graph of dvc.yaml for mermaid, one node for all stages of a kind.

    Args:
        text: of dvc.yaml.
        runs: those of params.yaml.
    """
    graph = parse_yaml(written(text, runs, trials=["*"]))  # one stands for all
    stages = {name: stage.get("do", stage) for name, stage in graph["stages"].items()}
    makers = {
        _kind(out, runs): name
        for name, body in stages.items()
        for out in body.get("outs", [])
        if isinstance(out, str)
    }
    arrows = [
        (makers[out], name)
        for name, body in stages.items()
        for dep in body["deps"]
        for out in makers
        if Path(_kind(dep, runs)).is_relative_to(out)
    ]
    lines = [f"    {before} --> {after}" for before, after in dict.fromkeys(arrows)]
    return "\n".join(["flowchart LR", *lines]) + "\n"


def _kind(path: str, runs: Iterable[str]) -> str:
    """Put a star for the corpus, set of features, run or trial in a path."""
    path = re.sub(r"\$\{(item|key|item\.run)\}", "*", path)
    names = "|".join([*CORPORA, *FEATURE_SETS, *runs])
    return re.sub(rf"(?<=/)({names})(?=[/.]|$)", "*", path)


def write_graph() -> None:
    """Bring dvc.yaml and the generated parts of docs/ up to date, in the current folder."""
    params = load_params()
    text = paths.DVC_YAML.read_text(encoding="utf-8")
    text = watching(written(text, params.all_runs, load_trials(params)), params.active.corpora)
    write_text(paths.DVC_YAML, text)
    if STAGES_PAGE.is_file():
        _draw(STAGES_PAGE, picture(text, params.all_runs))
        _draw(ROOMS_PAGE, rooms_picture(Path()))
        params_page.write_page(parse_yaml(text))


def _draw(page: Path, shown: str) -> None:
    """Put a picture into its place on a page."""
    write_text(page, PICTURE.sub(lambda _: shown, page.read_text("utf-8"), count=1))
