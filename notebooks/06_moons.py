# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Moons
#
# A gate has four examples, and you can solve it by hand. Real questions have hundreds, they are
# noisy, and nobody tells you where the border runs. Here a network finds a border that is not
# straight, and you watch it do so: as a film, epoch by epoch. At the end it learns too well, which
# is the most common mistake of all. (You know gradient descent and hidden layers from `02_gates`.)

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import nn
from nn.layers import Dense
from nn.models import Sequential
from nn.plots import history_curves

# %% [markdown]
# ## The data
#
# Three hundred points on two half moons, each with an end inside the other, and shaken a little. A
# hundred of them we put away. The network never learns from those; they will tell us whether it
# understood the moons, or only learned points by heart.

# %%
moons = nn.data.moons(300, noise=0.2, seed=0)
train, test = moons.split(test=100, seed=0, stratify=True)
print(train)
print(test)


# %%
def dots(panel, data):
    for kind, marker, color in ((0, "o", "#e07b1a"), (1, "s", "#1f6fb4")):
        x1, x2 = data.xs[data.ys == kind].T
        panel.plot(x1, x2, marker, color=color, ms=5, mec="black", mew=0.5)


figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
for panel, data, name in zip(panels, (train, test), ("to learn from", "put away"), strict=True):
    dots(panel, data)
    panel.set(title=f"{name}: {len(data.xs)} points", xlabel="$x_1$", ylabel="$x_2$")
    panel.set_aspect("equal")

# %% [markdown]
# ## One neuron draws a straight line
#
# That much we know. It is still the first thing to try: it tells how hard the question is, and
# anything cleverer must do better.


# %%
def network(*hidden, seed=1, lr=0.03):
    """Hidden layers of these sizes, and one neuron that answers."""
    layers = [Dense(n, activation="tanh") for n in hidden]
    model = Sequential([*layers, Dense(1, activation="sigmoid")], seed=seed)
    model.compile(nn.Adam(lr=lr), "binary_crossentropy", ["accuracy"])
    return model


line = network()
line.fit(train.xs, train.ys, epochs=150, batch_size=20, verbose=0)
print(f"right: {line.evaluate(*train)[1]:.0%} of those it learned from, ", end="")
print(f"{line.evaluate(*test)[1]:.0%} of those put away")


# %%
def shade(panel, predict, data, steps=80):
    """What is answered where: paler where it is less sure, and the border."""
    low, high = data.xs.min(axis=0) - 0.3, data.xs.max(axis=0) + 0.3
    across, up = (np.linspace(a, b, steps) for a, b in zip(low, high, strict=True))
    points = np.array([[x1, x2] for x2 in up for x1 in across])
    grid = np.reshape(predict(points), (steps, steps))
    colors = LinearSegmentedColormap.from_list("answer", ["#f0bd8c", "#ffffff", "#8fb7d9"])
    panel.contourf(across, up, grid, levels=np.linspace(0, 1, 11), cmap=colors)
    if grid.min() < 0.5 < grid.max():
        panel.contour(across, up, grid, levels=[0.5], colors="black")
    dots(panel, data)
    panel.set(xticks=[], yticks=[])


figure, panel = plt.subplots(figsize=(4.6, 3), layout="constrained")
shade(panel, line.predict, train)

# %% [markdown]
# Four out of five, on points it has never seen. The tips of the moons are on the wrong side, and no
# straight line can help it.
#
# ## A hidden layer bends it
#
# Now eight neurons in between, each with a line of its own. We train, and film it: `nn.film` keeps
# what the network says all over the plane, the loss, and the network itself, at forty moments.

# %%
model = network(8)
title = "Eight neurons learn the moons"
film = nn.film(
    model, train, epochs=160, frames=41, batch_size=20, samples=[49, 12, 42], title=title
)
film

