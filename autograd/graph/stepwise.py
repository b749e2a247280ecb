"""The forward and the backward pass, one thing after another, as data and in words.

Forward each number is made from those before it. Backward each node passes its gradient on to what
it was made of, as soon as all that used it have reported; what arrives at a node is added up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, final, overload

from autograd.errors import GraphTooLargeError, OperandError
from autograd.graph.words import (
    decimal,
    factor,
    formula,
    latex_formula,
    latex_name,
    latex_number,
    names_of,
    numbers_formula,
)
from autograd.order import operands_first, topological_order
from autograd.value import Value

NODES = 100_000  # some five seconds of writing, which nobody reads to the end

Kind = Literal["given", "made", "seed", "ready", "flow"]


@dataclass(frozen=True, slots=True)
class StepNode:
    """One number of the graph.

    id: as in the picture `autograd.draw` makes. name: its label, or a made-up one.
    op: what made it; None for what was given, "constant" for a number such as the 2 in x * 2.
    parents: the ids of its operands. partials: the local derivative for each.
    value: the node itself; None for a product inside a `dot`.
    """

    id: str
    name: str
    op: str | None
    data: float
    parents: tuple[str, ...]
    partials: tuple[float, ...]
    value: Value | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens.

    kind: forward "given" (an input) and "made"; backward "seed" (the gradient of the root by
        itself), "ready" (all that used a node have reported) and "flow" (one contribution).
    node: the id of the node it happens to. of a flow: the operand that receives.
    source, operand: of a flow, the node whose gradient flows, and which of its operands receives.
    upstream, local, contribution: of a flow, the source's gradient, the derivative of the source by
        the operand, and their product.
    before, after: the node's gradient so far; forward 0.0.
    terms: of "ready" and "flow", what has arrived at the node, one number for each report.
    words, latex: the step as a sentence and as a formula.
    """

    kind: Kind
    node: str
    words: str
    latex: str
    source: str | None = None
    operand: int | None = None
    upstream: float | None = None
    local: float | None = None
    contribution: float | None = None
    before: float = 0.0
    after: float = 0.0
    terms: tuple[float, ...] = ()

    @property
    def phase(self) -> str:
        """Which pass it belongs to: "forward" or "backward"."""
        return "forward" if self.kind in ("given", "made") else "backward"


