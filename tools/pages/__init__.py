"""Writes the documentation's pages that are made of the code: primitives, names, notebooks.

`docs/conf.py` calls `write_pages` before each build. What it writes is not kept in git.
"""

import shutil
from pathlib import Path

from tools.pages.files import ROOT, fresh, write
from tools.pages.primitives import write_primitives
from tools.pages.reference import write_reference


def write_pages(docs: Path) -> None:
    """All generated pages, below the folder of the documentation."""
    write_primitives(docs / "primitives")
    write_notebooks(docs / "notebooks")
    write_reference(docs / "reference")


def write_notebooks(folder: Path) -> None:
    """Copies of the notebooks as they are saved, and their index."""
    fresh(folder)
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in found:
        shutil.copy(path, folder / path.name)
    write(
        folder / "index.md",
        *("# The course", "", "Eleven notebooks, each with exercises that check themselves.", ""),
        *("```{toctree}", ":maxdepth: 1", *[path.stem for path in found], "```"),
    )
