"""One step of the tiny GPT, gradient and Adam, by peers: `python -m benchmarks.gpt_peers`.

    python -m benchmarks.gpt_peers --peer numpy     one of them, here: prints a line of JSON

The network, the first parameters and the documents are those of benchmarks.tiny_gpt, in float64.
Documents have 4 to 11 positions, 7.5 on average. All must compute the same losses and norms of
gradients along their first eight steps before any time is reported.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from benchmarks import tiny_gpt
from benchmarks.eager_tasks import timed
from benchmarks.peers import OURS, install, run
from benchmarks.tiny_gpt import BETAS, CONTEXT, EPS, HEADS, LR, WIDTH, init_parameters

VOCABULARY = 27
HEAD = WIDTH // HEADS
LENGTHS = range(1, CONTEXT + 1)  # that a document may have, in positions
STEPS = 10_000  # over which the learning rate would fall to 0

Documents = list[list[int]]
Results = list[tuple[float, float]]
"""For each document, the loss and the norm of the gradient before the step; 0.0 if not asked for:
training does not need the norm."""


def documents(rounds: int = 16) -> Documents:
    """Random letters between two edges; in each round of 8 documents, 3 to 10, in mixed order."""
    rng, edge = Random(0), VOCABULARY - 1
    lengths = [n for _ in range(rounds) for n in rng.sample(range(3, 11), 8)]
    return [[edge, *[rng.randrange(edge) for _ in range(n)], edge] for n in lengths]


# Each is made of the documents and whether norms are wanted, and gives a function that takes one
# step on each document in turn, going on from where it was.


def glassgrad(batch: Documents, norms: bool, eager: bool = False) -> Callable[[], Results]:
    """Our own; eager: every number a node."""
    from autograd import Packed

    params: Any = init_parameters(VOCABULARY)
    if not eager:
        params = Packed.of(params)
    gradient = tiny_gpt.gradient if eager else tiny_gpt.fast_gradient
    trainer = (tiny_gpt.train_eager if eager else tiny_gpt.train)(params, batch, STEPS)

    def norm(tokens: list[int]) -> float:
        return math.hypot(*Packed.of(gradient(params, tokens)[1]).flat)

    # the norm comes first: the trainer moves the parameters as soon as it is asked for a loss
    return lambda: [(norm(tokens) if norms else 0.0, next(trainer))[::-1] for tokens in batch]


def numpy_by_hand(batch: Documents, norms: bool) -> Callable[[], Results]:
    """The backward pass written out; one flat array of parameters, the matrices views of it."""
    import numpy as np

    parameters = init_parameters(VOCABULARY)
    start: dict[str, Any] = {name: np.array(rows) for name, rows in parameters.items()}
    flat = np.concatenate([w.ravel() for w in start.values()])
    gradient, m, v = (np.zeros_like(flat) for _ in range(3))

    def views(of: Any) -> dict[str, Any]:
        parts = np.split(of, np.cumsum([w.size for w in start.values()])[:-1])
        pairs = zip(start, parts, strict=True)
        return {name: part.reshape(start[name].shape) for name, part in pairs}

    w, g = views(flat), views(gradient)
    later = np.triu(np.full((CONTEXT, CONTEXT), -np.inf), k=1)
    steps = 0

    def norm(x: Any) -> tuple[Any, Any]:
        scale = 1.0 / np.sqrt((x * x).sum(axis=1, keepdims=True) / WIDTH + 1e-5)
        return x * scale, scale

    def norm_backward(dy: Any, y: Any, scale: Any) -> Any:
        return scale * (dy - y * ((dy * y).sum(axis=1, keepdims=True) / WIDTH))

    def heads(x: Any) -> Any:  # [positions, WIDTH] -> [HEADS, positions, HEAD]
        return x.reshape(-1, HEADS, HEAD).transpose(1, 0, 2)

    def joined(x: Any) -> Any:
        return x.transpose(1, 0, 2).reshape(-1, WIDTH)

    def step(inputs: Any, targets: Any) -> tuple[float, float]:
        nonlocal steps
        n = len(inputs)
        rows = np.arange(n)

        x0, scale0 = norm(w["wte"][inputs] + w["wpe"][:n])
        x1, scale1 = norm(x0)
        q, k, u = heads(x1 @ w["wq"].T), heads(x1 @ w["wk"].T), heads(x1 @ w["wv"].T)
        scores = q @ k.transpose(0, 2, 1) / HEAD**0.5 + later[:n, :n]
        e = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights = e / e.sum(axis=2, keepdims=True)
        gathered = joined(weights @ u)
        x2 = x0 + gathered @ w["wo"].T
        x3, scale3 = norm(x2)
        hidden = np.maximum(x3 @ w["mlp_in"].T, 0.0)
        x4 = x2 + hidden @ w["mlp_out"].T
        out = x4 @ w["lm_head"].T
        e = np.exp(out - out.max(axis=1, keepdims=True))
        d = e / e.sum(axis=1, keepdims=True)
        value = -np.log(d[rows, targets]).sum() / n

        d[rows, targets] -= 1.0
        d /= n
        np.matmul(d.T, x4, out=g["lm_head"])
        dx = d @ w["lm_head"]
        np.matmul(dx.T, hidden, out=g["mlp_out"])
        d = (dx @ w["mlp_out"]) * (hidden > 0.0)
        np.matmul(d.T, x3, out=g["mlp_in"])
        dx += norm_backward(d @ w["mlp_in"], x3, scale3)
        np.matmul(dx.T, gathered, out=g["wo"])
        d = heads(dx @ w["wo"])
        du = weights.transpose(0, 2, 1) @ d
        dw = d @ u.transpose(0, 2, 1)
        d = weights * (dw - (dw * weights).sum(axis=2, keepdims=True)) / HEAD**0.5
        dq, dk, du = joined(d @ k), joined(d.transpose(0, 2, 1) @ q), joined(du)
        np.matmul(dq.T, x1, out=g["wq"])
        np.matmul(dk.T, x1, out=g["wk"])
        np.matmul(du.T, x1, out=g["wv"])
        dx1 = dq @ w["wq"] + dk @ w["wk"] + du @ w["wv"]
        dx = norm_backward(dx + norm_backward(dx1, x1, scale1), x0, scale0)
        g["wpe"][:n] = dx
        g["wpe"][n:] = 0.0
        g["wte"][:] = 0.0
        np.add.at(g["wte"], inputs, dx)

        rate = LR * (1.0 - steps / STEPS)
        steps += 1
        np.multiply(m, BETAS[0], out=m)
        np.add(m, (1.0 - BETAS[0]) * gradient, out=m)
        np.multiply(v, BETAS[1], out=v)
        np.add(v, (1.0 - BETAS[1]) * gradient * gradient, out=v)
        below = np.sqrt(v / (1.0 - BETAS[1] ** steps)) + EPS
        np.subtract(flat, rate / (1.0 - BETAS[0] ** steps) * m / below, out=flat)
        return value, float(np.linalg.norm(gradient)) if norms else 0.0

    pairs = [(np.array(tokens[:-1]), np.array(tokens[1:])) for tokens in batch]
    return lambda: [step(*pair) for pair in pairs]


def jax_jit(batch: Documents, norms: bool, scan: bool = False) -> Callable[[], Results]:
    """One program for all lengths: documents padded to 16 positions, with a mask.

    scan: all documents in one call, by lax.scan, with no Python between the steps.
    """
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax.flatten_util import ravel_pytree

    jax.config.update("jax_enable_x64", True)
    start = {name: jnp.array(rows) for name, rows in init_parameters(VOCABULARY).items()}
    # one flat array: less to hand over at each call than nine matrices and their moments
    first, unravel = ravel_pytree(start)
    causal = jnp.tril(jnp.ones((CONTEXT, CONTEXT), dtype=bool))

    def norm(x: Any) -> Any:
        return x * jax.lax.rsqrt((x * x).mean(axis=1, keepdims=True) + 1e-5)

    def mean_loss(flat: Any, tokens: Any, n: Any) -> Any:
        w = unravel(flat)
        x = norm(w["wte"][tokens[:-1]] + w["wpe"])
        q, k, u = ((norm(x) @ w[name].T).reshape(-1, HEADS, HEAD) for name in ("wq", "wk", "wv"))
        scores = jnp.einsum("qhd,khd->hqk", q, k) / HEAD**0.5
        weights = jax.nn.softmax(jnp.where(causal, scores, -jnp.inf))
        x = x + jnp.einsum("hqk,khd->qhd", weights, u).reshape(-1, WIDTH) @ w["wo"].T
        x = x + jax.nn.relu(norm(x) @ w["mlp_in"].T) @ w["mlp_out"].T
        out = x @ w["lm_head"].T
        chosen = jnp.take_along_axis(out, tokens[1:, None], axis=1)[:, 0]
        losses = jax.nn.logsumexp(out, axis=1) - chosen
        return jnp.where(jnp.arange(CONTEXT) < n, losses, 0.0).sum() / n

    def step(state: Any, document: Any) -> Any:
        flat, m, v, steps = state
        value, g = jax.value_and_grad(mean_loss)(flat, *document)
        rate = LR * (1.0 - steps / STEPS)
        steps = steps + 1.0
        m = BETAS[0] * m + (1.0 - BETAS[0]) * g
        v = BETAS[1] * v + (1.0 - BETAS[1]) * g * g
        below = jnp.sqrt(v / (1.0 - BETAS[1] ** steps)) + EPS
        flat = flat - rate / (1.0 - BETAS[0] ** steps) * m / below
        return (flat, m, v, steps), (value, jnp.linalg.norm(g) if norms else 0.0)

    padded = np.zeros((len(batch), CONTEXT + 1), dtype=np.int32)
    for row, tokens in zip(padded, batch, strict=True):
        row[: len(tokens)] = tokens
    counts = np.array([len(tokens) - 1 for tokens in batch])
    state = (first, jnp.zeros_like(first), jnp.zeros_like(first), jnp.array(0.0))
    run_one = jax.jit(step, donate_argnums=0)
    run_all = jax.jit(lambda *args: jax.lax.scan(step, *args), donate_argnums=0)

    def steps() -> Results:
        nonlocal state
        if scan:
            state, results = run_all(state, (padded, counts))
            return list(zip(*[np.asarray(r).tolist() for r in results], strict=True))
        results = []
        for document in zip(padded, counts, strict=True):
            state, result = run_one(state, document)
            results.append(result)
        # only here does Python wait: steps are handed over while the one before still runs
        return [(float(value), float(size)) for value, size in results]

    return steps


def torch_eager(batch: Documents, norms: bool) -> Callable[[], Results]:
    """Tensors, autograd and the fused Adam."""
    import torch
    from torch.nn import functional as nnf

    torch.set_num_threads(1)  # faster: two wait for each other longer than they compute
    start = init_parameters(VOCABULARY)
    w = {k: torch.tensor(rows, dtype=torch.float64).requires_grad_() for k, rows in start.items()}
    optimizer = torch.optim.Adam(w.values(), lr=LR, betas=BETAS, eps=EPS, fused=True)
    later = torch.full((CONTEXT, CONTEXT), -torch.inf, dtype=torch.float64).triu(diagonal=1)
    steps = 0

    def norm(x: Any) -> Any:
        return nnf.rms_norm(x, (WIDTH,), eps=1e-5)

    def heads(x: Any) -> Any:
        return x.view(-1, HEADS, HEAD).transpose(0, 1)

    def mean_loss(inputs: Any, targets: Any) -> Any:
        n = len(inputs)
        x = norm(w["wte"][inputs] + w["wpe"][:n])
        y = norm(x)
        q, k, u = (heads(nnf.linear(y, w[name])) for name in ("wq", "wk", "wv"))
        # written out: at this size faster than scaled_dot_product_attention
        weights = torch.softmax(q @ k.transpose(1, 2) / HEAD**0.5 + later[:n, :n], dim=-1)
        gathered = (weights @ u).transpose(0, 1).reshape(-1, WIDTH)
        x = x + nnf.linear(gathered, w["wo"])
        x = x + nnf.linear(torch.relu(nnf.linear(norm(x), w["mlp_in"])), w["mlp_out"])
        return nnf.cross_entropy(nnf.linear(x, w["lm_head"]), targets)

    def step(inputs: Any, targets: Any) -> tuple[float, float]:
        nonlocal steps
        optimizer.param_groups[0]["lr"] = LR * (1.0 - steps / STEPS)
        steps += 1
        optimizer.zero_grad()
        value = mean_loss(inputs, targets)
        value.backward()
        size = torch.cat([p.grad.ravel() for p in w.values()]).norm().item() if norms else 0.0
        optimizer.step()
        return value.item(), size

    pairs = [(torch.tensor(tokens[:-1]), torch.tensor(tokens[1:])) for tokens in batch]
    return lambda: [step(*pair) for pair in pairs]


PEERS: dict[str, Callable[[Documents, bool], Callable[[], Results]]] = {
    "glassgrad": glassgrad,
    "glassgrad-eager": partial(glassgrad, eager=True),
    "numpy": numpy_by_hand,
    "jax": jax_jit,
    "jax-scan": partial(jax_jit, scan=True),
    "torch": torch_eager,
}


def measure(name: str) -> dict[str, Any]:
    """Seconds a step, of each of several passes over the documents; what the first steps gave."""
    ours = compile_all() if name == "glassgrad" else {}
    batch = documents()
    check = [number for pair in PEERS[name](batch[:8], True)() for number in pair]
    if name == "glassgrad-eager":  # a thousand times as long
        batch, repeats = batch[:8], 3
    else:
        repeats = 30
    seconds = timed(PEERS[name](batch, False), repeats, warm_up=1)
    return {"seconds": [s / len(batch) for s in seconds], "check": check, **ours}


def compile_all() -> dict[str, Any]:
    """Seconds to compile the programs of all lengths; of a step and of the gradient alone, each."""
    from autograd import Packed
    from autograd.compiler.llvm import finish

    params = Packed.of(init_parameters(VOCABULARY))
    edge = VOCABULARY - 1
    documents = [[edge, *[0] * (n - 1), edge] for n in LENGTHS]
    start = time.perf_counter()
    for document in documents:
        tiny_gpt.fast_gradient(params, document)
    compiled = time.perf_counter() - start
    finish()
    steps, gradients = [], []
    for document in documents:
        trainer = tiny_gpt.train(params.copy(), [document], STEPS)
        steps.append(statistics.median(timed(partial(next, trainer), 300)))
        call = partial(tiny_gpt.fast_gradient, params, document)
        gradients.append(statistics.median(timed(call, 300)))
    return {"compile": compiled, "steps": steps, "gradients": gradients}


def main() -> None:
    """Measure all, each in a process of its own, the rounds interleaved; or one, here."""
    parser = argparse.ArgumentParser(description="Compare the tiny GPT with peers.")
    parser.add_argument("--peer", choices=PEERS, help="one peer, in this process")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each peer")
    arguments = parser.parse_args()
    if arguments.peer:
        print(json.dumps(measure(arguments.peer)))
        return
    peers = install("jax", "numpy", "torch==2.13.0")
    results: dict[str, list[Any]] = {name: [] for name in PEERS}
    for _ in range(arguments.rounds):
        for name in PEERS:
            python = OURS if name.startswith("glassgrad") else peers
            results[name].append(run(python, "benchmarks.gpt_peers", "--peer", name))
    expected = results["glassgrad-eager"][0]["check"]
    for name, rounds in results.items():
        for a, b in zip(expected, rounds[0]["check"], strict=True):
            if not math.isclose(a, b, rel_tol=1e-9):
                sys.exit(f"{name} computed {b}, glassgrad {a}")
    print("tiny GPT: microseconds a step, median (lowest to highest round)")
    for name, rounds in results.items():
        print(f"  {name:16}{_spread(statistics.median(r['seconds']) for r in rounds)}")
    ours = results["glassgrad"]
    seconds = [r["compile"] for r in ours]
    print(
        f"glassgrad compiles all lengths in {statistics.median(seconds):.1f} seconds "
        f"({min(seconds):.1f} to {max(seconds):.1f}); microseconds by positions:"
    )
    for k, n in enumerate(LENGTHS):
        step, gradient = (_spread(r[what][k] for r in ours) for what in ("steps", "gradients"))
        print(f"  {n:2} step {step}  its gradient {gradient}")


def _spread(seconds: Iterable[float]) -> str:
    us = sorted(s * 1e6 for s in seconds)
    return f"{statistics.median(us):10.1f}  ({us[0]:.1f} to {us[-1]:.1f})"


if __name__ == "__main__":
    main()
