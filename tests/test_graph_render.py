"""Layout with and without the `dot` program, and saving."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from networks import neuron, squared_error

from autograd import RenderError
from autograd.graph import draw
from autograd.graph.drawing import Drawing

STARTS = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}


@pytest.fixture
def drawing() -> Drawing:
    return draw(squared_error(2, 2, 1))


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing here"))


@pytest.mark.parametrize("suffix", STARTS)
def test_save_with_the_program(drawing: Drawing, suffix: str, tmp_path: Path) -> None:
    """The suffix chooses the format; the path comes back."""
    path = drawing.save(tmp_path / f"graph.{suffix.upper()}")
    assert path.read_bytes().startswith(STARTS[suffix])


@pytest.mark.parametrize("suffix", STARTS)
@pytest.mark.usefixtures("no_program")
def test_save_without_the_program(drawing: Drawing, suffix: str, tmp_path: Path) -> None:
    """pygraphviz alone, as `pip install` brings it, draws every format."""
    assert drawing.save(tmp_path / f"graph.{suffix}").read_bytes().startswith(STARTS[suffix])


@pytest.mark.usefixtures("no_program")
def test_both_engines_draw_the_same_graph(
    drawing: Drawing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same nodes, edges and frames, whichever engine lays them out."""

    def titles(svg: str) -> list[str]:
        return sorted(
            e.text or "" for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")
        )

    without = draw(squared_error(2, 2, 1)).svg
    monkeypatch.undo()
    assert titles(without) == titles(drawing.svg)
    assert len(titles(without)) == 21 + 22 + 5 + 1


@pytest.mark.usefixtures("no_program")
def test_neither_program_nor_package(drawing: Drawing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install, and carries the DOT text."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderError, match=r"pip install 'pygraphviz>=2\.0\.4'") as e:
        _ = drawing.svg
    assert e.value.dot == drawing.dot


@pytest.mark.parametrize("suffix", ["dot", "gv"])
@pytest.mark.usefixtures("no_program")
def test_dot_text_needs_no_layout(
    drawing: Drawing, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DOT is written where nothing could lay it out."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    path = drawing.save(str(tmp_path / f"graph.{suffix}"))
    assert path.read_text(encoding="utf-8") == drawing.dot


def test_save_says_which_suffixes_there_are(drawing: Drawing, tmp_path: Path) -> None:
    """An unknown suffix, or none, is an error that names those allowed."""
    for name in ("graph.jpg", "graph"):
        with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.gv, but got .*graph"):
            drawing.save(tmp_path / name)


def test_save_into_a_missing_folder(drawing: Drawing, tmp_path: Path) -> None:
    """The error names the folder; nothing is created."""
    with pytest.raises(FileNotFoundError, match=r"there is no .*missing"):
        drawing.save(tmp_path / "missing" / "graph.svg")
    assert list(tmp_path.iterdir()) == []


def test_jupyter_shows_the_svg() -> None:
    """The object shows itself, and its repr says what there is to do with it."""
    drawing = draw(neuron())
    assert ET.fromstring(drawing._repr_svg_()).tag.endswith("svg")
    assert repr(drawing).startswith("<Drawing of 6 nodes and 5 edges: .save(")
