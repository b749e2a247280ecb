"""Update rules: how one parameter moves, given its gradient and what is remembered of the past.

Each rule is a plain function of scalars with no choice that depends on their numbers: floats go in
here, and Values or the compiler's traced numbers may. It gives the new parameter followed by the
new state. `step` counts the updates from 1. With several forms in use, it is PyTorch's.
"""

from typing import Any

from autograd import maximum, sqrt


def sgd(
    param: Any,
    grad: Any,
    velocity: Any,
    *,
    lr: Any,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Any, Any]:
    """Gradient descent with momentum (Polyak 1964; Nesterov's as in Sutskever et al. 2013).

    The velocity starts from 0.
    """
    grad = _with_decay(grad, param, weight_decay)
    if _is_off(momentum):
        return param - lr * grad, velocity
    velocity = momentum * velocity + grad
    return param - lr * (grad + momentum * velocity if nesterov else velocity), velocity


def adagrad(
    param: Any, grad: Any, total: Any, *, lr: Any, eps: float, weight_decay: float = 0.0
) -> tuple[Any, Any]:
    """Adagrad. Duchi, Hazan & Singer 2011, JMLR 12, in its diagonal form.

    `total` is the sum of all squared gradients, so steps only become smaller.
    """
    grad = _with_decay(grad, param, weight_decay)
    total = total + grad * grad
    return param - lr * (grad / (sqrt(total) + eps)), total


def adadelta(
    param: Any,
    grad: Any,
    v: Any,
    moves: Any,
    *,
    lr: Any,
    rho: float,
    eps: float,
    weight_decay: float = 0.0,
) -> tuple[Any, Any, Any]:
    """Adadelta. Zeiler 2012, arXiv:1212.5701, algorithm 1, times a rate (the paper's is 1).

    The running means v of the squared gradient and `moves` of the squared move start from 0.
    """
    grad = _with_decay(grad, param, weight_decay)
    v = rho * v + (1.0 - rho) * grad * grad
    move = sqrt(moves + eps) / sqrt(v + eps) * grad
    moves = rho * moves + (1.0 - rho) * move * move
    return param - lr * move, v, moves


def rmsprop(
    param: Any,
    grad: Any,
    v: Any,
    velocity: Any,
    *,
    lr: Any,
    alpha: float,
    eps: float,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> tuple[Any, Any, Any]:
    """RMSprop. Tieleman & Hinton 2012, lecture 6.5 of "Neural networks for machine learning".

    The running mean v of the squared gradient and the velocity start from 0.
    """
    grad = _with_decay(grad, param, weight_decay)
    v = alpha * v + (1.0 - alpha) * grad * grad
    move = grad / (sqrt(v) + eps)
    if _is_off(momentum):
        return param - lr * move, v, velocity
    velocity = momentum * velocity + move
    return param - lr * velocity, v, velocity


def adam(
    param: Any,
    grad: Any,
    m: Any,
    v: Any,
    step: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float = 0.0,
) -> tuple[Any, Any, Any]:
    """Adam. Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.

    The running means m of the gradient and v of its square start from 0.
    """
    grad = _with_decay(grad, param, weight_decay)
    m, v = _means(grad, m, v, betas)
    return param - _adam_move(m, v, step, lr, betas, eps), m, v


def amsgrad(
    param: Any,
    grad: Any,
    m: Any,
    v: Any,
    largest: Any,
    step: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float = 0.0,
) -> tuple[Any, Any, Any, Any]:
    """AMSGrad: Adam divided by the `largest` v so far. Reddi et al. 2018, arXiv:1904.09237."""
    grad = _with_decay(grad, param, weight_decay)
    m, v = _means(grad, m, v, betas)
    largest = maximum(largest, v)
    return param - _adam_move(m, largest, step, lr, betas, eps), m, v, largest


def adamw(
    param: Any,
    grad: Any,
    m: Any,
    v: Any,
    step: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[Any, Any, Any]:
    """Adam with decay apart from the gradient. Loshchilov & Hutter 2019, arXiv:1711.05101."""
    param = param - lr * weight_decay * param
    return adam(param, grad, m, v, step, lr=lr, betas=betas, eps=eps)


def nadam(
    param: Any,
    grad: Any,
    m: Any,
    v: Any,
    product: Any,
    step: Any,
    *,
    lr: Any,
    betas: tuple[float, float],
    eps: float,
    momentum_decay: float,
    weight_decay: float = 0.0,
) -> tuple[Any, Any, Any, Any]:
    """Adam with Nesterov's momentum. Dozat 2016, ICLR workshop, algorithm 2.

    `product`, of the momenta mu of all steps so far, starts from 1; m and v from 0.
    """

    def mu(t: Any) -> Any:
        """The momentum of step t, which grows from about b1 / 2 to b1 (Sutskever et al. 2013)."""
        return b1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))

    b1, b2 = betas
    grad = _with_decay(grad, param, weight_decay)
    m, v = _means(grad, m, v, betas)
    product = product * mu(step)
    after = mu(step + 1.0)
    ahead = (1.0 - mu(step)) / (1.0 - product) * grad + after / (1.0 - product * after) * m
    return param - lr * (ahead / (sqrt(v / (1.0 - b2**step)) + eps)), m, v, product


def _with_decay(grad: Any, param: Any, weight_decay: float) -> Any:
    """The gradient with that of weight_decay / 2 * param^2."""
    return grad if _is_off(weight_decay) else grad + weight_decay * param


def _is_off(setting: Any) -> bool:
    """Whether a setting is 0; one that is traced, for it differs from model to model, is not."""
    return isinstance(setting, (int, float)) and not setting


def _means(grad: Any, m: Any, v: Any, betas: tuple[float, float]) -> tuple[Any, Any]:
    """Adam's running means of the gradient and of its square."""
    b1, b2 = betas
    return b1 * m + (1.0 - b1) * grad, b2 * v + (1.0 - b2) * grad * grad


def _adam_move(m: Any, v: Any, step: Any, lr: Any, betas: tuple[float, float], eps: float) -> Any:
    """Adam's move from its running means."""
    b1, b2 = betas
    # the corrections for starting from 0, which are the same for all parameters; m and v corrected
    # one by one would cost two more divisions each
    rate = lr / (1.0 - b1**step)
    correction = 1.0 / sqrt(1.0 - b2**step)
    return rate * (m / (sqrt(v) * correction + eps))
