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
# # Ten thousand starts
#
# A network starts from random numbers. Train it again from other ones, and it may end elsewhere:
# one start learns XOR, the next never does. How often? One training is an anecdote; here we make
# ten thousand, in about the time it takes to read this page.

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import math

import nn
from autograd import silence
from nn import Adam, gate
from nn.exercises import check_number
from nn.layers import Dense
from nn.models import Sequential
from nn.plots import decision_boundary
from nn.plots.figure import BLUE, GREY, ORANGE, new_figure, plain

xs, ys = gate("xor")


def build(width, activation, seed):
    """A network with one hidden layer, told how to train."""
    model = Sequential(
        [Dense(width, input_dim=2, activation=activation), Dense(1, activation="sigmoid")],
        seed=seed,
    )
    model.compile(optimizer=Adam(lr=0.1), loss="binary_crossentropy", metrics=["accuracy"])
    return model


# %% [markdown]
# Two hidden units are enough to say XOR (`02_gates` found the weights by hand). Are they enough to
# *learn* it? Eight starts, one after the other. (glassgrad would tell us each time what went wrong.
# Here we want to find out, so we silence it.)

# %%
silence("dead-relu")
for seed in range(8):
    model = build(width=2, activation="relu", seed=seed)
    history = model.fit(xs, ys, epochs=500, batch_size=None, verbose=0)
    print(f"seed {seed}: loss {history.losses[-1]:.2f}")

# %% [markdown]
# **What you should see:** hardly any of them gets near 0. And those that fail do not fail just
# somehow: the same few losses come again and again. Remember them.
#
# ## Side by side
#
# A processor core can do the same operation on several numbers at once, in its *lanes*. Usually the
# lanes hold the rows of a batch. But nothing keeps us from putting a different *network* into each:
# same operations, other numbers. That is what `nn.sweep` does with all points that have the same
# structure; each comes out as if it had been trained alone.

# %%
grid = {"width": [2], "activation": ["relu"], "seed": range(1000)}
two = nn.sweep(build, grid, (xs, ys), epochs=500, batch_size=None)
len(two)

# %% [markdown]
# `two.table` has a line for each start: its point, and what became of it. Here are all losses:


# %%
def losses_of(sweep, **wanted):
    """The losses of the points that have these values."""
    return [r["loss"] for r in sweep.table if all(r[k] == x for k, x in wanted.items())]


plateaus = {"0": 0.0, "A": 0.5 * math.log(2), "B": 0.4774, "C": math.log(2)}


def histogram(losses, title):
    """How often each loss came, with the plateaus marked."""
    figure = new_figure(8, 2.8)
    axes = figure.add_subplot()
    axes.hist(losses, bins=[i / 100 for i in range(75)], color=BLUE)
    for name, x in plateaus.items():
        axes.axvline(x, ls=":", color=ORANGE)
        axes.text(x + 0.012, 0.9, name, transform=axes.get_xaxis_transform(), color=GREY)
    axes.set(xlabel="loss after 500 epochs", ylabel="starts", title=title)
    plain(axes)
    return figure


histogram(losses_of(two), "1,000 starts, two relu units")

# %% [markdown]
# **What you should see:** four piles and next to nothing between them. A sixth of the starts has
# learned XOR (0); the others are stuck on one of three *plateaus*, where the ground is flat.
#
# ## What sits on a plateau
#
# What do the hidden units of a start say for the four rows, and what does the network make of it?


# %%
def hidden(model):
    """What the hidden units say for each row."""
    first = model.layers[0]
    return [[max(unit(x).data, 0.0) for unit in first.neurons] for x in xs]


def count_dead(model):
    """How many units say 0 whatever the row."""
    return sum(not any(column) for column in zip(*hidden(model), strict=True))


def show(model):
    """A table of the rows, the hidden units and the prediction."""
    for x, row, y, (p,) in zip(xs, hidden(model), ys, model.predict(xs), strict=True):
        numbers = "  ".join(f"{u:5.2f}" for u in row)
        print(f"input {list(x)}   hidden {numbers}   says {p:.2f}   should {y}")


dead = [count_dead(model) for model in two.models]
show(two.model(dead.index(2)))

# %% [markdown]
# **What you should see:** in this one both units say 0 whatever the input. They are *dead*: the
# sum before the `relu` is negative for all four rows, the slope of `relu` there is 0, and so no
# gradient ever reaches their weights. The output unit is left with its bias alone, and the best it
# can do is to say 1/2 to everything, which costs $\ln 2 = 0.69$: pile C.
#
# Now one from pile B:


# %%
def near(x):
    """The first start that ended near this loss."""
    return next(two.model(k) for k, r in enumerate(two.table) if abs(r["loss"] - x) < 0.01)


show(near(plateaus["B"]))
decision_boundary(near(plateaus["B"]), xs, ys, title="stuck on B")

# %% [markdown]
# **What you should see:** the other kind of stuck. One row is told apart, the other three look the
# same to the network, and of those two are of one kind and one is of the other: the best guess is
# 2/3 and 1/3.
#
# Now count. In how many of the thousand is a unit dead, and what does that do to learning?

