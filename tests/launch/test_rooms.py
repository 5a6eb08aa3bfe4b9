"""The picture of the rooms is read from the imports."""

from pathlib import Path

from pipeline.launch.rooms import room_imports, rooms_picture, without_detours


def test_an_arrow_that_others_imply_is_left_out() -> None:
    imports = {"top": {"middle", "bottom"}, "middle": {"bottom"}, "bottom": set[str]()}
    assert without_detours(imports) == {"top": {"middle"}, "middle": {"bottom"}, "bottom": set()}


def test_imports_are_read_wherever_they_are(tmp_path: Path) -> None:
    for room, text in {
        "heads": "def late():\n    from pipeline.encoder.bert import MinBert\n",
        "encoder": "import pipeline.core.files\nfrom pipeline import errors\nimport torch\n",
        "core": "from pipeline.core.files import md5_of\n",
    }.items():
        (tmp_path / "pipeline" / room).mkdir(parents=True)
        (tmp_path / "pipeline" / room / "__init__.py").touch()
        (tmp_path / "pipeline" / room / "module.py").write_text(text)
    (tmp_path / "pipeline/cli.py").write_text("from pipeline.heads import module\n")
    imports = {"cli": {"heads"}, "heads": {"encoder"}, "encoder": {"core"}, "core": set[str]()}
    assert room_imports(tmp_path) == imports | {"stages": set()}
    assert rooms_picture(tmp_path) == (
        "flowchart TB\n    cli --> heads\n    encoder --> core\n    heads --> encoder\n"
    )
