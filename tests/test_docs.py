"""The pages made of the code say what is true. (That they build without a warning: `make docs`.)"""

import json
import re
from pathlib import Path

import pytest

from autograd.primitives import TABLE
from tools import accuracy
from tools.pages.primitives import write_primitives

ROOT = Path(__file__).resolve().parent.parent
MEASURED = json.loads(accuracy.FILE.read_text(encoding="utf-8"))["figures"]
SLACK = 1.0  # ulp: another C library may round an elementary function otherwise


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_the_accuracy_that_is_written_down_holds(name: str) -> None:
    """At the first of the points measured, no engine is further off than the page says."""
    for what, engines in accuracy.measure(TABLE[name], 40).items():
        for engine, found in engines.items():
            stated = MEASURED[name][what][engine]["worst"]
            assert found["worst"] <= stated + SLACK, f"{name}, {what}, {engine}: {found}"


def test_every_primitive_was_measured() -> None:
    """Of each entry of the table the value, and the derivative by each operand that has one."""
    assert set(MEASURED) == set(TABLE)
    assert set(MEASURED["atan2"]) == {"value", "dy", "dx"}
    assert set(MEASURED["where"]) == {"value", "dx", "dy"}


def test_a_page_for_each_primitive(tmp_path: Path) -> None:
    """Each page has picture, formulas, domain, rule and accuracy; the index links to all."""
    write_primitives(tmp_path / "primitives")
    index = (tmp_path / "primitives" / "index.md").read_text(encoding="utf-8")
    for name in TABLE:
        page = (tmp_path / "primitives" / f"{name}.md").read_text(encoding="utf-8")
        assert f"]({name}.svg)" in page
        assert "\\frac{\\partial f}" in page
        assert "| domain |" in page
        assert "```python\n" in page
        assert "## How exact" in page
        assert (tmp_path / "primitives" / f"{name}.svg").stat().st_size > 5_000
        assert f"({name}.md)" in index
    log = (tmp_path / "primitives" / "log.md").read_text(encoding="utf-8")
    assert "x &gt; 0" in log
    assert "| `log(x)` | 0 | -inf | inf |" in log
    assert "where `x = 0`" in (tmp_path / "primitives" / "relu.md").read_text(encoding="utf-8")


def test_every_page_is_reached() -> None:
    """Each page of docs/ stands in the index."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z-]+)$", index, flags=re.MULTILINE))
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed
