"""The traps of training, of which `autograd.notice` tells.

Each module looks at one thing: network.py at what a model is, rows.py at what it is given,
graph.py at the graph of its loss, gradients.py at what a step is taken with, outcome.py at what
came of it. What they look for is listed in `autograd.notices.TRAPS`.
"""
