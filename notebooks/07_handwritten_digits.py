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
# # Handwritten digits
#
# Reading a digit takes you no effort, and you cannot say how you do it. So nobody can write it down
# as a program. But one can show a network examples. The task is the classic one: ten classes
# instead of two, 64 inputs instead of two, and pictures that somebody scribbled. We look at
# everything: at the data, at the mistakes, at how sure the network is, and at what its neurons look
# at. (The tools are those of `06_moons`.)

# %%
# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 80}
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

import nn
from autograd import softmax
from nn import plots
from nn.layers import Conv2D, Dense, Flatten, MaxPooling2D, Reshape
from nn.models import Sequential
from nn.regularizers import L2

# %% [markdown]
# ## Look at the data first
#
# 1,797 digits, written by 43 people, each 8 × 8 pixels with a brightness from 0 to 16. (They come
# with scikit-learn; nothing has to be downloaded.)

# %%
digits = nn.data.digits()
digits = replace(digits, xs=digits.xs / 16)  # from 0 to 1: networks like inputs of about that size
digits

# %%
plots.images(digits.images[:30], [f"is {y}" for y in digits.ys[:30]], columns=10)

# %% [markdown]
# That is all the network gets: 64 numbers. It does not know that they are a picture, or that pixels
# have neighbours. This is the first one, as it sees it:

# %%
print(np.round(digits.images[0], 1))

# %% [markdown]
# A quarter of the digits we put away, with its share of each class. They are for the end.

# %%
train, test = digits.split(test=0.25, seed=0, stratify=True)
print(train)
print(test)

# %% [markdown]
# ## Ten answers
#
# The last layer has ten neurons, one for each digit. Whichever says most is the answer. **Softmax**
# turns what they say into probabilities: all above 0, and together 1. Being a little ahead becomes
# being a little more likely:

# %%
for z in ([1.0, 1.0, 1.0], [2.0, 1.0, 1.0], [5.0, 1.0, 1.0]):
    print(z, "->", [round(p, 2) for p in softmax(z)])

# %% [markdown]
# The loss is the **cross-entropy**: minus the logarithm of the probability that the network gave to
# the right digit. If that is 1, the loss is 0; if it is 0.5, 0.69; and the nearer it comes to 0,
# the more it costs to have been so sure of the wrong thing.
#
# ## Train
#
# 64 inputs, 32 hidden neurons, 10 answers: 2,410 numbers to learn. `L2` adds a small price on large
# weights to the loss, so that weights which are not needed fade.


# %%
def dense(seed=0):
    hidden = Dense(32, activation="relu", input_dim=64, kernel_regularizer=L2(0.001))
    model = Sequential([hidden, Dense(10, activation="softmax")], seed=seed)
    model.compile(nn.Adam(lr=0.005), "sparse_categorical_crossentropy", ["accuracy"])
    return model


model = dense()
model.summary()

# %%
history = model.fit(train.xs, train.ys, epochs=30, validation_data=(test.xs, test.ys), verbose=0)
plots.history_curves(history)

# %% [markdown]
# What you should see: after a few epochs nine out of ten are right, after thirty nearly all of
# those it learned from, and some 97 % of the others. By guessing, it would be 10 %.
#
# ## Which are mistaken for which?
#
# One number hides a lot. The **confusion matrix** counts, for each digit, what was answered. On the
# diagonal are the right answers.

# %%
predictions = model.predict(test.xs)
answers = predictions.argmax(axis=1)
matrix = nn.confusion_matrix(test.ys, answers)
plots.confusion_matrix_plot(matrix, test.class_names)

# %% [markdown]
# The mistakes are not spread evenly. They are where you would expect them: digits that look alike
# when they are written in a hurry.
#
# ## How sure is it?
#
# The probabilities say more than the answer. Here are the digits of which it was least sure, with
# its first and its second choice. (A dashed frame and a cross: wrong.)

# %%
least_sure = np.argsort(predictions.max(axis=1))[:16]
plots.answers(test.images[least_sure], predictions[least_sure], test.ys[least_sure], columns=8)

# %% [markdown]
# Would you have known? Where it is wrong, the right digit is mostly its second choice. So a machine
# that may say "I do not know" below, say, 90 % makes far fewer mistakes:

# %%
sure = predictions.max(axis=1)
limits = np.linspace(0.3, 0.99, 40)
answered = [np.mean(sure >= limit) for limit in limits]
right = [np.mean((answers == test.ys)[sure >= limit]) for limit in limits]

figure, panel = plt.subplots(figsize=(5.6, 3), layout="constrained")
panel.plot(limits, right, color="#1f6fb4", label="right, of those answered")
panel.plot(limits, answered, "--", color="#e07b1a", label="answered at all")
panel.set(xlabel="how sure it must be to answer", ylabel="share", ylim=(0.7, 1.01))
panel.grid(alpha=0.3)
legend = panel.legend(frameon=False)