# %% [markdown]
# (Some sites that show notebooks leave films out. `film.save("moons.html")` writes one that opens
# in any browser, also without a network.)
#
# Press play, or use the arrow keys. What you should see:
#
# - **What it answers.** At first a straight border: that is the way the slope is steepest. Then it
#   bends, once, and once more, and the crosses (wrong answers) go away one by one.
# - **Loss.** It falls, then there is a plain where hardly anything happens, then it falls again:
#   that is where the border begins to bend.
# - **The network, with one sample.** Blue lines are weights. They start out small and grow: large
#   weights make sharp bends. Orange lines are the gradient of this sample's loss. As long as its
#   answer is wrong they are wide; once it is right, they fade. No error, no blame. (The third of
#   the samples stays wrong to the end: noise has put it among the others, and its neighbours win.)
#
# The same in four stills:

# %%
stills = network(8)
figure, panels = plt.subplots(1, 4, figsize=(12, 2.7), layout="constrained")
for panel, epoch in zip(panels, (5, 20, 40, 160), strict=True):
    rest = epoch - stills.epochs_trained
    stills.fit(train.xs, train.ys, epochs=rest, batch_size=20, verbose=0)
    shade(panel, stills.predict, train)
    panel.set(title=f"after epoch {epoch}: {stills.evaluate(*train)[1]:.0%} right")

# %% [markdown]
# This is the same training as in the film, only with pauses: a model goes on to the bit where it
# stopped. And the points it has never seen?

# %%
print(f"right: {model.evaluate(*train)[1]:.0%} of those it learned from, ", end="")
print(f"{model.evaluate(*test)[1]:.0%} of those put away")

# %% [markdown]
# As good on new points as on known ones. It has not learned points, it has learned moons.
#
# ## What each hidden neuron does
#
# Each of the eight has its line, where it says 0: on the blue side it says up to 1, on the orange
# side down to −1. Above stands the weight with which the last neuron listens to it.

# %%
figure, panels = plt.subplots(2, 4, figsize=(11, 5), layout="constrained")
kernel, bias, heard_with, _ = (np.array(w) for w in model.get_weights())
for i, panel in enumerate(panels.flat):
    shade(panel, lambda xs, i=i: (1 + np.tanh(xs @ kernel[:, i] + bias[i])) / 2, train)
    panel.set(title=f"neuron {i}, weight {heard_with[i, 0]:+.1f}")

# %% [markdown]
# Lines, nothing but lines. A sum of eight soft steps, each turned its own way, makes the bent
# border. Some of them are nearly the same: eight were more than it needed.
#
# ## How many neurons does it take?


# %%
def best_of_three(data, hidden, **options):
    """The start is a matter of luck: train from three seeds, keep the one with the least loss."""
    tried = [network(hidden, seed=seed, **options) for seed in range(3)]
    for one in tried:
        one.fit(data.xs, data.ys, epochs=160, batch_size=20, verbose=0)
    return min(tried, key=lambda one: one.evaluate(*data)[0])


figure, panels = plt.subplots(1, 4, figsize=(12, 2.7), layout="constrained")
for panel, hidden in zip(panels, (1, 2, 3, 16), strict=True):
    tried = best_of_three(train, hidden)
    shade(panel, tried.predict, train)
    panel.set(title=f"{hidden} hidden: {tried.evaluate(*test)[1]:.0%} of new points")

# %% [markdown]
# One is a line again. Two make one bend, three make the two bends that these moons have, and more
# do no harm here. (Why three starts? With just enough neurons, a network may begin in a place from
# which no slope leads on. Spare neurons make that unlikely.)
#
# ## Learning too well
#
# Do more neurons never do harm? They do when there are few points and much noise. Forty points now,
# shaken so much that the moons overlap, a network with over a thousand weights, and all the time it
# wants:

# %%
noisy = nn.data.moons(340, noise=0.35, seed=3)
few, new = noisy.split(test=300, seed=0, stratify=True)
large = network(32, 32, seed=0, lr=0.01)
history = large.fit(few.xs, few.ys, epochs=400, batch_size=None, validation_data=new, verbose=0)
print(f"right: {large.evaluate(*few)[1]:.0%} of those it learned from, ", end="")
print(f"{large.evaluate(*new)[1]:.0%} of new ones")

# %%
figure, panel = plt.subplots(figsize=(4.6, 3), layout="constrained")
shade(panel, large.predict, few)

# %% [markdown]
# Every point is on its right side. For that the border winds around single points that noise had
# put in the wrong place. There is nothing to find out about noise; it will lie elsewhere next time.
# This is **overfitting**: learned by heart, not understood. You cannot see it in the training loss:

# %%
history_curves(history)

# %% [markdown]
# The solid curve, on points it learns from, falls all the way. The dashed one, on new points, falls
# for a few epochs and then **rises**: from there on, each epoch makes the network surer of what is
# wrong. That is why we put points away. Look at them while you train, stop when they get worse, and
# go back to the best moment:

# %%
stopped = network(32, 32, seed=0, lr=0.01)
stop = nn.callbacks.EarlyStopping(patience=30, restore_best_weights=True)
stopped.fit(
    few.xs, few.ys, epochs=400, batch_size=None, validation_data=new, callbacks=[stop], verbose=0
)
print(f"back to epoch {stop.best_epoch + 1}")
print(f"right: {stopped.evaluate(*few)[1]:.0%} of those it learned from, ", end="")
print(f"{stopped.evaluate(*new)[1]:.0%} of new ones")
print(f"loss on new points: {stopped.evaluate(*new)[0]:.2f}, before: {large.evaluate(*new)[0]:.2f}")

# %%
figure, panels = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
panels[0].set(title="stopped in time: what it learned from")
panels[1].set(title="the same border, new points")
shade(panels[0], stopped.predict, few)
shade(panels[1], stopped.predict, new)

# %% [markdown]
# It gets some of the forty wrong, and is the better network for it.

# %% [markdown]
# ## Your turn
#
# Replace each `...` by your answer and run the cell.


# %%
def check(answer, right, hint):
    if answer is ...:
        print("not answered yet")
    else:
        assert right(answer), f"not yet. {hint}"
        print("right!")


# %% [markdown]
# **1.** How many numbers did `network(8)` have to learn? Count weights and biases on paper. (Two
# inputs, eight hidden neurons, one that answers.)

# %%
numbers = ...

check(
    numbers,
    lambda n: n == len(model.parameters()),
    "A hidden neuron has 2 weights and a bias, the last one 8 weights and a bias.",
)

# %% [markdown]
# **2.** The film knows what was wrong when. After which epoch of the film were, for the first time,
# fewer than twelve of the 200 points wrong? Find it with the slider, or with code: each of
# `film.data["frames"]` has an `"epoch"` and a list `"wrong"`.

# %%
first_epoch = ...

check(
    first_epoch,
    lambda e: e == next(f["epoch"] for f in film.data["frames"] if len(f["wrong"]) < 12),
    "Go through the frames from the start; stop at the first whose list has fewer than 12 rows.",
)

# %% [markdown]
# **3.** Here are the losses of four epochs, on points learned from and on points put away. Which
# epoch (1, 2, 3 or 4) would you keep?
#
# | epoch | learned from | put away |
# |---|---|---|
# | 1 | 0.61 | 0.63 |
# | 2 | 0.38 | 0.44 |
# | 3 | 0.22 | 0.41 |
# | 4 | 0.09 | 0.58 |

# %%
keep = ...

check(keep, lambda k: k == 3, "Which column tells how it will do on points it has not seen?")

# %% [markdown]
# **4.** A ring: class 0 lies around class 1. What is the least number of hidden neurons with which
# a border can close around the middle? Think first, then try.

# %%
hidden_for_ring = ...

ring = nn.data.circles(200, noise=0.05, seed=0)


def surrounds(hidden):
    return best_of_three(ring, hidden, lr=0.1).evaluate(*ring)[1] > 0.98


check(
    hidden_for_ring,
    lambda n: surrounds(n) and not surrounds(n - 1),
    "Too few lines cannot surround anything; and is one less enough as well?",
)

# %% [markdown]
# ## Where to go on
#
# - `nn.film(network(3, seed=2), train, epochs=160, batch_size=20)`: a training that gets stuck.
#   Where?
# - `nn.data.spirals(200)` is much harder: two arms wound into each other. How many neurons, how
#   many layers? Film it.
# - `07_handwritten_digits`: the same with 64 inputs, where nobody can draw the plane any more.
