"""The documentation: `make docs`, then open build/docs/index.html. It needs no network."""

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the pages are made of the table itself

project = "glassgrad"
html_title = "glassgrad"
extensions = ["myst_nb", "sphinx-mathjax-offline", "sphinx.ext.githubpages"]
exclude_patterns = ["README.md"]
html_theme = "furo"
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1B62B5", "color-brand-content": "#1B62B5"},
    "dark_css_variables": {"color-brand-primary": "#7FB2F0", "color-brand-content": "#7FB2F0"},
}
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the notebooks are shown as they are saved; the tests run them
nb_merge_streams = True
suppress_warnings = [
    "mystnb.unknown_mime_type",  # a page of its own in a notebook's output has a picture beside it
]


def setup(app: Any) -> None:
    """Write the pages that are made of the table, of docstrings and of the notebooks."""
    from tools.pages import write_pages

    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
    app.connect("source-read", _link_to_copies)


def _link_to_copies(app: Any, name: str, content: list[str]) -> None:
    """In the repository the notebooks stand beside docs/, on the site below it."""
    content[0] = content[0].replace("](../notebooks/", "](notebooks/")