# %% [markdown]
# ## What the hidden neurons look at
#
# Each hidden neuron has 64 weights, one for each pixel. So they can be drawn as a picture: blue
# where ink speaks for this neuron, orange (with a minus) where it speaks against.

# %%
kernel = np.array(model.get_weights()[0])
plots.hidden_neurons(kernel.T[:16], (8, 8), title="what sixteen of the hidden neurons look at")

# %% [markdown]
# No digits, and not tidy to our eyes. They are strokes and gaps: ink here, and none there. Each
# neuron asks one such question, and the last layer puts the answers together. (If a field is all
# white, it is a neuron that never spoke up: a *dead relu*. `09_what_breaks` is about such things.)
#
# ## A weakness
#
# You read a digit just as well when it stands a little further to the right. The network?


# %%
def wrong(model, data):
    """The share of wrong answers."""
    return np.mean(model.predict(data.xs).argmax(axis=1) != data.ys)


def shifted(data, right):
    pictures = [nn.data.moved(image, (0, right)) for image in data.images]
    return replace(data, xs=np.reshape(pictures, (len(pictures), -1)))


moved = shifted(test, 1)
first = slice(0, 8)
plots.answers(moved.images[first], model.predict(moved.xs[first]), moved.ys[first])


# %%
def bars(shares, title):
    """Shares of wrong answers, the fewer the better."""
    _, panel = plt.subplots(figsize=(6.4, 0.45 * len(shares) + 0.9), layout="constrained")
    found = panel.barh(
        list(shares), [100 * s for s in shares.values()], color="#8fb7d9", ec="black"
    )
    panel.bar_label(found, fmt="%.1f %%", padding=3)
    panel.invert_yaxis()
    panel.margins(x=0.15)
    panel.set(title=title, xlabel="wrong answers, percent")


bars(
    {
        "where they were": wrong(model, test),
        "one pixel to the right": wrong(model, moved),
        "two pixels to the right": wrong(model, shifted(test, 2)),
    },
    "the network with 32 hidden neurons",
)

# %% [markdown]
# One pixel, and about half of the answers are wrong. No wonder: every weight belongs to one pixel.
# What it has learned about a stroke in one place tells it nothing about the same stroke beside it.
#
# Two ways to help it. **The first: more data.** Whoever wrote these digits could have put them a
# little elsewhere, or turned them a little. So we do that ourselves:

# %%
more = nn.data.augment(train, 4, seed=0)
print(more)
plots.images(more.images[:16], ["as it is", "moved", "moved", "moved"] * 4, columns=8)

# %% [markdown]
# **The second: build it in.** A *convolution* has small windows, 3 × 3 pixels here, and slides each
# over the whole picture with **the same nine weights everywhere**. What it learns about a stroke,
# it knows in all places at once. Then *pooling* keeps the largest of each 2 × 2 answers: that there
# was a stroke matters, not exactly where.


# %%
def convolutional(seed=0):
    layers = [
        Reshape((8, 8, 1), input_shape=(64,)),
        Conv2D(16, 3, padding="same", activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(10, activation="softmax"),
    ]
    model = Sequential(layers, seed=seed)
    model.compile(nn.Adam(lr=0.005), "sparse_categorical_crossentropy", ["accuracy"])
    return model


cnn = convolutional()
cnn.summary()

# %% [markdown]
# Not many more numbers than before: sixteen windows need 160, and the last layer has the rest.
# Train the dense network on the moved digits, and this one as well:

# %%
moved_dense = dense()
for network in (moved_dense, cnn):
    network.fit(more.xs, more.ys, epochs=12, verbose=0)

figure, panel = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
shifts = range(-2, 3)
for network, name, look in (
    (model, "dense", "o-"),
    (moved_dense, "dense, trained on moved digits", "s--"),
    (cnn, "convolution, trained on moved digits", "^-."),
):
    panel.plot(shifts, [100 * wrong(network, shifted(test, s)) for s in shifts], look, label=name)
panel.set(xlabel="pixels to the right", ylabel="wrong answers, percent", xticks=shifts)
panel.grid(alpha=0.3)
legend = panel.legend(frameon=False, fontsize=8)

# %% [markdown]
# Both ways help, and together they help most. (Two pixels of eight are a lot: often a part of the
# digit has left the picture.)
#
# What does a convolution see? Above the nine weights of four windows, below what each answers, all
# over one picture:

# %%
windows = np.array(cnn.layers[1].get_weights()[0])[:, :, 0, :]  # [3, 3, windows]
picture = test.images[3]
padded = np.pad(picture, 1)
patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))  # [8, 8, 3, 3]

