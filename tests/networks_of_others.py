"""Networks that have twins in PyTorch and Keras, made by tools/reference_weights.py."""

from nn.layers import Activation, Conv2D, Dense, Flatten, MaxPooling2D
from nn.models import Sequential


def mlp(seed: int = 0) -> Sequential:
    layers = [Dense(5, "sigmoid", input_dim=3), Dense(4, "relu"), Dense(2, use_bias=False)]
    return Sequential(layers, seed=seed)


def cnn(seed: int = 0) -> Sequential:
    return Sequential(
        [
            Conv2D(3, (2, 3), activation="relu", input_shape=(6, 9, 2)),
            MaxPooling2D(2),
            Conv2D(4, 1),
            Flatten(),
            Activation("sigmoid"),
            Dense(3, "softplus"),
        ],
        seed=seed,
    )
