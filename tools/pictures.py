"""Draws the README's picture: `python -m tools.pictures`. Look at it afterwards."""

from pathlib import Path

from autograd import Value, draw
from nn import MLP, mse

ROOT = Path(__file__).resolve().parent.parent


def xor_loss() -> Value:
    """The loss of an untrained network on one row of XOR, after backward."""
    model = MLP(2, [2, 1], activation="tanh", output_activation="sigmoid", seed=3)
    inputs = [Value(1.0, "x1"), Value(0.0, "x2")]
    loss: Value = mse([model(inputs)], [1.0])
    loss.label = "loss"
    loss.backward()
    return loss


if __name__ == "__main__":
    print("wrote", draw(xor_loss()).save(ROOT / "docs" / "xor.png"))
