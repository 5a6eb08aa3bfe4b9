"""`dvc plots` on a page that needs no network: DVC's own loads vega from a CDN."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.core import paths
from pipeline.core.files import write_text
from pipeline.errors import RevisionError
from pipeline.launch.revisions import WORKSPACE

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Plots</title>
<script>{libraries}</script>
<style>body {{ font-family: sans-serif; margin: 1rem }}</style>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def draw_plots(revisions: Sequence[str]) -> str:
    """Return a page with the plots of the workspace, or of several revisions in one.

    It holds vega, vega-lite and vega-embed.

    Raises:
        RevisionError: vl-convert is not installed, or a revision has nothing to draw.
    """
    with TemporaryDirectory() as folder:
        template = Path(folder) / "template.html"
        write_text(template, PAGE.format(libraries=_libraries()))
        command = ["diff", *revisions] if revisions else ["show"]
        options = ["--html-template", str(template), "--out", folder]
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "dvc", "plots", *command, *options],
            check=False,
            capture_output=True,
            text=True,
        )
        drawn = Path(folder) / "index.html"
        if done.returncode or not drawn.is_file():
            raise RevisionError(f"DVC cannot draw the plots: {_last_line(done.stderr)}")
        page = drawn.read_text(encoding="utf-8")
    for revision in revisions or [WORKSPACE]:
        if f'"rev": {json.dumps(revision)}' not in page:
            raise RevisionError(f"{revision} has no {paths.CURVES}; run `make repro` there")
    return page


def _libraries() -> str:
    """Return the JavaScript of vega, vega-lite and vega-embed."""
    try:
        from vl_convert import javascript_bundle
    except ImportError:
        raise RevisionError(
            "the page needs the package vl-convert-python; `make plots` installs it"
        ) from None
    return str(javascript_bundle(None))  # type: ignore[arg-type]  # all of it, says its text


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else "it says nothing"
