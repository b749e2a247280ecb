"""The notebooks: they run, they show what is committed, and their exercises check themselves."""

import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import matplotlib as mpl
import nbformat
import pytest

from tools.notebooks import executed, sources

SOURCES = sources()
NAMES = [source.stem for source in SOURCES]
# The exercises of the others, checked by nn.exercises, are answered in test_course.py
OWN_CHECKS = [s for s in SOURCES if "nn.exercises" not in s.read_text(encoding="utf-8")]

# For each exercise a wrong and a right answer, as the learner would write it
ANSWERS = {
    "grad_of_a": ("4.0", "0.5"),
    "grad_of_s": ("6.0", "7"),
    "grad_of_w": ("2", "6.0"),
    "your_order": ("[q, o, p, n, m]", "[q, p, o, n, m]"),
    "for_or": ("(1, 1, -1.5)", "(1, 1, -0.5)"),
    "for_nand": ("(1, 1, -1.5)", "(-1, -1, 1.5)"),
    "for_output": ("(1, 1, -0.5)", "(1, 1, -1.5)"),
    "hidden_neurons": ("1", "3"),
    "numbers": ("32", "33"),
    "first_epoch": ("36", "40"),
    "keep": ("4", "3"),
    "hidden_for_ring": ("4", "3"),
    "numbers_64_20_10": ("1500", "1510"),
    "loss_of_the_8": ("0.2", "1.61"),
    "precision_of_1": ("0.75", "0.6"),
    "window": ("[[-1, 0, 1]] * 3", "[[-1, -1, -1], [0, 0, 0], [1, 1, 1]]"),
    "remaining": ("5", "3"),
    "compilable": ('{"a", "b", "c"}', '{"a", "c"}'),
    "your_half_line": ("lambda x: max(x, 0.0)", "lambda x: autograd.maximum(x, 0.0)"),
    "more_loops": ('"thousands"', '"a few"'),
}
BLANK = re.compile(r"^(\w+) = \.\.\.$", re.MULTILINE)


def shown(notebook: Any) -> list[Any]:
    """What each cell shows: texts as they are, pictures by their kind."""
    return [
        [
            output.get("text")
            or (output.output_type, sorted(output.data), output.data["text/plain"])
            for output in cell.get("outputs", [])
        ]
        for cell in notebook.cells
    ]


def cells(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_there_are_notebooks() -> None:
    """The tests below have something to run over."""
    assert NAMES[:2] == ["01_a_number_is_a_node", "02_gates"]


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_the_committed_outputs_are_those_of_a_fresh_run(source: Path) -> None:
    """The source runs in a new kernel without error, and shows what its twin holds."""
    fresh = executed(source)
    committed = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert cells(fresh) == cells(committed), "sources differ: run `make notebooks`"
    assert shown(fresh) == shown(committed), "outputs differ: run `make notebooks`"


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_every_picture_has_a_png_and_the_file_is_small(source: Path) -> None:
    """Sites that show notebooks show PNG everywhere; and 1 MB is soon loaded."""
    twin = source.with_suffix(".ipynb")
    assert twin.stat().st_size < 1_000_000
    outputs = [o for cell in nbformat.read(twin, 4).cells for o in cell.get("outputs", [])]
    pictures = [o.data for o in outputs if re.search("Drawing|Figure", str(o.get("data")))]
    assert len(pictures) >= 5
    assert all("image/png" in picture and "image/svg+xml" not in picture for picture in pictures)


def test_a_run_is_reproducible_and_in_this_interpreter(tmp_path: Path) -> None:
    """Two runs give the same file; the kernel is this Python, in the notebook's own folder."""
    source = tmp_path / "small.py"
    source.write_text(
        "# %%\nimport os, sys\nprint(sys.executable)\nprint(os.getcwd())\n"
        "# %%\nprint('one', flush=True)\nprint('two')\n"
        "# %%\nfrom autograd import Value, draw\ndraw(Value(1.0) + 2.0)\n"
    )
    first, second = executed(source), executed(source)
    assert jupytext.writes(first, "ipynb") == jupytext.writes(second, "ipynb")
    where, streams, picture = [cell.outputs for cell in first.cells]
    assert where[0].text.split("\n")[:2] == [sys.executable, str(tmp_path)]
    assert [output.text for output in streams] == ["one\ntwo\n"]
    assert sorted(picture[0].data) == ["image/png", "text/plain"]


@pytest.mark.parametrize("source", OWN_CHECKS, ids=[source.stem for source in OWN_CHECKS])
def test_exercises_check_themselves(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unanswered they say so, wrong answers are told what to look at, right ones that they are."""
    mpl.use("agg")
    namespace: dict[str, Any] = {}
    exercises = 0
    for cell in jupytext.read(source).cells:
        if cell.cell_type != "code":
            continue
        code = re.sub(r"^%.*$", "", cell.source, flags=re.MULTILINE)
        blank = BLANK.search(code)
        if blank is None:
            exec(code, namespace)
            continue
        exercises += 1
        wrong, right = ANSWERS[blank[1]]
        capsys.readouterr()
        exec(code, namespace)
        assert capsys.readouterr().out == "not answered yet\n"
        with pytest.raises(AssertionError, match=r"^not yet"):
            exec(BLANK.sub(f"{blank[1]} = {wrong}", code), namespace)
        exec(BLANK.sub(f"{blank[1]} = {right}", code), namespace)
        assert capsys.readouterr().out == "right!\n"
    assert exercises >= 3
