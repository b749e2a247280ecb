"""Why a gradient is what it is: the paths it comes along, the largest first, as a text to read."""

import math
from collections.abc import Sequence
from typing import final

from autograd.errors import OperandError
from autograd.graph.paths import Path, largest_paths, path_counts
from autograd.graph.words import decimal, factor, formula, latex_name, latex_number, names_of
from autograd.order import topological_order
from autograd.sources import source_of
from autograd.value import Value

FACTORS, FACTORS_IN_LATEX = 12, 6  # of a longer product the middle is left out
MADE = 12  # the most lines about how nodes were made
OPERANDS = 60  # characters of a formula
UNREAD = 10**18  # from here on, numbers of paths are told by their size


@final
class Explanation:
    """The derivative of `root` by `wrt`, as the sum over the paths between them; print it.

    gradient: what root.backward() gives to `wrt`, to the bit.
    n_paths:  how many paths there are, exactly.
    paths:    those with the largest contributions, largest first.
    rest:     what all other paths add up to.
    """

    def __init__(self, root: Value, wrt: Value, k: int) -> None:
        order = topological_order(root)
        counts = path_counts(order, wrt)
        self.root, self.wrt = root, wrt
        every = gradients(root, order)
        self.gradient = every.get(wrt, 0.0)
        self.n_paths = counts.get(root, 0)
        # one more than is shown tells how large the rest can be
        found = largest_paths(order, wrt, counts, k + 1) if self.n_paths else []
        self.paths = found[:k]
        self._next = found[k] if len(found) > k else None
        self.rest = 0.0
        if self._next is not None and self._next.contribution != 0.0:
            self.rest = self.gradient - sum(path.contribution for path in self.paths)
        self._names = named(order if wrt in every else [wrt, *order])

    @property
    def _title(self) -> str:
        return f"d{self._names[self.root]}/d{self._names[self.wrt]}"

    def __str__(self) -> str:
        """The paths, the sum and how the nodes on the way were made, for terminals."""
        head = f"{self._title} = {decimal(self.gradient)}"
        if self.root is self.wrt:
            name = self._names[self.root]
            return f"{head}: a change of {name} is a change of {name} as large"
        if not self.n_paths:
            root, wrt = self._names[self.root], self._names[self.wrt]
            return f"{head}: no path leads from {root} to {wrt}, so {wrt} has no say in {root}"
        lines = [head + (", along the only path" if self.n_paths == 1 else f", {self._sum_over()}")]
        for i, path in enumerate(self.paths, 1):
            lines += ["", f"{i}. {self._symbols(path)}", f"   = {self._numbers(path)}"]
            if not math.isfinite(path.contribution):
                lines.append(f"   {self._origin(path)}")
        if self._next is not None:
            lines += ["", self._rest()]
        if len(self.paths) > 1:
            first, *others = [path.contribution for path in self.paths]
            terms = [decimal(first), *map(_term, others)]
            terms += [] if self._next is None else [f"the rest {_term(self.rest)}"]
            lines += ["", f"{' + '.join(terms)} = {decimal(self.gradient)}"]
        return "\n".join([*lines, "", *self._made()])

    def __repr__(self) -> str:
        return f"<Explanation: {self._title} = {decimal(self.gradient)}, {self._sum_over()}>"

    def _repr_latex_(self) -> str:
        """What Jupyter shows: each path as a product of derivatives and of numbers."""
        title = _latex_d(self._names[self.root], self._names[self.wrt])
        rows = [rf"{title} &= {latex_number(self.gradient)}"]
        for i, path in enumerate(self.paths if self.root is not self.wrt else []):
            symbols = [_latex_d(self._names[a], self._names[b]) for a, b in _pairs(path)]
            numbers = _latex_product([latex_number(d) for d in path.partials])
            product = _latex_product(symbols)
            sign = "=" if i == 0 else r"\mathrel{+}"
            result = f" = {latex_number(path.contribution)}" if len(path.partials) > 1 else ""
            rows.append(f"&{sign} {product} &&= {numbers}{result}")
        if self._next is not None:
            count = _latex_count(self.n_paths - len(self.paths))
            rows.append(
                rf"&\mathrel{{+}} \cdots && \phantom{{=}} {latex_number(self.rest)}"
                rf" \text{{ from }} {count} \text{{ more}}"
            )
        return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"

    # --- the parts of the text --------------------------------------------------------------------

    def _sum_over(self) -> str:
        return f"the sum over {_count(self.n_paths)} path{'s' * (self.n_paths != 1)}"

    def _symbols(self, path: Path) -> str:
        return " * ".join(
            _shortened([f"d{self._names[a]}/d{self._names[b]}" for a, b in _pairs(path)])
        )

    def _numbers(self, path: Path) -> str:
        first, *others = path.partials
        product = " * ".join(_shortened([decimal(first), *map(_term, others)]))
        result = decimal(path.contribution)
        return result if not others else f"{product} = {result}"

    def _rest(self) -> str:
        assert self._next is not None
        n, size = self.n_paths - len(self.paths), abs(self._next.contribution)
        if n == 1:
            return f"the other path adds {decimal(self.rest)}"
        if size == 0.0:
            return f"the other {_count(n)} paths add nothing"
        bound = f", none larger than {decimal(size)}," if math.isfinite(size) else ""
        return f"the other {_count(n)} paths{bound} add up to {decimal(self.rest)}"

    def _origin(self, path: Path) -> str:
        """Which local derivative made the product nan or inf."""
        result = decimal(path.contribution)
        for (a, b), d in zip(_pairs(path), path.partials, strict=True):
            if not math.isfinite(d):
                made = f"{self._names[a]} = {self._formula(a)}"
                d_words = f"d{self._names[a]}/d{self._names[b]} = {decimal(d)}"
                at = f"{made} has this slope at {self._names[b]} = {decimal(b.data)}"
                why = "" if result.lstrip("-") != "nan" or math.isnan(d) else ", times 0.0"
                return f"{result} because of {d_words}{why}: {at}"
        return f"{result} because the product is larger than any float64"

    def _formula(self, v: Value) -> str:
        assert v.op is not None
        text = formula(v.op, [self._names[p] for p in v.parents])
        return text if len(text) <= OPERANDS else text[: OPERANDS - 4] + " ..."

    def _made(self) -> list[str]:
        """How the nodes on the paths were made, and where if that was recorded."""
        on_paths = {v for path in self.paths for v in path.nodes}
        made = [v for v in self._names if v in on_paths and v.op is not None]
        rows = []
        for v in made[:MADE]:
            source = source_of(v)
            text = f"{self._names[v]} = {self._formula(v)} = {decimal(v.data)}"
            rows.append((text, "" if source is None else f"({source.place})"))
        width = max([len(text) for text, place in rows if place], default=0)
        lines = ["where", *[f"   {text:{width}}  {place}".rstrip() for text, place in rows]]
        if len(made) > MADE:
            lines.append(f"   and {len(made) - MADE:,} more: autograd.steps(...) tells of each")
        return lines


