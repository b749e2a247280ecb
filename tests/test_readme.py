"""The README's code runs, and prints what it says."""

import re
from pathlib import Path

import pages
import pytest

README = (pages.ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = pages.python_blocks(README)


def test_code_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All Python blocks run, one after the other, and the outputs in comments are true."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    assert BLOCKS
    for block in BLOCKS:
        exec(block, names)
        printed = capsys.readouterr().out
        for expected in re.findall(r"# (\[.*\])$", block, flags=re.MULTILINE):
            assert expected in printed
    assert (tmp_path / "neuron.svg").read_text(encoding="utf-8").count("<svg") == 1


def test_the_page_on_the_compiler_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example on the compiler's page runs, and shows what was compiled."""
    for block in pages.python_blocks(pages.page("compiler")):
        exec(block, {})
    assert "sums of" in capsys.readouterr().out


def test_the_page_on_networks_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The examples on the networks' page run, one after the other."""
    names: dict[str, object] = {}
    for block in pages.python_blocks(pages.page("networks")):
        exec(block, names)
    assert "val_accuracy" in capsys.readouterr().out


def test_links_to_files_are_true() -> None:
    """Every relative link in the README names a file that is there."""
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        if not link.startswith("http"):
            assert (pages.ROOT / link).exists(), link