figure, panels = plt.subplots(2, 5, figsize=(8.5, 3.6), layout="constrained")
panels[0, 0].axis("off")
panels[1, 0].imshow(picture, cmap="gray")
panels[1, 0].set(title="the picture", xticks=[], yticks=[])
bias = cnn.layers[1].get_weights()[1]
signed = LinearSegmentedColormap.from_list("signed", ["#f0bd8c", "#ffffff", "#8fb7d9"])
for k in range(4):
    top, bottom = panels[:, k + 1]
    largest = np.abs(windows[:, :, k]).max()
    top.imshow(windows[:, :, k], cmap=signed, vmin=-largest, vmax=largest)
    for (i, j), w in np.ndenumerate(windows[:, :, k]):
        top.text(j, i, f"{w:+.1f}", ha="center", va="center", fontsize=7)
    answer = np.maximum(np.einsum("ijab,ab->ij", patches, windows[:, :, k]) + bias[k], 0.0)
    bottom.imshow(answer, cmap="gray")
    top.set(title=f"window {k}", xticks=[], yticks=[])
    bottom.set(title="what it finds", xticks=[], yticks=[])

# %% [markdown]
# Each window looks for one thing, an edge in some direction or the end of a stroke, and says where
# it is.
#
# ## Ask several
#
# Networks that start from other numbers make other mistakes. So train five and take the mean of
# their probabilities. Such an **ensemble** errs less than most of its members: where one is wrong,
# the others outvote it.

# %%
ensemble = nn.Ensemble(convolutional, 5)
ensemble.fit(more.xs, more.ys, epochs=12, verbose=0)
shares = {"dense": wrong(model, test), "dense, moved digits": wrong(moved_dense, test)}
shares |= {f"convolution {k}": wrong(m, test) for k, m in enumerate(ensemble.models, 1)}
bars(
    shares | {"all five together": wrong(ensemble, test)},
    f"{len(test.xs)} digits it did not learn from",
)

# %% [markdown]
# And these are what is left. Perhaps you would have got them wrong, too:

# %%
final = ensemble.predict(test.xs)
missed = np.flatnonzero(final.argmax(axis=1) != test.ys)
plots.answers(test.images[missed], final[missed], test.ys[missed], columns=max(len(missed), 1))

# %% [markdown]
# One word of caution. We have looked at these digits again and again, and each time we kept what
# did well on them. Strictly, they are no longer digits "never seen": whoever wants an honest figure
# at the end keeps a third part back, and looks at it once.

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
# **1.** How many numbers would a network 64-20-10 learn? Count weights and biases.

# %%
numbers_64_20_10 = ...

small = Sequential([Dense(20, input_dim=64), Dense(10)])
check(
    numbers_64_20_10,
    lambda n: n == len(small.parameters()),
    "Each of the 20 has 64 weights and a bias; each of the 10 has 20 weights and a bias.",
)

# %% [markdown]
# **2.** The network says: 3 with 70 %, 8 with 20 %, 5 with 10 %. It is an 8. What is the loss? (Two
# decimals; `import math` and `math.log` are allowed.)

# %%
loss_of_the_8 = ...

row = [0.0, 0.0, 0.0, 0.7, 0.0, 0.1, 0.0, 0.0, 0.2, 0.0]
check(
    loss_of_the_8,
    lambda loss: abs(loss - nn.sparse_categorical_cross_entropy([row], [8])) < 0.01,
    "Minus the logarithm of the probability that the right digit got.",
)

# %% [markdown]
# **3.** A confusion matrix of three classes; rows are the true classes, columns the answers:
#
# | | said 0 | said 1 | said 2 |
# |---|---|---|---|
# | **is 0** | 9 | 1 | 0 |
# | **is 1** | 1 | 6 | 1 |
# | **is 2** | 0 | 3 | 7 |
#
# When the network says 1, how often is it right, as a fraction from 0 to 1? (This is called
# *precision*.)

# %%
precision_of_1 = ...

check(
    precision_of_1,
    lambda p: abs(p - 6 / (1 + 6 + 3)) < 0.001,
    "Look at the column: all the times it said 1. In how many of them was it a 1?",
)

# %% [markdown]
# **4.** You are the gradient: write a window, `[[...], [...], [...]]`, that finds the **upper
# edge** of a stroke. Its answer (the sum of weight times pixel) must be above 0 where it is dark
# above and bright below, not above 0 where it is all dark, all bright, or bright above and dark
# below.

# %%
window = ...


def finds_upper_edges(weights):
    def answer(*rows):
        return sum(
            w * pixel for ws, pixel in zip(weights, rows, strict=True) for w in ws
        )  # each row of pixels alike

    others = [answer(0, 0, 0), answer(1, 1, 1), answer(1, 1, 0), answer(1, 0, 0)]
    return answer(0, 0, 1) > 0 and answer(0, 1, 1) > 0 and max(others) <= 0


check(
    window,
    finds_upper_edges,
    "Ink above must speak against it, ink below for it, and the same ink in both must cancel.",
)

# %% [markdown]
# ## Where to go on
#
# - `python -m nn digits` does this in a terminal and keeps the pictures.
# - `nn.data.read_idx` reads MNIST, the same task with 70,000 digits of 28 × 28 pixels.
# - `nn.film(dense(), train, epochs=20)` films the network, with its weights and one sample of each
#   digit.
