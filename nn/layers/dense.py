"""Dense: each unit sees every input."""

from dataclasses import dataclass
from random import Random
from typing import Any, final

from nn.activations import Activation
from nn.layers.base import Pass, Shape, sizes
from nn.layers.units import Units


@final
@dataclass(eq=False, repr=False)
class Dense(Units):
    """activation(x @ kernel + bias): a row [n_in] gives [units], as a `Layer` does.

    Its options are Keras's, and by default the weights are drawn as an MLP's are.
    Raises HyperparameterError if an option makes no sense or the rows are not flat.
    """

    units: int
    activation: str | Activation | None = None

    def __post_init__(self, input_dim: int | None) -> None:
        sizes("units", self.units, 1)
        super().__post_init__(input_dim)

    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        return self.make_dense(input_shape, self.units, rng)

    def row(self, x: Any, run: Pass) -> Any:
        return self.outputs(self.sums([x]), run)[0]
