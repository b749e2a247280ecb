"""Functions that the exports are tested with: every primitive at once, every special value."""

import re
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import pages

import autograd
from autograd.elementwise import call
from autograd.primitives import TABLE, Primitive

EACH = 4  # operands for each primitive
Cases = dict[str, list[list[float]]]


class Everything(NamedTuple):
    """A function of operands for each primitive: the value of each in turn."""

    orders: list[float]  # of polygamma, whole numbers that do not move

    def __call__(self, cases: Any) -> list[Any]:
        return [y for name, every in cases.items() for y in self._of(name, every)]

    def _of(self, name: str, every: Any) -> list[Any]:
        if name == "polygamma":
            return [autograd.polygamma(n, x) for n, (x,) in zip(self.orders, every, strict=True)]
        return [call(TABLE[name], *xs) for xs in every]

    def summed(self, cases: Any) -> Any:
        """The sum of all, whose gradient has each derivative in a place of its own."""
        return autograd.total(self(cases))


def everything(without: set[str]) -> tuple[Everything, Cases]:
    """Every primitive, but for those, with operands inside its domain."""
    random = Random(1)

    def drawn(p: Primitive) -> list[float]:
        n = 1 if p.name == "polygamma" else p.arity or 3
        domains = [p.domain[k % len(p.domain)] for k in range(-n, 0)]
        return [
            random.uniform(max(low, -3.0) + 0.01, min(high, 3.0) - 0.01) for low, high in domains
        ]

    cases = {
        p.name: [drawn(p) for _ in range(EACH)] for p in TABLE.values() if p.name not in without
    }
    return Everything([0.0, 1.0, 2.0, 3.0]), cases


def primitive_function(p: Primitive) -> Callable[..., Any]:
    """The primitive as a function of its operands, or of a list of any number of them."""
    if p.arity is None:
        return lambda xs: call(p, *xs)
    return lambda xs: getattr(autograd, p.name)(*xs)


def run_page(title: str, printed: Callable[[], str]) -> None:
    """Run the examples of a section of docs/export.md; they print what their comments say."""
    section = pages.page("export", title)
    names: dict[str, Any] = {}
    for block in pages.python_blocks(section):
        exec(block, names)
    lines = printed()
    expected = re.findall(r"^print\(.*\)  # (.*)$|^# (\[.*)$", section, flags=re.MULTILINE)
    assert expected
    for text in map("".join, expected):
        assert text in lines
