"""The rooms of the code and what they import from each other: docs/architecture.md."""

import ast
from collections.abc import Mapping
from pathlib import Path

TOP = ("stages", "cli")  # they start everything, and nothing imports from them


def room_imports(root: Path) -> dict[str, set[str]]:
    """Return the other rooms that each room imports from, read from the source.

    Args:
        root: the repository.
    """
    rooms = [path.parent.name for path in sorted((root / "pipeline").glob("*/__init__.py"))]
    files = {room: [*(root / "pipeline" / room).rglob("*.py")] for room in rooms}
    files |= {"stages": [*(root / "stages").glob("*.py")], "cli": [root / "pipeline/cli.py"]}
    return {
        room: {name for path in paths for name in _imported(path)} & set(rooms) - {room}
        for room, paths in files.items()
    }


def _imported(path: Path) -> set[str]:
    """Return the rooms that a file imports from, inside functions, too."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    parts = [module.split(".") for module in modules]
    return {names[1] for names in parts if names[0] == "pipeline" and len(names) > 1}


def without_detours(imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Drop each arrow whose end can also be reached through another room."""

    def reachable(room: str) -> set[str]:
        return imports[room].union(*(reachable(other) for other in imports[room]))

    return {
        room: others - set[str]().union(*(reachable(other) for other in others))
        for room, others in imports.items()
    }


def rooms_picture(root: Path) -> str:
    """Return the rooms and their imports for mermaid, from the top down."""
    arrows = without_detours(room_imports(root))
    lines = [
        f"    {room} --> {other}"
        for room in (*TOP, *sorted(arrows.keys() - set(TOP)))
        for other in sorted(arrows[room])
    ]
    return "\n".join(["flowchart TB", *lines]) + "\n"
