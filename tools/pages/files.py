"""Where the generated pages go."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def fresh(folder: Path) -> Path:
    """The folder, empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write(path: Path, *lines: str) -> None:
    """A page of these lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