@final
class Steps(Sequence[Step]):
    """All steps in order; print it to read them.

    nodes: the graph's nodes, operands first. root: the id of what is derived.
    gradients: for each node that gradient reaches, its gradient when all is done.
    """

    def __init__(self, nodes: list[StepNode], steps: list[Step], gradients: dict[str, float]):
        self.nodes, self._steps, self.gradients = nodes, steps, gradients
        self.root = nodes[-1].id

    @overload
    def __getitem__(self, k: int) -> Step: ...
    @overload
    def __getitem__(self, k: slice) -> list[Step]: ...
    def __getitem__(self, k: int | slice) -> Step | list[Step]:
        return self._steps[k]

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    @property
    def forward(self) -> list[Step]:
        """The steps of the forward pass."""
        return [step for step in self._steps if step.phase == "forward"]

    @property
    def backward(self) -> list[Step]:
        """The steps of the backward pass."""
        return [step for step in self._steps if step.phase == "backward"]

    def __str__(self) -> str:
        """The steps as numbered lines, for terminals and screen readers."""
        lines, width, phase = [], len(str(len(self))), ""
        for k, step in enumerate(self._steps, 1):
            if step.phase != phase:
                phase = step.phase
                lines.append(phase)
            lines.append(f"{k:{width}}. {step.words}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Steps: {len(self.forward)} forward, {len(self.backward)} backward>"

    def _repr_latex_(self) -> str:
        """What Jupyter shows: the formulas, one below the other."""
        rows = [rf"& {step.latex}" for step in self._steps if step.kind != "given"]
        return "$$\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}$$"


def all_steps(root: Value, unfold: bool) -> Steps:
    """What `autograd.steps` gives."""
    if not isinstance(root, Value):
        raise OperandError(f"expected a Value whose steps to show, but got {root!r:.80}")
    return _Builder(root, unfold).build()


class _Builder:
    def __init__(self, root: Value, unfold: bool) -> None:
        order = topological_order(root)
        if len(order) > NODES:
            raise GraphTooLargeError(
                f"the steps of {len(order):,} nodes are too many to read, at most {NODES:,}; take "
                "the steps of a node inside, or autograd.explain for one gradient"
            )
        self.root = root
        self.backward_order = _backward_order(root, order)
        self.ids = {v: f"n{i}" for i, v in enumerate(order)}
        self.nodes: list[StepNode] = []
        names = names_of(order)
        self.products: dict[str, list[str]] = {}  # of an unfolded dot, the ids of its products
        for v, name in zip(order, names, strict=True):
            self._add(v, name, unfold)
        self.by_id = {node.id: node for node in self.nodes}
        self.users = {node.id: 0 for node in self.nodes}
        for node in self.nodes:
            for p in node.parents:
                self.users[p] += 1
        self.steps: list[Step] = []
        self.gradients: dict[str, float] = {}
        self.terms: dict[str, list[float]] = {}

    def _add(self, v: Value, name: str, unfold: bool) -> None:
        parents = tuple([self.ids[p] for p in v.parents])
        node_id, partials = self.ids[v], v.partials
        if unfold and v.op == "dot":
            n = len(parents) // 2
            products = [f"{node_id}_{i}" for i in range(n)]
            for i, product in enumerate(products):
                data = v.parents[i].data * v.parents[n + i].data
                pair = (parents[i], parents[n + i])
                both = (partials[i], partials[n + i])
                part = f"{name}[{i}]"
                self.nodes.append(StepNode(product, part, "mul", data, pair, both, None))
            self.products[node_id] = products
            parents, partials = (*products, parents[-1]), (1.0,) * n + partials[-1:]
            self.nodes.append(StepNode(node_id, name, "total", v.data, parents, partials, v))
            return
        self.nodes.append(StepNode(node_id, name, v.op, v.data, parents, partials, v))

    def build(self) -> Steps:
        for node in self.nodes:
            if node.op != "constant":
                self.steps.append(self._made(node))
        root = self.by_id[self.ids[self.root]]
        name, tex = root.name, latex_name(root.name)
        words = f"d{name}/d{name} = 1.0: a change of {name} is a change of {name} as large"
        latex = _d(tex, tex) + " = 1"
        self._receive(root.id, 1.0)
        self.steps.append(Step("seed", root.id, words, latex, after=1.0, terms=(1.0,)))
        if root.op is not None:
            for v in reversed(self.backward_order):
                self._pass_on(self.ids[v])
        return Steps(self.nodes, self.steps, self.gradients)

    def _receive(self, node_id: str, contribution: float) -> tuple[float, float]:
        before = self.gradients.get(node_id, 0.0)
        self.gradients[node_id] = before + contribution
        self.terms.setdefault(node_id, []).append(contribution)
        return before, self.gradients[node_id]

    # --- forward ----------------------------------------------------------------------------------

    def _made(self, node: StepNode) -> Step:
        tex = latex_name(node.name)
        if node.op is None:
            words = f"{node.name} = {decimal(node.data)} is given"
            return Step("given", node.id, words, f"{tex} = {latex_number(node.data)}")
        operands = [self.by_id[p] for p in node.parents]
        symbols = formula(node.op, [p.name for p in operands])
        numbers = numbers_formula(node.op, [p.data for p in operands])
        words = f"{node.name} = {symbols} = {numbers} = {decimal(node.data)}"
        in_latex = [
            latex_number(p.data) if p.op == "constant" else latex_name(p.name) for p in operands
        ]
        latex = (
            f"{tex} = {latex_formula(node.op, in_latex)}"
            f" = {latex_formula(node.op, [latex_number(p.data) for p in operands])}"
            f" = {latex_number(node.data)}"
        )
        if symbols == numbers:  # of constants alone
            words = f"{node.name} = {symbols} = {decimal(node.data)}"
        return Step("made", node.id, words, latex)

    # --- backward ---------------------------------------------------------------------------------

    def _pass_on(self, node_id: str) -> None:
        """The node is complete, and gives each operand its part."""
        node = self.by_id[node_id]
        if node_id != self.ids[self.root]:
            self.steps.append(self._ready(node))
        products = [self.by_id[p] for p in self.products.get(node_id, [])]
        assert node.value is not None
        if not products:
            for k in flows(node.value):
                self._flow(node, k)
            return
        n = len(products)
        for k, product in enumerate(products):
            self._flow(node, k)
            self.steps.append(self._ready(product))
        for k in flows(node.value):  # the k-th of the weights, the inputs and the bias
            if k == 2 * n:
                self._flow(node, n)
            else:
                self._flow(products[k % n], k // n)

    def _ready(self, node: StepNode) -> Step:
        root = self.by_id[self.ids[self.root]].name
        total, terms = self.gradients[node.id], self.terms[node.id]
        what = f"d{root}/d{node.name}"
        if len(terms) == 1:
            words = f"{node.name} has heard from the one that uses it: {what} = {decimal(total)}"
        else:
            total_of = " + ".join([decimal(terms[0]), *map(factor, terms[1:])])
            words = (
                f"{node.name} has heard from all {len(terms)} that use it: "
                f"{what} = {total_of} = {decimal(total)}"
            )
        latex = f"{_d(latex_name(root), latex_name(node.name))} = " + (
            " + ".join(map(latex_number, terms)) + " = " if len(terms) > 1 else ""
        )
        return Step(
            "ready",
            node.id,
            words,
            latex + latex_number(total),
            before=total,
            after=total,
            terms=tuple(terms),
        )

    def _flow(self, node: StepNode, k: int) -> None:
        """One contribution."""
        to, local = node.parents[k], node.partials[k]
        upstream = self.gradients[node.id]
        contribution = upstream * local
        before, after = self._receive(to, contribution)
        root, operand = self.by_id[self.ids[self.root]].name, self.by_id[to].name
        numbers = f"{decimal(upstream)} * {factor(local)} = {decimal(contribution)}"
        words = f"d{root}/d{operand} += d{root}/d{node.name} * d{node.name}/d{operand} = {numbers}"
        terms = self.terms[to]
        if len(terms) > 1:
            words += f"; with {decimal(before)} from before: {decimal(after)}"
        r, n, o = (latex_name(x) for x in (root, node.name, operand))
        latex = (
            rf"{_d(r, o)} \mathrel{{+}}= {_d(r, n)} \cdot {_d(n, o)}"
            rf" = {latex_number(upstream)} \cdot {latex_number(local)}"
            f" = {latex_number(contribution)}"
        )
        self.steps.append(
            Step(
                "flow",
                to,
                words,
                latex,
                source=node.id,
                operand=k,
                upstream=upstream,
                local=local,
                contribution=contribution,
                before=before,
                after=after,
                terms=tuple(terms),
            )
        )


def _d(above: str, below: str) -> str:
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def _backward_order(root: Value, order: list[Value]) -> list[Value]:
    """The nodes backward() visits, in the reverse of its order; gradients stay as they are."""
    if root.op is None:
        return []
    kept = [v.grad for v in order]
    try:
        return operands_first(root)
    finally:
        for v, grad in zip(order, kept, strict=True):
            v.grad = grad


def flows(v: Value) -> list[int]:
    """Which of the operands backward() sends gradient to, in its order. See Value for the slots."""
    if v.op is None or v.op == "constant":
        return []
    if type(v.da) is not tuple:
        return [k for k, d in enumerate((v.da, v.db)) if d is not None]
    if v.db is not None:  # a dot: the weights, the bias, the inputs
        n = len(v.da) - 1
        bias = [2 * n] if len(v.a) > n else []
        return [*range(n), *bias, *range(n, 2 * n if v.db else n)]
    if v.b is None:
        return list(range(len(v.a)))
    return [k for k, d in enumerate(v.b[1]) if d is not None]
