"""A GPT out of scalars: `python -m benchmarks.tiny_gpt [--steps N] [--file names.txt] [--eager]`.

It learns to spell names, letter by letter, and then makes up new ones. The architecture is that of
Karpathy's microgpt (2026): GPT-2 with RMSNorm for LayerNorm, relu for GELU, and no biases. With 26
letters that is 4,192 parameters, and each of them a number you can follow through the network.

A token is an int: the place of a letter in the alphabet, or len(alphabet) for the edge of a
document. At each position the network predicts the next token from those up to there.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from autograd import (
    Packed,
    dot,
    jit,
    jit_step,
    logsumexp,
    mean,
    relu,
    softmax,
    sqrt,
    take,
    value_and_grad,
)
from autograd.errors import LengthError, MissingExtraError
from nn.optim import adam

WIDTH = 16  # numbers that stand for one token on its way through the network
HEADS = 4
CONTEXT = 16  # positions the network can look back over, itself included
LR, BETAS, EPS = 0.01, (0.85, 0.99), 1e-8  # of Adam

Vector = list[Any]
Parameters = dict[str, list[Vector]]  # rows of weights, one for each token, position or output


def init_parameters(vocabulary: int, seed: int = 0) -> Parameters:
    """Small random weights, the rows and columns of each matrix as below; vocabulary: tokens."""
    shapes = {
        "wte": (vocabulary, WIDTH),  # what each token means
        "wpe": (CONTEXT, WIDTH),  # what each position means
        **dict.fromkeys(("wq", "wk", "wv", "wo"), (WIDTH, WIDTH)),  # query, key, value, output
        "mlp_in": (4 * WIDTH, WIDTH),
        "mlp_out": (WIDTH, 4 * WIDTH),
        "lm_head": (vocabulary, WIDTH),
    }
    rng = Random(seed)
    return {
        name: [[rng.gauss(0.0, 0.08) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in shapes.items()
    }


def loss(params: Parameters, tokens: Sequence[int]) -> Any:
    """The mean cross-entropy of each token of a document after the first, in nats.

    Raises LengthError if the document has fewer than 2 tokens or more than CONTEXT + 1.
    """
    pairs = zip(logits(params, tokens[:-1]), tokens[1:], strict=True)
    # -log(softmax(scores)[target]), without the other probabilities, which no one asks for
    return mean([logsumexp(scores) - take(scores, target) for scores, target in pairs])


def logits(params: Parameters, tokens: Sequence[int]) -> list[Vector]:
    """For each position, a score for each token that may come next.

    Raises LengthError if there are no tokens, or more than CONTEXT.
    """
    if not 1 <= len(tokens) <= CONTEXT:
        raise LengthError(
            f"expected 1 to {CONTEXT} positions, but got {len(tokens)}; encode() cuts to fit"
        )
    xs = [add(take(params["wte"], token), params["wpe"][i]) for i, token in enumerate(tokens)]
    xs = list(map(rms_norm, xs))
    xs = list(map(add, xs, attention(params, list(map(rms_norm, xs)))))
    xs = [add(x, mlp(params, rms_norm(x))) for x in xs]
    return [matvec(params["lm_head"], x) for x in xs]


def attention(params: Parameters, xs: list[Vector]) -> list[Vector]:
    """Each position gathers from those up to itself, with several heads. Vaswani et al. 2017."""
    queries, keys, values = [[matvec(params[w], x) for x in xs] for w in ("wq", "wk", "wv")]
    outputs = []
    for position, query in enumerate(queries):
        gathered: Vector = []
        for start in range(0, WIDTH, WIDTH // HEADS):
            head = slice(start, start + WIDTH // HEADS)
            ks, vs = [[row[head] for row in rows[: position + 1]] for rows in (keys, values)]
            gathered += attend(query[head], ks, vs)
        outputs.append(matvec(params["wo"], gathered))
    return outputs


def attend(query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
    """The mean of the values, each weighted by how well its key answers the query."""
    weights = softmax([dot(query, key) / len(query) ** 0.5 for key in keys])
    return [dot(weights, column) for column in zip(*values, strict=True)]


def mlp(params: Parameters, x: Vector) -> Vector:
    """One hidden layer of relus, four times as wide."""
    return matvec(params["mlp_out"], [relu(h) for h in matvec(params["mlp_in"], x)])


def rms_norm(x: Vector) -> Vector:
    """The vector, scaled to a mean square of 1. Zhang & Sennrich 2019, arXiv:1910.07467."""
    scale = 1.0 / sqrt(dot(x, x) / len(x) + 1e-5)
    return [xi * scale for xi in x]


def matvec(weights: list[Vector], x: Vector) -> Vector:
    """A layer: one node for each row of weights."""
    return [dot(row, x) for row in weights]


def add(x: Vector, y: Vector) -> Vector:
    """The sum of two vectors."""
    return [a + b for a, b in zip(x, y, strict=True)]


gradient = value_and_grad(loss)
fast_gradient = jit(gradient)  # a program for each length of document, made when it first comes


def rule(param: Any, grad: Any, m: Any, v: Any, step: Any, lr: Any) -> tuple[Any, Any, Any]:
    """How one parameter moves, and its running means."""
    return adam(param, grad, m, v, step, lr=lr, betas=BETAS, eps=EPS)


fast_step = jit_step(loss, rule, states=2)  # the gradient and Adam in one call


def train(
    params: Packed, documents: Sequence[Sequence[int]], steps: int, lr: float = LR
) -> Iterator[float]:
    """Move the parameters, in place, by Adam on one document a step; gives the loss before each.

    documents: encoded; they come round again after the last. lr falls in a line towards 0.
    """
    means_and_squares = [0.0 * params.flat, 0.0 * params.flat]
    for step in range(steps):
        document = documents[step % len(documents)]
        rate = lr * (1.0 - step / steps)
        yield fast_step(params, means_and_squares, document, step=step + 1, lr=rate)


def train_eager(
    params: Parameters, documents: Sequence[Sequence[int]], steps: int, lr: float = LR
) -> Iterator[float]:
    """The same without the compiler: some 64,000 nodes a step, made and freed again."""
    means, squares = [{k: [[0.0] * len(p) for p in params[k]] for k in params} for _ in range(2)]
    for step in range(steps):
        value, grads = gradient(params, documents[step % len(documents)])
        rate = lr * (1.0 - step / steps)
        for k in params:
            for rows in zip(params[k], grads[k], means[k], squares[k], strict=True):
                p, _, m, v = rows
                moved = [rule(*numbers, step + 1, rate) for numbers in zip(*rows, strict=True)]
                p[:], m[:], v[:] = zip(*moved, strict=True)
        yield value


def sample(params: Parameters, alphabet: str, rng: Random, temperature: float = 0.5) -> str:
    """A new document; temperature above 0: the lower, the more often the likeliest letter."""
    letters = ""
    while len(letters) < CONTEXT:
        scores = logits(params, encode(letters, alphabet)[:-1])[-1]
        chances = softmax([score / temperature for score in scores])
        letter = rng.choices([*alphabet, ""], chances)[0]
        if not letter:
            return letters
        letters += letter
    return letters


def encode(document: str, alphabet: str) -> list[int]:
    """The tokens of a document between two edges, cut to the CONTEXT + 1 that the loss can take."""
    edge = len(alphabet)
    return [edge, *map(alphabet.index, document), edge][: CONTEXT + 1]


def faker_names(seed: int = 0) -> list[str]:
    """A few hundred first names in small letters. Raises MissingExtraError without faker."""
    try:
        from faker import Faker
    except ImportError:
        raise MissingExtraError("names need faker: pip install faker, or give a file") from None
    faker = Faker("en_US")
    faker.seed_instance(seed)
    return sorted({faker.first_name().lower() for _ in range(3000)})


def main() -> None:
    """Train, and print losses and samples."""
    parser = argparse.ArgumentParser(description="Train a GPT out of scalars to spell names.")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--file", type=Path, help="one document a line (default: faker's names)")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eager", action="store_true", help="without the compiler")
    arguments = parser.parse_args()
    try:
        lines = arguments.file.read_text("utf-8").splitlines() if arguments.file else faker_names()
    except (OSError, UnicodeError, MissingExtraError) as e:
        parser.error(str(e))
    documents = [line.strip() for line in lines if line.strip()]
    if not documents:
        parser.error(f"expected at least one document, a line each, but {arguments.file} has none")
    rng = Random(arguments.seed)
    rng.shuffle(documents)
    alphabet = "".join(sorted(set("".join(documents))))
    params = init_parameters(len(alphabet) + 1, arguments.seed)
    print(f"{len(documents)} documents, an alphabet of {len(alphabet)}")
    encoded = [encode(document, alphabet) for document in documents]
    network: Any = params if arguments.eager else Packed.of(params)
    losses = (train_eager if arguments.eager else train)(network, encoded, arguments.steps)
    for step, value in enumerate(losses, 1):
        print(f"step {step} of {arguments.steps}: loss {value:.4f}")
    params = network if arguments.eager else network.tree
    for _ in range(arguments.samples):
        print(sample(params, alphabet, rng, arguments.temperature))


if __name__ == "__main__":
    main()
