"""The promises of docs/guarantees.md about security that can be checked in the source.

No unpickling, no evaluation, no shell, no unpacking of archives, downloads in one module: ruff
rejects anything else, by its own rules (S) and by those in pyproject.toml (TID251).
"""

import json
import os
import re
import stat
import subprocess
from copy import deepcopy
from pathlib import Path

import pytest

from pipeline.core.yaml12 import read_yaml
from pipeline.errors import ParamsError
from pipeline.launch.environment import use_own_index
from pipeline.plumbing.params import Params, checked
from tests.params import RAW, ROOT

IMPORTS = """
import importlib, os, shutil, subprocess, zipfile
import numpy as np, pandas as pd, torch as t, yaml
from os import popen as p
from subprocess import Popen
"""
REFUSED = """
import pickle
import cloudpickle as harmless
from joblib import load as get
import marshal
import shelve
from dill.session import load_session
import tarfile
import requests
import urllib.request
from http import client
import socket
importlib.import_module("pickle")
eval("1")
exec("1")
t.load("x")
t.load("x", weights_only=True)
from torch import load
t.save({}, "x")
np.load("x", allow_pickle=True)
pd.read_pickle("x")
subprocess.run("x", shell=True)
Popen("x", shell=True)
subprocess.getoutput("x")
os.system("x")
p("x")
yaml.load("x")
yaml.load("x", Loader=yaml.Loader)
yaml.unsafe_load("x")
shutil.unpack_archive("x")
"""
ACCEPTED = """
t.nn.Linear(1, 1).eval()
yaml.load("x", Loader=yaml.SafeLoader)
zipfile.ZipFile("x").open("our_name")
import pickletools
"""
SECURITY = re.compile(r"TID251|S102|S30\d|S5\d\d|S60[245]")


def refused(source: str) -> set[int]:
    """Return the lines that ruff rejects in a module of ours for what they run or fetch."""
    command = ["ruff", "check", "--no-cache", "--output-format=json", "--stdin-filename"]
    done = subprocess.run(
        [*command, "pipeline/encoder/new.py", "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    return {row["location"]["row"] for row in found if SECURITY.fullmatch(row["code"])}


def test_ruff_rejects_code_that_executes_data_or_bypasses_the_download_module() -> None:
    before = IMPORTS.count("\n")
    lines = range(before + 2, before + 1 + len(REFUSED.splitlines()))
    assert set(lines) <= refused(IMPORTS + REFUSED)
    assert refused(ACCEPTED) == set()


def test_no_module_unpacks_archives_or_is_exempt_from_these_rules() -> None:
    folders = ("pipeline", "stages", "benchmarks")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text()
        assert not re.search(r"\.(extract|extractall|to_pickle)\(|__import__", text), path
        assert not re.search(r"noqa: .*(TID251|S301|S307|S102|S506|S602)", text), path


def test_only_names_checked_by_params_reach_dvcs_shell() -> None:
    stages = read_yaml(ROOT / "dvc.yaml")["stages"].values()
    commands = "\n".join(stage.get("do", stage)["cmd"] for stage in stages)
    assert set(re.findall(r"\$\{.*?\}", commands)) == {
        "${item}",  # a corpus, listed in dvc.yaml
        "${key}",  # a run or a trial
    }


@pytest.mark.parametrize(
    "name", ["sst; touch marker", "$(touch marker)", "a b", "-c", "a\nb", "../a"]
)
def test_names_cannot_contain_special_characters_of_a_shell(name: str) -> None:
    params = deepcopy(RAW)
    for section in ("profiles", "runs", "configurations"):
        params[section][name] = next(iter(params[section].values()))
    with pytest.raises(ParamsError) as refused:
        checked(Params, params, "params.yaml")
    assert str(refused.value).count("a name may contain only a-z, 0-9 and single '-'") == 3


def test_make_keeps_dvcs_pickles_in_a_folder_only_for_their_owner(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["make", "--dry-run", "--no-print-directory", "repro"]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == "python -m pipeline repro"
    monkeypatch.setattr(os, "environ", {})
    use_own_index()
    assert list(here.iterdir()) == []  # what is no DVC repository does not become one
    (here / ".dvc").mkdir()
    use_own_index()
    index = Path(os.environ["DVC_SITE_CACHE_DIR"])
    assert index == here / ".dvc" / "tmp" / "site"
    assert stat.S_IMODE(index.stat().st_mode) == 0o700