def explanation(root: Value, wrt: Value, k: int) -> Explanation:
    """What `autograd.explain` gives."""
    for name, v in (("root", root), ("wrt", wrt)):
        if not isinstance(v, Value):
            raise OperandError(
                f"explain expected a Value as {name}, but got {v!r:.80} ({type(v).__name__}); "
                "write explain(loss, wrt=w)"
            )
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"explain expected k, the paths to show, to be 1 or more, but got {k!r}")
    return Explanation(root, wrt, k)


def gradients(root: Value, order: Sequence[Value]) -> dict[Value, float]:
    """The gradient that root.backward() gives to each node; their own stay as they are."""
    kept = [v.grad for v in order]
    try:
        for v in order:
            v.grad = 0.0
        root.backward()
        return {v: v.grad for v in order}
    finally:
        for v, grad in zip(order, kept, strict=True):
            v.grad = grad


def named(order: list[Value]) -> dict[Value, str]:
    """A name for each node: its label, the variable it was assigned to, or a made-up one."""
    named = []
    for v in order:
        source = source_of(v) if v.label is None and v.op != "constant" else None
        if source is not None and source.variable is not None:
            named.append(Value(v.data, source.variable))
        else:
            named.append(v)
    return dict(zip(order, names_of(named), strict=True))


def _pairs(path: Path) -> list[tuple[Value, Value]]:
    return list(zip(path.nodes, path.nodes[1:], strict=False))


def _shortened(parts: list[str], most: int = FACTORS, gap: str = "...({:,} more)...") -> list[str]:
    if len(parts) <= most:
        return parts
    half = most // 2
    return [*parts[:half], gap.format(len(parts) - 2 * half), *parts[-half:]]


def _term(x: float) -> str:
    """The number where something stands before it; the sign of a nan means nothing."""
    return "nan" if math.isnan(x) else factor(x)


def _latex_product(factors: list[str]) -> str:
    return r" \cdot ".join(_shortened(factors, FACTORS_IN_LATEX, r"\cdots"))


def _latex_d(above: str, below: str) -> str:
    return rf"\frac{{\partial {latex_name(above)}}}{{\partial {latex_name(below)}}}"


def _count(n: int) -> str:
    """The number in figures, or how many it has where nobody would read them."""
    return f"{n:,}" if n < UNREAD else f"about 10^{math.log10(n):.0f}"


def _latex_count(n: int) -> str:
    return f"{n:,}".replace(",", "{,}") if n < UNREAD else rf"\approx 10^{{{math.log10(n):.0f}}}"
