"""Film: what was filmed, as one page that needs nothing else."""

import json
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any, final

from autograd import write_file

PAGE = Path(__file__).parent / "page"
# What could end the script element, or a line of JavaScript, is written as JSON escapes it
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}
HEIGHT = 900  # pixels, in a notebook


@final
class Film:
    """A film of a training: shows itself in Jupyter; `save("film.html")` writes it.

    data: what the page shows, in JSON's types. html: the page, which needs no network.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    @property
    def html(self) -> str:
        page = {
            name: (PAGE / f"film.{name}").read_text(encoding="utf-8")
            for name in ("html", "css", "js")
        }
        title = self.data["title"].encode("utf-8", "backslashreplace").decode()  # lone surrogates
        data = json.dumps(self.data, allow_nan=False, separators=(",", ":"))
        return Template(page["html"]).substitute(
            title=escape(title),
            style=page["css"],
            style_hash=_hash(page["css"]),
            script=page["js"],
            script_hash=_hash(page["js"]),
            data=data.translate(ESCAPES),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page. Gives the path.

        Raises ValueError unless it ends in .html, and what `autograd.write_file` does.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"expected a path that ends in .html, but got {path}")
        write_file(path, self.html)
        return path

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts" '
            f'title="Film of a training" width="100%" height="{HEIGHT}" '
            'style="border: 0"></iframe>'
        )

    def __repr__(self) -> str:
        frames = self.data["frames"]
        return (
            f"<Film of {len(frames)} frames, epochs {frames[0]['epoch']} to "
            f"{frames[-1]['epoch']}: .save('film.html')>"
        )


def _hash(text: str) -> str:
    """What the page's security policy knows its own script and style by."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
