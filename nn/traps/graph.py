"""The graph of a loss: which parameters it depends on, and where it was cut if on none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
    missing, flows = set(params), False
    for loss in islice(losses, ROWS):
        missing -= _made_of([loss])
        flows = flows or _depends(loss, params)
        if flows and not missing:
            return
    about = model if isinstance(model, Module) else None
    if not flows:
        text = f"the loss depends on no parameter, so that training changes nothing: {where()}"
        notice("constant-loss", text, about)
        return
    parts = [part for part in _parts(model) if part.parameters()]
    unused = [called(part) for part in parts if missing.issuperset(part.parameters())]
    if not unused and is_strict():
        names = [repr(str(p.label)) if p.label else "one" for p in params if p in missing]
        more = ", ..." if len(names) > 3 else ""
        unused = [f"{len(names)} of the {len(params)} parameters ({', '.join(names[:3])}{more})"]
    if unused:
        notice(
            "unused-parameter",
            f"the loss does not depend on {', '.join(unused)}, which training will not change: "
            "use it in forward(), or leave its parameters out of the optimiser",
            about,
        )


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
