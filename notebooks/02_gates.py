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
# # Gates
#
# A gate takes two numbers, each 0 or 1, and answers 0 or 1. It is the smallest thing one can teach
# a neuron. We teach it AND and OR, find a gate that no single neuron can learn, and see what it
# takes to learn that one as well. (You know what a node and its gradient are from
# `01_a_number_is_a_node`.)

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 90}
import matplotlib.pyplot as plt

import autograd
import nn
from autograd import draw
from nn.plots import decision_boundary, loss_curve

# %% [markdown]
# ## A gate is four examples

# %%
and_x, and_y = nn.gate("and")
or_x, or_y = nn.gate("or")
print("x1  x2   AND  OR")
for (x1, x2), a, o in zip(and_x, and_y, or_y, strict=True):
    print(f" {x1:.0f}   {x2:.0f}     {a:.0f}   {o:.0f}")

# %% [markdown]
# We shall not program the gate. We show these four lines to a neuron, and it has to find weights
# that give the right answers.

# %% [markdown]
# ## The perceptron
#
# The oldest neuron that learns (Frank Rosenblatt, 1958) weighs its inputs, adds a bias, and
# answers 1 if the sum is above 0, else 0. This jump is called a *step*. It starts knowing nothing:
# all weights are 0.

# %%
perceptron = nn.Neuron(2, "step", init="zeros")
[answer.data for answer in perceptron(and_x)]

# %% [markdown]
# It learns from its mistakes. Whenever the answer is wrong, each weight moves by
#
# $$(\text{target} - \text{answer}) \cdot \text{its input}$$
#
# and the bias likewise, with an input of 1. So an answer too low raises the weights of the inputs
# that were on, an answer too high lowers them, and a right answer changes nothing. Go through the
# examples until there is no mistake:

# %%
history = nn.perceptron_rule(perceptron, and_x, and_y, progress=False)
print("share of mistakes in each round:", history.losses)
print("weights:", [w.data for w in perceptron.w], "bias:", perceptron.b.data)
print("answers:", [answer.data for answer in perceptron(and_x)])

# %% [markdown]
# What do the weights say? The neuron answers 1 where $w_1 x_1 + w_2 x_2 + b$ is above 0, and the
# places where it is exactly 0 make a **straight line**. Let us ask the neuron not only at the four
# corners but everywhere:


# %%
def sums(points):
    """What the perceptron adds up to, before its step."""
    return [autograd.dot(perceptron.w, x, perceptron.b) for x in points]


decision_boundary(
    sums, and_x, and_y, from_score=autograd.step, title="a perceptron that learned AND"
)

# %% [markdown]
# On one side of the line the answer is 0, on the other, hatched side it is 1. Learning moved the
# line until all four points were answered rightly, and not an inch further: it runs right through
# one of them, where the sum is exactly 0, which still counts as a 0.
#
# OR works just as well, with another line:

# %%
perceptron = nn.Neuron(2, "step", init="zeros")
history = nn.perceptron_rule(perceptron, or_x, or_y, progress=False)
decision_boundary(sums, or_x, or_y, from_score=autograd.step, title="a perceptron that learned OR")

# %% [markdown]
# ## A step has no slope
#
# Rosenblatt's rule works for one neuron. With several in a row it is stuck: when the answer is
# wrong, which neuron is to blame? That is a question about derivatives, and we have an engine for
# derivatives. Let us ask it. The *loss* says how wrong an answer is: here, the squared distance
# from the target.

# %%
perceptron = nn.Neuron(2, "step", init="zeros")
loss = nn.mse([perceptron([1.0, 1.0])], [1.0])
loss.backward()
draw(loss)

# %% [markdown]
# The answer is wrong, so the loss is 1. Its gradient gets as far as the step, and there it ends:
# the local derivative is ×0. Everything behind it is grey, with a grad of 0. A step is flat; move
# a weight a little and the answer does not move at all. There is nothing to follow.
#
# So take a function with the same two ends and a slope between them:

