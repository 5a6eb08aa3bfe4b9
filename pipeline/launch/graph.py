"""`make graph`: updates the lists in dvc.yaml, and the figures and the page of params in docs/."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.core.tasks import CORPORA, FEATURE_SETS
from pipeline.core.yaml12 import parse_yaml
from pipeline.launch import params_page
from pipeline.launch.lists import watching, written
from pipeline.plumbing.params import RunParams, load_params
from pipeline.plumbing.trials import load_trials

STAGES_PAGE = Path("docs/stages.md")
ROOMS_PAGE = Path("docs/architecture.md")
PARAMS_PAGE = Path("docs/params.md")
PICTURE = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def picture(text: str, runs: Mapping[str, RunParams]) -> str:
    """Return the graph of a dvc.yaml as a Mermaid flowchart with one node per kind of stage."""
    graph = parse_yaml(written(text, runs, trials=["*"]))  # one trial stands for all
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
    """Replace the corpus, feature set, run or trial in a path with `*`."""
    path = re.sub(r"\$\{(item|key|item\.run)\}", "*", path)
    names = "|".join([*CORPORA, *FEATURE_SETS, *runs])
    return re.sub(rf"(?<=/)({names})(?=[/.]|$)", "*", path)


def rooms_picture() -> str:
    """Return the rooms of the code and their imports as a top-down Mermaid flowchart.

    It is the transitive reduction: an arrow that follows from others is left out.
    """
    import grimp  # `make graph` installs it; no stage needs it

    graph = grimp.build_graph("pipeline", "stages", cache_dir=None)
    folders = sorted(name for name in graph.find_children("pipeline") if graph.find_children(name))
    for folder in ("stages", *folders):
        graph.squash_module(folder)
    rooms = ["stages", "pipeline.cli", *folders]
    lines = [
        f"    {room} --> {other}".replace("pipeline.", "")
        for room in rooms
        for others in [graph.find_modules_directly_imported_by(room) & set(rooms)]
        for other in sorted(others)
        if not any(graph.chain_exists(third, other) for third in others - {other})
    ]
    return "\n".join(["flowchart TB", *lines]) + "\n"


def write_graph() -> None:
    """Update dvc.yaml and the generated parts of docs/ in the current folder."""
    params = load_params()
    text = paths.DVC_YAML.read_text(encoding="utf-8")
    text = watching(written(text, params.all_runs, load_trials(params)), params.active.corpora)
    write_text(paths.DVC_YAML, text)
    if STAGES_PAGE.is_file():
        _draw(STAGES_PAGE, picture(text, params.all_runs))
        _draw(ROOMS_PAGE, rooms_picture())
        page = params_page.page(paths.PARAMS.read_text("utf-8"), parse_yaml(text))
        write_text(PARAMS_PAGE, page)


def _draw(page: Path, shown: str) -> None:
    """Replace the Mermaid figure of a page."""
    write_text(page, PICTURE.sub(lambda _: shown, page.read_text("utf-8"), count=1))
