"""What explore() returns: the passes step by step, in a page of its own or in a notebook.

content.py says what the page is given, layout.py where it stands. The page is page.html, page.css
and the scripts; the notebook's widget runs the same scripts.
"""

import html
import json
from base64 import b64encode
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

from autograd.errors import MissingExtraError
from autograd.files import write_file
from autograd.graph.explorer.content import content
from autograd.value import Value

SCRIPTS = ("passes.js", "elements.js", "picture.js", "page.js")
HERE = Path(__file__).parent
FRAME_HEIGHT = 760  # pixels, of the page inside a notebook
# What could end the script element, or a line of JavaScript, is written as JSON escapes it
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


class Explorer:
    """The forward and the backward pass of a graph, to be stepped through; Jupyter shows it.

    data: what the page is given: nodes, modules and, for each way to fold them, a layout.
    html: the page: one file that needs nothing else, and no network.
    """

    def __init__(self, root: Value, limit: int) -> None:
        self.data = content(root, limit)

    @cached_property
    def html(self) -> str:
        script = f"\n{_script()}\nstartPage();\n"
        style = _part("page.css")
        title = f"Backpropagation of {self.data['nodes'][-1]['name']}"
        return Template(_part("page.html")).substitute(
            title=html.escape(title),
            script=script,
            script_hash=_hash(script),
            style=style,
            style_hash=_hash(style),
            graph=self.json,
        )

    @cached_property
    def json(self) -> str:
        """`data` as JSON that may stand inside a script element; nan and inf are strings."""
        return json.dumps(self.data, separators=(",", ":"), allow_nan=False).translate(ESCAPES)

    def save(self, path: str | Path) -> Path:
        """Write the page, an .html file. Gives the path.

        Raises ValueError for another suffix, and what `autograd.write_file` does.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"expected a path that ends in .html, but got {path}")
        write_file(path, self.html)
        return path

    def widget(self) -> Any:
        """A Jupyter widget that runs the page's own JavaScript. Raises MissingExtraError."""
        try:
            import anywidget
            import traitlets
        except ImportError as e:
            raise MissingExtraError("a widget needs anywidget: pip install anywidget") from e

        parts = {
            "_esm": _script(),
            "_css": _part("page.css"),
            "graph": traitlets.Unicode().tag(sync=True),
        }
        return type("ExplorerWidget", (anywidget.AnyWidget,), parts)(graph=self.json)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and the page in a frame for where there is none."""
        # No same origin: whatever a label might do, it could not reach the notebook
        page = (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts" title="Explorer" '
            f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 0"></iframe>'
        )
        bundle = {"text/plain": repr(self), "text/html": page}
        try:
            widget = self.widget()
        except MissingExtraError:
            return bundle
        data, metadata = widget._repr_mimebundle_(**kwargs)
        return bundle | {kind: x for kind, x in data.items() if kind != "text/plain"}, metadata

    def __repr__(self) -> str:
        return f"<Explorer of {len(self.data['nodes'])} nodes: .save('graph.html'), .html>"


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _script() -> str:
    return "\n".join([_part(name) for name in SCRIPTS])


def _hash(text: str) -> str:
    """What the page's security policy knows its own script and style by."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