# %%
zs = [i / 20 for i in range(-120, 121)]
figure, panels = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained")
for panel, name in zip(panels, ("step", "sigmoid", "tanh"), strict=True):
    f = nn.activation_function(name)
    slope = autograd.grad(f)
    panel.plot(zs, [f(z) for z in zs], color="#1f6fb4", label=name)
    panel.plot(zs, [slope(z) for z in zs], color="#e07b1a", linestyle="--", label="its slope")
    panel.legend(frameon=False)
    panel.grid(alpha=0.3)

# %% [markdown]
# The **sigmoid** goes smoothly from 0 to 1, **tanh** from −1 to 1. Their slope is largest in the
# middle, where the neuron has not made up its mind, and fades to both sides. (We did not work out
# the slopes. `autograd.grad` turns a function into its derivative.)

# %% [markdown]
# ## Learning by gradient descent
#
# The same neuron with a sigmoid, the same example:

# %%
neuron = nn.Neuron(2, "sigmoid", seed=0)
loss = nn.mse([neuron([1.0, 1.0])], [1.0])
loss.backward()
draw(loss)

# %% [markdown]
# Now the gradient gets through to the weights and the bias. It is negative (purple, dashed): raise
# a weight, and the loss falls.
#
# So this is the whole recipe. Predict; measure the loss; `backward()`; move each number a little
# *against* its gradient. Ten times, by hand:

# %%
neuron = nn.Neuron(2, "sigmoid", seed=0)
learning_rate = 2.0
for _ in range(10):
    neuron.zero_grad()
    loss = nn.mse(neuron(and_x), and_y)
    loss.backward()
    for p in neuron.parameters():
        p.data -= learning_rate * p.grad
    print(f"{loss:.3f}", end="  ")

# %% [markdown]
# Downhill, step by step. `nn.train` is this loop, and `nn.SGD` (stochastic gradient descent) is
# its last line:

# %%
sgd = nn.SGD(neuron.parameters(), lr=2.0)
history = nn.train(neuron, and_x, and_y, optimizer=sgd, epochs=500, progress=False)
print(history)
loss_curve(history.losses, title="one neuron learns AND")

# %% [markdown]
# (An *epoch* is one pass over all examples.) Fast at first, then slower and slower: as the sigmoid
# nears 0 and 1, its slope fades, and with it the gradient.

# %%
decision_boundary(neuron, and_x, and_y, title="a sigmoid neuron that learned AND")

# %% [markdown]
# Still a straight line, but with a soft edge. Where the shading is pale, the neuron is not sure.

# %% [markdown]
# ## XOR: one line is not enough
#
# XOR answers 1 if exactly one of its inputs is 1. First the perceptron:

# %%
xor_x, xor_y = nn.gate("xor")
perceptron = nn.Neuron(2, "step", init="zeros")
history = nn.perceptron_rule(perceptron, xor_x, xor_y, epochs=1000, progress=False)
print("share of mistakes in the last rounds:", history.losses[-5:])

# %% [markdown]
# A thousand rounds, and not one without a mistake. Then the neuron with a slope:

# %%
neuron = nn.Neuron(2, "sigmoid", seed=0)
sgd = nn.SGD(neuron.parameters(), lr=2.0)
history = nn.train(neuron, xor_x, xor_y, optimizer=sgd, epochs=500, progress=False)
print(history)
print("answers:", [f"{answer:.2f}" for answer in neuron(xor_x)])

# %% [markdown]
# It says "one half" to everything, and cannot do better. The picture shows why:

# %%
figure, panel = plt.subplots(figsize=(4.2, 4.2), layout="constrained")
panel.plot([0, 1], [1, 0], "--", color="#1f6fb4", zorder=1)
panel.plot([0, 1], [0, 1], ":", color="#e07b1a", zorder=1)
for (x1, x2), y in zip(xor_x, xor_y, strict=True):
    panel.plot(x1, x2, "s" if y else "o", color="#1f6fb4" if y else "#e07b1a", markersize=20)
    panel.text(x1, x2, f"{y:.0f}", color="white", weight="bold", ha="center", va="center")
