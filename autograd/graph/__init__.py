from autograd.graph.drawing import Drawing as Drawing
from autograd.graph.drawing import draw as draw