# %%
for n in range(3):
    of = [row for row, k in zip(two.table, dead, strict=True) if k == n]
    share = 100 * sum(row["loss"] < 0.1 for row in of) / len(of)
    print(f"{n} dead units: {len(of) / 10:.0f} % of all starts; {share:.0f} % of them learned XOR")

# %% [markdown]
# **What you should see:** with a dead unit not one has learned it: one unit is a single straight
# bend, and XOR needs two. With both alive half of them do, and it looks like this:

# %%
decision_boundary(near(0.0), xs, ys, title="learned")

# %% [markdown]
# ## By width and activation
#
# So what helps: more units, or units that do not die? Ten thousand starts:

# %%
grid = {
    "width": [1, 2, 3, 4, 6, 8],
    "activation": ["relu", "sigmoid", "tanh"],
    "seed": range(556),
}
many = nn.sweep(build, grid, (xs, ys), epochs=500, batch_size=None)
print(f"{len(many):,} networks")
many.plot("width", "activation", lambda row: row["loss"] < 0.1, title="how many starts learn XOR")

# %% [markdown]
# **What you should see:** with one unit nobody learns it, whatever the unit (it cannot be done).
# With two, half of the `tanh` and `sigmoid` networks do, and one in six of the `relu` ones. With
# six, nearly all do; but of the `relu` networks a quarter still gets stuck.
#
# More units are more chances that enough of them are alive and look in different directions. That
# is one reason why networks are made larger than they need be: not to *say* more, but to *find* it.
#
# Do `tanh` units get stuck, too? They cannot die like that:

# %%
histogram(losses_of(many, width=2, activation="tanh"), "556 starts, two tanh units")

# %% [markdown]
# **What you should see:** they do, but on plateau A mostly, and never on C: a `tanh` is nowhere
# quite flat. On A the network draws one straight line too few: two rows are right, and of the other
# two, which look alike to it, one is 0 and one is 1.
#
# ## Rates, too
#
# The lanes may differ in more than their seed: in the learning rate, say. The middle half of a
# hundred starts for each of several:


# %%
def with_rate(lr, seed):
    """Four tanh units, and a rate."""
    model = build(width=4, activation="tanh", seed=seed)
    model.compile(optimizer=Adam(lr=lr), loss="binary_crossentropy")
    return model


rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
by_rate = nn.sweep(
    with_rate, {"lr": rates, "seed": range(100)}, (xs, ys), epochs=300, batch_size=None
)
by_rate.plot("lr", value="loss", title="after 300 epochs")

# %% [markdown]
# **What you should see:** a valley. With small steps 300 epochs lead nowhere; with large ones the
# sigmoid at the end, or the `tanh`, is driven onto its flat arms at once, and stays there.
# In between is a wide range in which it hardly matters.
#
# ## Your turn
#
# **1.** On plateau C the network says 1/2 to each of the four rows. The loss is the mean of
# $-\ln p$, where $p$ is the probability that the network gives to the truth. What is it? (Python
# has `math.log`.)

# %%
on_plateau_c = ...

check_number(on_plateau_c, math.log(2), "It is minus the logarithm of what is given to the truth.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# on_plateau_c = -math.log(1 / 2)
# ```
#
# </details>

# %% [markdown]
# **2.** On plateau A two rows are right (they cost next to nothing), and the network says 1/2 to
# the other two. What is the loss?

# %%
on_plateau_a = ...

check_number(on_plateau_a, math.log(2) / 2, "The loss is the mean over all four rows.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# on_plateau_a = (0 + 0 - math.log(1 / 2) - math.log(1 / 2)) / 4
# ```
#
# </details>

# %% [markdown]
# **3.** On plateau B one row is right. To the other three the network gives one and the same
# answer: 2/3 for the class that two of them have, 1/3 for the other. What is the loss?

# %%
on_plateau_b = ...

of_three = -2 * math.log(2 / 3) - math.log(1 / 3)
check_number(on_plateau_b, of_three / 4, "Two rows are given 2/3, one is given 1/3, one costs 0.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# on_plateau_b = (0 - 2 * math.log(2 / 3) - math.log(1 / 3)) / 4
# ```
#
# </details>

# %% [markdown]
# **4.** If one start in six learns, how many must you try so that with 99 % probability at least
# one of them does? (All of $n$ fail with probability $(5/6)^n$.)

# %%
starts = ...

enough = next(n for n in range(1000) if (5 / 6) ** n <= 0.01)
check_number(starts, enough, "Try until (5/6)**n is no more than 1/100.")

# %% [markdown]
# <details><summary>A solution</summary>
#
# ```python
# starts = math.ceil(math.log(0.01) / math.log(5 / 6))
# ```
#
# </details>

# %% [markdown]
# ## Where to go on
#
# - `nn.sweep(build, grid, data, ...)` takes your own networks, data and grid; `sweep.best`,
#   `sweep.model()`, `sweep.table.to_pandas()` go on from there.
# - `autograd.vmap` is the general form: any function, written for one example, for many at once.