panel.set(xlim=(-0.3, 1.3), ylim=(-0.3, 1.3), xlabel="$x_1$", ylabel="$x_2$", title="XOR")
panel.set(xticks=[0, 1], yticks=[0, 1], aspect="equal")
plt.show()

# %% [markdown]
# If a straight line had both 1s on one side, all of the dashed line between them would be on that
# side too. If it had both 0s on the other, so would be all of the dotted line. But the two cross
# in the middle, and the middle cannot be on both sides. This is no matter of more training: **no
# straight line does it**, so no single neuron can. (In 1969 this was a blow to the field.)

# %% [markdown]
# ## A hidden layer
#
# One line is not enough, so take several neurons, each with a line of its own, and one more neuron
# that looks at *their* answers instead of at the inputs. The ones between are called hidden.

# %%
model = nn.MLP(2, [4, 1], output_activation="sigmoid", seed=0)
model

# %% [markdown]
# MLP stands for multilayer perceptron. This one has 17 numbers to learn: 4 neurons with 2 weights
# and a bias each, and one with 4 weights and a bias. Before training, the loss of one example:

# %%
loss = nn.mse([model([1.0, 0.0])], [1.0])
loss.backward()
draw(loss)

# %% [markdown]
# Follow the gradient from right to left. It enters the output neuron, and fans out: each hidden
# neuron gets its share of the blame, in proportion to the weight through which it was heard. From
# there it goes on to the hidden neurons' own weights. This is why the slope was needed: the blame
# passes *through* a neuron to those behind it. And where an input is 0, nothing arrives at its
# weight: that weight had no part in this answer.
#
# For a quicker look, fold each neuron into a box:

# %%
draw(loss, fold=True)

# %% [markdown]
# Now train it, all four examples at a time. The loop is the same as for one neuron.

# %%
sgd = nn.SGD(model.parameters(), lr=1.0)
history = nn.train(model, xor_x, xor_y, optimizer=sgd, epochs=1000, progress=False)
print(history)
for (x1, x2), target, answer in zip(xor_x, xor_y, model(xor_x), strict=True):
    print(f"{x1:.0f} xor {x2:.0f} = {target:.0f}   the network says {answer:.3f}")

# %%
loss_curve(history.losses, title="four hidden neurons learn XOR")

# %% [markdown]
# At first hardly anything happens: the network is on a plain where it says "one half" to
# everything, like the single neuron. Then the hidden neurons begin to differ from each other, and
# the loss falls fast. (The scale is logarithmic: each line down is ten times less.)

# %%
decision_boundary(model, xor_x, xor_y, title="a network that learned XOR")

# %% [markdown]
# The boundary is no longer one straight line. And the gradient, now that the answer is right?

# %%
model.zero_grad()
loss = nn.mse([model([1.0, 0.0])], [1.0])
loss.backward()
draw(loss, fold=True)

# %% [markdown]
# The widths in a picture are relative to its largest gradient, so look at the numbers: they are
# far smaller than before training. **No error, no blame.** Here is the size of the whole gradient,
# over the whole training:

# %%
loss_curve(history.gradient_norms, title="size of the gradient", ylabel="gradient norm")

# %% [markdown]
# It is largest where the loss falls fastest: the gradient *is* the slope of the way down. Then it
# fades, and the weights come to rest.
#
# ## What the hidden neurons look at
#
# Each hidden neuron is a neuron like the first one: it has a line, and tells its two sides apart.

