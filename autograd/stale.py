"""Under `strict`: a parameter that was moved, and whose gradient was not set to 0 since.

For loops written by hand, `p.data -= lr * p.grad`: nobody but backward() sees them go by.
"""

from functools import wraps

from autograd.notices import notice, strictness
from autograd.order import topological_order
from autograd.value import Value

_watching = False


def watch_backward() -> None:
    """Let every backward() from here on look first.

    Value's method is wrapped by the first call of `strict`, so that others pay nothing for it. It
    stays wrapped: something else may have been put over it since, and would go with it.
    """
    global _watching
    if _watching:
        return
    _watching = True
    plain = Value.backward

    @wraps(plain)
    def backward(self: Value, seed: float = 1.0) -> None:
        now = strictness.get()
        if now is None:
            plain(self, seed)
            return
        leaves = [v for v in topological_order(self) if v.op is None]
        stale = [v for v in leaves if v in now.seen and _is_stale(v, *now.seen[v])]
        moved = [v for v in leaves if v in now.seen and v.data != now.seen[v][0]]
        # an optimiser marks a gradient that it used, which is no plain float then, and tells itself
        by_hand = all(type(v.grad) is float for v in leaves)
        if by_hand and 2 * len(stale) > len(moved):
            name = f"parameter {stale[0].label!r}" if stale[0].label else "a parameter"
            notice(
                "stale-gradient",
                f"{name} was moved by its gradient, and backward() now adds to that old gradient "
                f"({len(stale)} such parameters): set p.grad = 0.0 before each backward(), or call "
                "zero_grad() of the model, the optimiser or the loss",
                about=now,
            )
        plain(self, seed)
        now.seen = {v: (v.data, v.grad) for v in leaves}

    Value.backward = backward  # type: ignore[method-assign]


def _is_stale(v: Value, data: float, grad: float) -> bool:
    """Whether it went down its gradient, which is there still, since backward() left these."""
    return v.grad == grad and (v.data - data) * grad < 0.0
