"""What the README promises under Security, as far as the source shows it.

Nothing unpickled, nothing evaluated, no shell, no archive unpacked, one place that fetches. The
checker reads the syntax tree, and every rule of it is shown to catch what it forbids.
"""

import ast
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ParamsError
from pipeline.launch.environment import use_own_index
from pipeline.params import load_params
from pipeline.trials import load_trials
from pipeline.yaml12 import as_yaml, read_yaml

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for package in ("pipeline", "stages", "benchmarks", "checks")
    for path in (ROOT / package).rglob("*.py")
)
# who alone may import what
ALONE = {
    "pipeline/pinned.py": {
        "urllib.request",
        "http.client",
        "socket",
        "requests",
        "httpx",
        "urllib3",
    },
    "pipeline/yaml12.py": {"yaml", "ruamel"},
}

# dask pickles what it sends to workers whatever we do; this says which module it sends whole
ACCEPTED = {"pipeline/launch/cluster.py": ["import of cloudpickle"]}
UNPICKLING_MODULES = {"pickle", "_pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "importlib.import_module",
    "asyncio.create_subprocess_shell",
    "os.popen",
    "os.system",
    "pandas.read_pickle",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "torch.jit.load",
    "torch.save",
    "yaml.full_load",
    "yaml.unsafe_load",
}
# whatever they are called on: an archive's own names and a frame's own pickles
FORBIDDEN_METHODS = {"extract", "extractall", "unpack_archive", "to_pickle"}
# a keyword that a call must spell out, with its only good value
REQUIRED_KEYWORDS = {
    "numpy.load": ("allow_pickle", False),
    "numpy.save": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
SAFE_LOADERS = {"SafeLoader", "CSafeLoader", "yaml.SafeLoader", "yaml.CSafeLoader"}


def problems_of(source: str) -> list[str]:
    """Return what a module does that no module may do, one entry a place."""
    tree = ast.parse(source)
    names = imported_names(tree)
    found = [
        f"import of {name}" for name in modules_of(tree) if is_inside(name, UNPICKLING_MODULES)
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += problems_of_call(node, full_name(node.func, names))
    return found


def modules_of(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of every module, or name inside one, that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_inside(name: str, modules: set[str]) -> bool:
    """Say whether a name is one of the modules or inside one."""
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Map what a module calls its imports to their full names."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """Spell out a dotted name; "" for what is neither imported nor a bare name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        root = node.value
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id in names:
            return f"{full_name(node.value, names)}.{node.attr}"
    return ""


def problems_of_call(call: ast.Call, name: str) -> Iterator[str]:
    """Yield what is wrong with one call of a function with this full name."""
    if name in FORBIDDEN_CALLS:
        yield f"call of {name}"
    method = call.func.attr if isinstance(call.func, ast.Attribute) else name.rpartition(".")[2]
    if method in FORBIDDEN_METHODS:
        yield f"call of {method}"
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in REQUIRED_KEYWORDS:
        keyword, good = REQUIRED_KEYWORDS[name]
        if not is_constant(keywords.get(keyword), good):
            yield f"{name} without {keyword}={good}"
    if "shell" in keywords and not is_constant(keywords["shell"], False):
        yield "a shell"
    if is_unsafe_yaml(call, name):
        yield f"{name} without a safe loader"


def is_unsafe_yaml(call: ast.Call, name: str) -> bool:
    """Say whether a call reads YAML that may name any Python object."""
    if name not in ("yaml.load", "yaml.load_all"):
        return False
    loaders = [k.value for k in call.keywords if k.arg == "Loader"] + call.args[1:2]
    return not loaders or ast.unparse(loaders[0]) not in SAFE_LOADERS


def is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(path: Path) -> None:
    problems = problems_of(path.read_text(encoding="utf-8"))
    assert problems == ACCEPTED.get(str(path.relative_to(ROOT)), [])


@pytest.mark.parametrize(("alone", "modules"), ALONE.items())
def test_one_module_alone_fetches_and_one_reads_yaml(alone: str, modules: set[str]) -> None:
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(is_inside(name, modules) for name in modules_of(ast.parse(path.read_text())))
    }
    assert found == {alone}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import pickle", "import of pickle"),
        ("import cloudpickle as harmless", "import of cloudpickle"),
        ("from joblib import load", "import of joblib.load"),
        ("def f():\n    from dill.session import load_session", "import of dill.session"),
        ("import marshal, shelve", "import of shelve"),
        ("import importlib\nimportlib.import_module('pickle')", "call of importlib.import_module"),
        ("__import__('pickle')", "call of __import__"),
        ("eval('1')", "call of eval"),
        ("exec(text)", "call of exec"),
        ("import torch\ntorch.load(path)", "torch.load without weights_only=True"),
        ("import torch\ntorch.load(path, weights_only=False)", "torch.load without"),
        ("import torch\ntorch.load(path, weights_only=flag)", "torch.load without"),
        ("from torch import load\nload(path)", "torch.load without"),
        ("import torch as t\nt.save(x, path)", "call of torch.save"),
        ("import numpy as np\nnp.load(path)", "numpy.load without allow_pickle=False"),
        ("import numpy as np\nnp.load(path, allow_pickle=True)", "numpy.load without"),
        ("import numpy as np\nnp.load(path, allow_pickle=0)", "numpy.load without"),
        ("from numpy import load as get\nget(path, None)", "numpy.load without"),
        ("import numpy as np\nnp.save(path, x)", "numpy.save without"),
        ("import pandas as pd\npd.read_pickle(path)", "call of pandas.read_pickle"),
        ("frame.to_pickle(path)", "call of to_pickle"),
        ("import subprocess\nsubprocess.run(text, shell=True)", "a shell"),
        ("from subprocess import Popen\nPopen(text, shell=flag)", "a shell"),
        ("import subprocess\nsubprocess.getoutput(text)", "call of subprocess.getoutput"),
        ("import os\nos.system(text)", "call of os.system"),
        ("from os import popen as p\np(text)", "call of os.popen"),
        ("import yaml\nyaml.load(text)", "yaml.load without a safe loader"),
        ("import yaml\nyaml.load(text, Loader=yaml.Loader)", "yaml.load without a safe loader"),
        ("import yaml\nyaml.load_all(text, yaml.FullLoader)", "yaml.load_all without"),
        ("from yaml import unsafe_load\nunsafe_load(text)", "call of yaml.unsafe_load"),
        ("import zipfile\nzipfile.ZipFile(p).extractall(to)", "call of extractall"),
        ("archive.extract(name)", "call of extract"),
        ("import shutil\nshutil.unpack_archive(path)", "call of unpack_archive"),
        ("from shutil import unpack_archive\nunpack_archive(path)", "call of unpack_archive"),
    ],
)
def test_the_checker_catches(source: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems_of(source))


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "import numpy as np\nnp.load(path, mmap_mode='r', allow_pickle=False)",
        "import torch\ntorch.load(path, weights_only=True)",
        "import subprocess\nsubprocess.run(['git'], check=True, shell=False)",
        "import yaml\nyaml.load(text, Loader=yaml.SafeLoader)",
        "import zipfile\nzipfile.ZipFile(path).open(OUR_NAME)",
        "import pickletools",
    ],
)
def test_the_checker_lets_pass(source: str) -> None:
    assert problems_of(source) == []


