"""Labels of any kind in pages, pictures and formulas: text that is read, and nothing else.

DOT and SVG are in test_graph_dot.py; here are the pages, held against real parsers and a browser.
"""

import json
import shutil
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import Scope, Value
from nn.layers import Dense
from nn.models import Sequential

HOSTILE = [
    "</script><script>alert(1)</script>", "<!--<script>", "<img src=x onerror=alert(1)>", "]]>",
    "javascript:alert(1)", "&#x6A;avascript:alert(1)", "<a href='javascript:alert(1)'>x</a>",
    '" onmouseover="alert(1)', "' onfocus='alert(1)' autofocus='", "URL=http://example.org",
    "<svg onload=alert(1)>", "<base href=//example.org>", "<style>@import'//example.org'</style>",
    "\\N \\G \\L \\E \\T", "\\", '"', "$script ${data} {{x}}", "a\u2028b\u2029c",
    "\x00\x07\x1b[31m",
    "\u202egnp.exe", "\u200b\ufeff", "\ud800", "\udfff", "\U0010ffff", "עברית", "日本語", "%s%n",
    "__proto__", "constructor", "toString", "x" * 1000,
]  # fmt: skip
texts = st.text(st.characters(codec=None), min_size=1, max_size=40) | st.sampled_from(HOSTILE)
many = st.lists(texts, min_size=3, max_size=6)


class Parts(HTMLParser):
    """The elements of a page with their attributes, and the text of its data."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements:
            tag, attributes = self.elements[-1]
            key = attributes.get("type") or tag
            self.text[key] = self.text.get(key, "") + data

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]


def explored(labels: list[str]) -> Any:
    nodes = []
    for label in labels:
        y = Value(2.0, Scope(f"{label}.w")) * Value(3.0, label)
        y.label = Scope(label)
        nodes.append(y)
    return autograd.explore(autograd.total([*nodes, Value(1.0, labels[0])]))


def filmed(names: list[str]) -> nn.Film:
    model = Sequential([Dense(1, input_dim=2, name=names[0], activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", compiled=False)
    xs, ys = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 1])
    data = nn.DataSet(xs, ys, (names[1], names[2]), (names[0], names[-1]))
    return nn.film(model, data, epochs=1, frames=2, title=names[1])


def check_page(page: str, plain: str) -> Any:
    """Its elements and attributes are those of a page of plain names. Gives the data inside it."""
    parts, expected = Parts(page), Parts(plain)
    assert parts.shape == expected.shape
    page.encode()  # which a lone surrogate would not let through
    return json.loads(parts.text["application/json"])


@pytest.fixture(scope="module")
def plain_pages() -> tuple[str, str]:
    return explored(["a", "b", "c"]).html, filmed(["a", "b", "c"]).html


@settings(max_examples=15)
@given(many)
@example(HOSTILE[:6])
@example(HOSTILE[6:14])
@example(HOSTILE[14:22])
@example(HOSTILE[22:])
def test_the_explorers_page_is_that_of_plain_labels(
    plain_pages: tuple[str, str], labels: list[str]
) -> None:
    """No element and no attribute comes of a label; in its data the label is found again."""
    page = explored(labels)
    data = check_page(page.html, plain_pages[0])
    assert data == page.data
    names = {node["name"] for node in data["nodes"]}
    for label in labels:
        if label.isprintable() and label.isascii() and len(label) <= 80 and "." not in label:
            assert any(label in name for name in names)


@settings(max_examples=6)
@given(many)
@example(HOSTILE[:6])
@example(HOSTILE[14:22])
@example(HOSTILE[20:25])
def test_the_films_page_is_that_of_plain_names(
    plain_pages: tuple[str, str], names: list[str]
) -> None:
    """Likewise of the title, the classes, the features and a layer."""
    film = filmed(names)
    data = check_page(film.html, plain_pages[1])
    assert data == film.data
    inside = Parts(film._repr_html_())
    assert [tag for tag, _ in inside.elements] == ["iframe"]
    assert inside.elements[0][1]["srcdoc"] == film.html
    film._repr_html_().encode()


@settings(max_examples=15)
@given(many)
@example(HOSTILE)
def test_pictures_in_notebooks_are_inert(labels: list[str]) -> None:
    """The SVG of a picture, and the formulas, hold text: no element that loads or runs."""
    leaves = [Value(1.5, label) for label in labels[:6]]
    root = autograd.total([v * v for v in leaves])
    svg = ET.fromstring(autograd.draw(root)._repr_svg_())
    for element in svg.iter():
        assert element.tag.rpartition("}")[2] not in ("script", "a", "image", "foreignObject")
        assert not any(name.startswith("on") or "href" in name for name in element.attrib)
    root.backward()
    latex = autograd.explain(root, leaves[0])._repr_latex_() or ""
    assert "\\href" not in latex
    assert not set("<>") & set(latex)


def test_a_browser_shows_the_names_and_does_nothing_else(tmp_path: Path) -> None:
    """In Chromium: no dialog, no request, no error, no element of a label's; the text is there."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no chromium on the PATH")
    pages = {
        "explorer": explored(HOSTILE[:20]).save(tmp_path / "explorer.html"),
        "film": filmed([HOSTILE[2], HOSTILE[0], HOSTILE[7], HOSTILE[10]]).save(tmp_path / "f.html"),
    }
    svg = tmp_path / "p.svg"
    autograd.draw(autograd.total([Value(1.0, label) for label in HOSTILE])).save(svg)
    happened: list[str] = []
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(
            executable_path=chromium, headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        for name, path in {**pages, "picture": svg}.items():
            page = browser.new_page(offline=True)
            page.on("dialog", lambda d: happened.append(f"dialog {d.message}"))
            page.on("console", lambda m: happened.append(f"console {m.text}"))
            page.on("pageerror", lambda e: happened.append(f"error {e}"))
            page.on("request", lambda r: r.url.startswith("file:") or happened.append(r.url))
            page.goto(path.as_uri())
            for key in ("ArrowRight", "Tab", "Tab", "Enter", "Tab", "Space"):
                page.keyboard.press(key)
            strange = page.evaluate(
                """[...document.querySelectorAll('*')].filter(e =>
                    ['A', 'IMG', 'BASE', 'IFRAME', 'OBJECT'].includes(e.tagName.toUpperCase())
                    || [...e.attributes].some(a => /^on|href|src$/i.test(a.name))
                ).map(e => e.outerHTML)"""
            )
            assert strange == [], name
            text = page.evaluate("document.documentElement.textContent")
            assert (HOSTILE[2] if name != "film" else HOSTILE[0]) in text, name
            page.close()
        browser.close()
    assert happened == []
