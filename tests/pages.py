"""The pages of docs/, whose examples are tested."""

import linecache
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def page(name: str, title: str = "") -> str:
    """The text of docs/name.md, or of the part of it under this title."""
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    return re.split(rf"\n## {re.escape(title)}.*\n", text)[1].split("\n## ")[0] if title else text


def blocks(text: str, kinds: str = "python|text") -> list[tuple[str, str]]:
    """The kind and the contents of each block of these kinds."""
    return re.findall(rf"```({kinds})\n(.*?)```", text, flags=re.DOTALL)


def python_blocks(text: str) -> list[str]:
    """The examples in Python."""
    return [block for _, block in blocks(text, "python")]


def printed_and_shown(
    text: str, capsys: Any, caught: tuple[type[Exception], ...] = ()
) -> Iterator[tuple[str, str]]:
    """Runs the examples one after the other, each as a file train.py in the folder that is current.

    Gives for each block of text what the example before it printed, and what stands there. Of an
    error of the classes `caught`, its name and message count as printed.
    """
    names: dict[str, Any] = {}
    printed = ""
    for kind, block in blocks(text):
        if kind == "text":
            yield printed, block
            continue
        Path("train.py").write_text(block, encoding="utf-8")
        linecache.checkcache()
        try:
            exec(compile(block, "train.py", "exec"), names)
            printed = capsys.readouterr().out
        except caught as error:
            printed = f"{type(error).__name__}: {error}\n"