def commands(node: Any) -> Iterator[str]:
    """Yield every command of dvc.yaml, wherever it stands."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "cmd")
        for value in node.values():
            yield from commands(value)


def test_only_names_that_params_restricts_reach_the_shell_of_dvc() -> None:
    found = list(commands(read_yaml(ROOT / "dvc.yaml")))
    assert len(found) > 5
    assert {name for text in found for name in re.findall(r"\$\{.*?\}", text)} == {
        "${item}",  # a corpus, listed in dvc.yaml
        "${key}",  # a run or a trial
    }


@pytest.mark.parametrize(
    "name", ["sst; touch marker", "$(touch marker)", "a b", "-c", "a\nb", "../a"]
)
def test_a_run_cannot_be_called_what_a_shell_would_understand(name: str, tmp_path: Path) -> None:
    params = read_yaml(ROOT / "params.yaml")
    params["runs"][name] = params["runs"]["sst-finetune"]
    (tmp_path / "params.yaml").write_text(as_yaml(params), encoding="utf-8")
    with pytest.raises(ParamsError, match="a name may hold a-z, 0-9 and single '-' only"):
        load_params(tmp_path / "params.yaml")


def test_a_trial_is_called_by_what_it_is_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "trials.yaml"
    trial = "{run: sst-finetune, mode: finetune, seed: 1, changes: {}}"
    path.write_text(f'trials: {{"$(touch marker)": {trial}}}')
    with pytest.raises(ParamsError, match="must be called sst-finetune-seed1"):
        load_trials(load_params(ROOT / "params.yaml"), path)


def test_make_keeps_the_pickles_of_dvc_where_only_their_owner_enters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["make", "--dry-run", "--no-print-directory", "repro"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == "python -m pipeline repro"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    use_own_index()
    assert list(tmp_path.iterdir()) == []  # what is no DVC repository does not become one
    (tmp_path / ".dvc").mkdir()
    use_own_index()
    index = Path(os.environ["DVC_SITE_CACHE_DIR"])
    assert index == tmp_path / ".dvc" / "tmp" / "site"
    assert stat.S_IMODE(index.stat().st_mode) == 0o700
