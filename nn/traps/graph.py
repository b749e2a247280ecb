"""The graph of a loss: which parameters it depends on, and where it was cut if on none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from autograd import Value, is_strict, notice
from nn.layers.base import Pass, SequentialLayer, flat
from nn.module import Module
from nn.traps.network import called, stages

ROWS = 16  # before anything is said: of one row a loss may be constant, or a part not be used


def look_at_graph(
    model: Any, params: Sequence[Value], losses: Iterable[Any], where: Callable[[], str]
) -> None:
    """Before or at the first step.

    losses: of some rows, made as they are asked for: mostly the first settles it.
    where: says where a loss that depends on no parameter was cut from them.
    """
    moved, looked = set(params), []
    unused = [part for part in _parts(model) if next(_leaves(part), None) in moved]
    flows = False
    for loss in islice(losses, ROWS):
        looked.append(loss)
        with _gradient(loss, params) as reached:
            flows = flows or any(map(reached, params))
            unused = [part for part in unused if not any(map(reached, _leaves(part)))]
        # a gradient may have been 0 on its way: what there is no way to is not in the graph either
        flows = flows or _depends(loss, params)
        if unused:
            there = _made_of([loss])
            unused = [part for part in unused if there.isdisjoint(_leaves(part))]
        if flows and not unused and not is_strict():
            return
    about = model if isinstance(model, Module) else None
    if not flows:
        text = f"the loss depends on no parameter, so that training changes nothing: {where()}"
        notice("constant-loss", text, about)
        return
    names = [called(part) for part in unused]
    if not names and is_strict():
        there = _made_of(looked)
        if missing := [p for p in params if p not in there]:
            some = ", ".join(repr(str(p.label)) for p in missing[:3] if p.label)
            names = [f"{len(missing)} of the {len(params)} parameters ({some or 'no labels'})"]
    if names:
        notice(
            "unused-parameter",
            f"the loss does not depend on {', '.join(names)}, which training will not change: "
            "use it in forward(), or leave its parameters out of the optimiser",
            about,
        )


@contextmanager
def _gradient(loss: Any, params: Sequence[Value]) -> Iterator[Callable[[Value], bool]]:
    """The gradient of the loss, for a while; gives what tells whether it reached a leaf.

    backward() is ten times as fast as a walk over all there is, which a large network would feel.
    """
    zero, before = float("0.0"), [p.grad for p in params]  # an object of its own: sums are others
    try:
        for p in params:
            p.grad = zero
        if isinstance(loss, Value):
            loss.backward()
        yield lambda p: p.grad is not zero
    finally:
        for p, grad in zip(params, before, strict=True):
            p.grad = grad


def place_of_cut(model: Any, row: Any, params: Sequence[Value]) -> str:
    """What cuts a loss from the parameters, and what to do."""
    x, tied = row, False
    for stage in stages(model):
        x = stage.row(x, Pass()) if isinstance(stage, SequentialLayer) else stage(x)
        before, tied = tied, _depends(x, params)
        if not tied and (before or stage.parameters()):
            return (
                f"what {called(stage)} gives no longer does; compute with Values all the way "
                "there, without float(), .data, detach() or no_grad"
            )
    if not tied and not _depends(model([row]), params):
        return (
            "what the model gives does not; compute with Values all the way, without float(), "
            ".data, detach() or no_grad, and give the optimiser the parameters the model uses"
        )
    return (
        "the predictions do, but the loss function drops that; compute it of the predictions "
        "themselves, with autograd's functions, without float(), .data, detach() or no_grad"
    )


def _depends(x: Any, params: Sequence[Value]) -> bool:
    """Whether gradient can reach a parameter from one of these numbers."""
    return not _made_of(flat(x), past_stops=False).isdisjoint(params)


def _made_of(numbers: Iterable[Any], past_stops: bool = True) -> set[Value]:
    """The nodes among these and all they were made from.

    past_stops: also what is behind a stop_gradient, where it is frozen on purpose.
    """
    todo = [x for x in numbers if isinstance(x, Value)]
    found = set(todo)
    while todo:
        v = todo.pop()
        if past_stops or v.op != "stop_gradient":
            new = set(v.parents) - found
            found |= new
            todo += new
    return found


def _parts(model: Any) -> Iterator[Module]:
    """The modules right below a model."""
    if isinstance(model, Module):
        for x in vars(model).values():
            for part in x if isinstance(x, (list, tuple)) else [x]:
                if isinstance(part, Module):
                    yield part


def _leaves(x: Any) -> Iterator[Value]:
    """The parameters of a module, one by one: the first is mostly enough."""
    if isinstance(x, Value):
        if x.op is None:
            yield x
    elif isinstance(x, (list, tuple, Module)):
        for part in vars(x).values() if isinstance(x, Module) else x:
            yield from _leaves(part)
