"""Pictures of training, with matplotlib: each function gives a Figure, `.savefig(path)` writes it.

Figures are made without pyplot: no global state, and no screen needed. Nothing is told by colour
alone, and the colours are told apart by the colour-blind.
"""

from nn.plots.boundary import decision_boundary as decision_boundary
from nn.plots.boundary import decision_regions as decision_regions
from nn.plots.curves import history_curves as history_curves
from nn.plots.curves import loss_curve as loss_curve
from nn.plots.grids import answers as answers
from nn.plots.grids import confusion_matrix_plot as confusion_matrix_plot
from nn.plots.grids import hidden_neurons as hidden_neurons
from nn.plots.grids import images as images
from nn.plots.layers import gradient_flow as gradient_flow
from nn.plots.layers import histograms as histograms
from nn.plots.network import network as network
from nn.plots.sweeps import heat_map as heat_map
from nn.plots.sweeps import line_with_spread as line_with_spread