# %%
ticks = [i / 40 for i in range(-16, 57)]
figure, panels = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
for i, (panel, hidden) in enumerate(zip(panels, model.layers[0].neurons, strict=True)):
    grid = [[z.data for z in hidden([[x1, x2] for x1 in ticks])] for x2 in ticks]
    panel.contourf(ticks, ticks, grid, levels=20, cmap="PuOr_r", vmin=-2, vmax=2)
    panel.contour(ticks, ticks, grid, levels=[0.0], colors="black")
    for (x1, x2), y in zip(xor_x, xor_y, strict=True):
        panel.text(x1, x2, f"{y:.0f}", weight="bold", ha="center", va="center", fontsize=12)
    weight = model.layers[1].neurons[0].w[i].data
    panel.set(title=f"hidden neuron {i}\nheard with weight {weight:+.1f}", aspect="equal")
    panel.set(xticks=[0, 1], yticks=[0, 1])

# %% [markdown]
# The black line is where the neuron says 0; orange is towards 1, purple towards −1. No neuron
# solves XOR, each draws one line. The output neuron adds them up with the weights above the
# pictures, and only at the two 1s does the sum, with its bias, come out above 0.
#
# Put differently: the hidden layer moves the four points to other places, and there a straight
# line *is* enough. Nobody told it where. The gradients did.

# %% [markdown]
# ## Your turn
#
# Here you are the learning rule. Replace each `...` by weights and a bias, such as `(1, -2, 0.5)`,
# and run the cell.


# %%
def perceptron_by_hand(x1, x2, weights):
    w1, w2, b = weights
    return autograd.step(autograd.dot([w1, w2], [x1, x2], b))


def check(name, gate, *answers):
    if ... in answers:
        print("not answered yet")
        return
    for (x1, x2), target in zip(*nn.gate(name), strict=True):
        said = gate(x1, x2)
        assert said == target, f"not yet: for {x1:.0f}, {x2:.0f} it says {said}, not {target}"
    print("right!")


# %% [markdown]
# **1.** A perceptron that is OR.

# %%
for_or = ...

check("or", lambda x1, x2: perceptron_by_hand(x1, x2, for_or), for_or)

# %% [markdown]
# **2.** A perceptron that is NAND: 0 if both inputs are 1, else 1.

# %%
for_nand = ...

check("nand", lambda x1, x2: perceptron_by_hand(x1, x2, for_nand), for_nand)

# %% [markdown]
# **3.** XOR, of three perceptrons. The two hidden ones are your OR and your NAND; they feed a
# third. Which weights does it need? (Look for the inputs at which OR and NAND both say 1.)

# %%
for_output = ...


def xor_by_hand(x1, x2):
    hidden = perceptron_by_hand(x1, x2, for_or), perceptron_by_hand(x1, x2, for_nand)
    return perceptron_by_hand(*hidden, for_output)


check("xor", xor_by_hand, for_or, for_nand, for_output)

# %% [markdown]
# **4.** You built XOR with two hidden neurons. Can training find such weights too? Put in a number
# of hidden neurons and try: 1, 2, 3. Then change the seed. When it fails, look at
# `loss_curve(history.losses)`.

# %%
hidden_neurons = ...
seed = 0

if hidden_neurons is not ...:
    small = nn.MLP(2, [hidden_neurons, 1], output_activation="sigmoid", seed=seed)
    sgd = nn.SGD(small.parameters(), lr=1.0)
    history = nn.train(small, xor_x, xor_y, optimizer=sgd, epochs=1000, progress=False)
check("xor", lambda x1, x2: round(small([x1, x2]).data), hidden_neurons)

# %% [markdown]
# ## Where to go on
#
# - In a terminal, `python -m nn xor` does all of this at once and keeps the pictures. Try
#   `python -m nn xor --hidden 2 --seed 3`, or `python -m nn xor --hidden 0`.
# - `nn/layers/perceptron.py` has the neuron, the layer and the MLP, `nn/train.py` the loop you
#   wrote by hand.
# - Build the XOR network with `nn.MLP(2, [4, 1], fused=False)` and draw it: every product and
#   every sum is a node of its own.
