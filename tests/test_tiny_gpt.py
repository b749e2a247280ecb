"""The GPT out of scalars: the same numbers as NumPy, and it learns."""

import math
import sys
from random import Random

import numpy as np
import pytest

from autograd import LengthError, MissingExtraError, Packed, jit, value_and_grad
from benchmarks import gpt_peers, tiny_gpt

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
DOCUMENTS = ["a", "emmalin", "abcdefghijklmnop"]  # 2, 8 and, cut, 16 positions


@pytest.fixture
def params():
    return tiny_gpt.init_parameters(27, seed=1)


def encode(document):
    return tiny_gpt.encode(document, ALPHABET)


@pytest.fixture(params=["eager", "compiled"])
def train(request):
    """A function that moves the parameters in place and gives the losses, by either engine."""

    def eager(params, documents, **options):
        return list(tiny_gpt.train_eager(params, documents, **options))

    def compiled(params, documents, **options):
        packed = Packed.of(params)
        losses = list(tiny_gpt.train(packed, documents, **options))
        params.update(packed.tree)
        return losses

    return {"eager": eager, "compiled": compiled}[request.param]


def numpy_loss(params, tokens):
    """The network once more, written with matrices: all positions of a head at once."""
    w = {name: np.array(rows) for name, rows in params.items()}
    inputs, targets = tokens[:-1], tokens[1:]
    n = len(inputs)

    def norm(x):
        return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)

    def softmax(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    x = norm(w["wte"][inputs] + w["wpe"][:n])
    queries, keys, values = (norm(x) @ w[name].T for name in ("wq", "wk", "wv"))
    later = np.triu(np.full((n, n), -np.inf), k=1)
    heads = []
    for part in np.split(np.arange(16), 4):
        weights = softmax(queries[:, part] @ keys[:, part].T / 2.0 + later)
        heads.append(weights @ values[:, part])
    x = x + np.hstack(heads) @ w["wo"].T
    x = x + np.maximum(norm(x) @ w["mlp_in"].T, 0.0) @ w["mlp_out"].T
    chances = softmax(x @ w["lm_head"].T)
    return -np.log(chances[np.arange(n), targets]).mean()


def test_number_of_parameters(params):
    """With 26 letters and the edge of a document there are 4,192 parameters."""
    assert sum(len(row) for rows in params.values() for row in rows) == 4192


@pytest.mark.parametrize("document", DOCUMENTS)
def test_loss_is_that_of_numpy(params, document):
    """The loss of scalars is that of matrices, to rounding, for short and full documents."""
    tokens = encode(document)
    assert tiny_gpt.loss(params, tokens) == pytest.approx(numpy_loss(params, tokens), rel=1e-12)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_gradient_is_the_slope(params, document):
    """In every matrix the derivatives of NumPy's loss are the slopes of central differences."""
    tokens = encode(document)
    value, grads = value_and_grad(tiny_gpt.loss)(params, tokens)
    assert value == tiny_gpt.loss(params, tokens)
    rng, h = Random(2), 1e-5
    for name, rows in params.items():
        for _ in range(10):
            # of the embeddings, rows that the document reads: the others have a slope of 0
            read = {"wte": tokens[:-1], "wpe": range(len(tokens) - 1)}
            i = rng.choice(read.get(name, range(len(rows))))
            j = rng.randrange(len(rows[i]))
            at = rows[i][j]
            rows[i][j] = at + h
            above = numpy_loss(params, tokens)
            rows[i][j] = at - h
            below = numpy_loss(params, tokens)
            rows[i][j] = at
            slope = (above - below) / (2 * h)
            assert grads[name][i][j] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_gradient_is_zero_where_nothing_was_read(params):
    """A letter that does not occur and a position that is not reached have no gradient."""
    _, grads = value_and_grad(tiny_gpt.loss)(params, encode("abc"))
    assert not np.any(grads["wte"][3:26])
    assert not np.any(grads["wpe"][4:])
    assert np.all(grads["wpe"][:4])


@pytest.mark.parametrize("name", ["glassgrad", "glassgrad-eager"])
def test_steps_are_those_of_numpy_by_hand(name):
    """Along three steps, losses and norms of gradients are those of the peer written by hand."""
    batch = gpt_peers.documents()[:3]
    ours, by_hand = (gpt_peers.PEERS[peer](batch, True)() for peer in (name, "numpy"))
    np.testing.assert_allclose(ours, by_hand, rtol=1e-12)


def test_compiled_training_is_the_eager_one(params):
    """Over steps on documents of several lengths, losses and parameters agree to 1e-10."""
    packed = Packed.of(params)
    documents = [encode(document) for document in ("ada", "bo", "grace")]
    eager = list(tiny_gpt.train_eager(params, documents, steps=6))
    compiled = list(tiny_gpt.train(packed, documents, steps=6))
    np.testing.assert_allclose(compiled, eager, rtol=1e-10)
    np.testing.assert_allclose(packed.flat, Packed.of(params).flat, rtol=1e-10, atol=1e-12)


def test_one_program_serves_all_documents_of_a_length(params):
    """Tokens are read when compiled code runs: another document of one length is not compiled."""
    traced = []

    def counted(params, tokens):
        traced.append(len(tokens))
        return tiny_gpt.loss(params, tokens)

    fast = jit(value_and_grad(counted))
    packed = Packed.of(params)
    for document in ("abc", "xyz"):
        value, grads = fast(packed, encode(document))
        expected, expected_grads = tiny_gpt.gradient(params, encode(document))
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(grads.flat, Packed.of(expected_grads).flat, rtol=0, atol=1e-12)
    assert traced == [5]


def test_untrained_model_knows_nothing(params):
    """Before training, all tokens are about equally likely: the loss is near log(27)."""
    losses = [tiny_gpt.loss(params, encode(document)) for document in DOCUMENTS]
    assert sum(losses) / len(losses) == pytest.approx(math.log(27), abs=0.2)


def test_no_position_sees_what_comes_later(params):
    """The scores at a position stay the same, bit by bit, whatever tokens follow."""
    a, b = (tiny_gpt.logits(params, encode(document)) for document in ("abcd", "abxyz"))
    assert a[:3] == b[:3]
    assert a[3] != b[3]


def test_training_lowers_the_loss(params, train):
    """Ten steps on one short document make it far likelier, and change every matrix."""
    before = {name: [list(row) for row in rows] for name, rows in params.items()}
    losses = train(params, [encode("ada")], steps=10)
    assert losses[0] == pytest.approx(tiny_gpt.loss(before, encode("ada")), rel=1e-12)
    assert losses[-1] < 0.5 * losses[0]
    assert all(params[name] != before[name] for name in params)


def test_first_step_of_adam(params, train):
    """Adam's first step moves each parameter by the learning rate, against its gradient."""
    before = {name: np.array(rows) for name, rows in params.items()}
    _, grads = value_and_grad(tiny_gpt.loss)(params, encode("ada"))
    train(params, [encode("ada")], steps=1, lr=0.01)
    for name, rows in params.items():
        g = np.array(grads[name])
        expected = before[name] - 0.01 * g / (np.abs(g) + 1e-8)
        np.testing.assert_allclose(np.array(rows), expected, rtol=0, atol=1e-12)


def test_learning_rate_falls_in_a_line(params, train):
    """Of two steps, the second is taken at half the learning rate: n steps end near rate 0."""
    first = tiny_gpt.init_parameters(27, seed=1)
    document = encode("ada")
    train(params, [document], steps=2, lr=0.01)
    train(first, [document], steps=1, lr=0.01)
    _, g1 = value_and_grad(tiny_gpt.loss)(tiny_gpt.init_parameters(27, seed=1), document)
    _, g2 = value_and_grad(tiny_gpt.loss)(first, document)
    for name in params:
        a, b = np.array(g1[name]), np.array(g2[name])
        m = (0.85 * 0.15 * a + 0.15 * b) / (1 - 0.85**2)
        v = (0.99 * 0.01 * a**2 + 0.01 * b**2) / (1 - 0.99**2)
        expected = np.array(first[name]) - 0.005 * m / (np.sqrt(v) + 1e-8)
        np.testing.assert_allclose(np.array(params[name]), expected, rtol=0, atol=1e-12)


def test_samples_follow_the_model(params, train):
    """A model trained on one name gives that name, at a low temperature; a seed repeats it."""
    train(params, [encode("ada")], steps=12)
    assert tiny_gpt.sample(params, ALPHABET, Random(0), temperature=0.1) == "ada"
    hot = [tiny_gpt.sample(params, ALPHABET, Random(3), temperature=100.0) for _ in range(2)]
    assert hot[0] == hot[1] != "ada"
    assert 0 < len(hot[0]) <= tiny_gpt.CONTEXT


def test_encode():
    """Letters become their places in the alphabet, between two edges, cut to 17 tokens."""
    assert encode("az") == [26, 0, 25, 26]
    assert encode("b" * 15) == [26, *[1] * 15, 26]
    assert encode("b" * 99) == [26, *[1] * 16]


@pytest.mark.parametrize("tokens", [[], [26], [26] * 18])
def test_documents_that_do_not_fit(params, tokens):
    """A document without a token to predict, or beyond the context, is refused by length."""
    with pytest.raises(LengthError, match="expected 1 to 16 positions, but got"):
        tiny_gpt.loss(params, tokens)


def test_missing_faker_is_named(monkeypatch):
    """Without faker, the error says what to install."""
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(MissingExtraError, match="pip install faker"):
        tiny_gpt.faker_names()


def test_names():
    """faker gives hundreds of different names, all 26 letters among them, the same each time."""
    pytest.importorskip("faker")
    names = tiny_gpt.faker_names()
    assert len(set(names)) == len(names) > 400
    assert set("".join(names)) == set(ALPHABET)
    assert names == tiny_gpt.faker_names()


@pytest.mark.parametrize("options", [[], ["--eager"]])
def test_command_line(options, tmp_path, monkeypatch, capsys):
    """The program trains on the user's file and prints each loss and each sample."""
    path = tmp_path / "names.txt"
    path.write_text("ada\n\n bob\n", "utf-8")
    command = ["tiny_gpt", "--file", str(path), "--steps", "2", "--samples", "3", *options]
    monkeypatch.setattr(sys, "argv", command)
    tiny_gpt.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2 documents, an alphabet of 4"
    assert [line.split(":")[0] for line in lines[1:3]] == ["step 1 of 2", "step 2 of 2"]
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("text", "message"), [(None, "No such file"), (" \n", "at least one document")]
)
def test_command_line_without_documents(tmp_path, monkeypatch, capsys, text, message):
    """A file that is not there, or has nothing in it, is refused with a sentence, not a trace."""
    path = tmp_path / "names.txt"
    if text is not None:
        path.write_text(text, "utf-8")
    monkeypatch.setattr(sys, "argv", ["tiny_gpt", "--file", str(path)])
    with pytest.raises(SystemExit):
        tiny_gpt.main()
    assert message in capsys.readouterr().err
