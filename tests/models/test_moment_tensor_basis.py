import numpy as np
import pytest

from ase_mag.models import MomentTensorBasis
from ase_mag.models.moment_tensor_basis import contractions

LETTERS = "abcdefghijklmnop"


@pytest.mark.parametrize(
    ("max_factors", "counts"),
    [(4, [1, 2, 5, 9, 16, 29]), (None, [1, 2, 5, 9, 17, 32])],
    ids=["at most four factors", "no limit"],
)
def test_published_numbers_of_scalars(max_factors, counts):
    """Levels 2, 4, ... 12 as published; M_00^5 and two more appear without the limit."""
    levels = range(2, 13, 2)
    bases = [MomentTensorBasis.of_level(level, max_factors) for level in levels]
    assert [len(basis.scalars) for basis in bases] == counts
    assert [basis.n_functions for basis in bases] == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("level", "expected"), [(6, (8, 5, 5, 5)), (8, (18, 11, 14, 9)), (12, (84, 46, 117, 29))]
)
def test_tables_have_the_size_of_the_public_ones(level, expected):
    """Moments, basic ones, products and scalars of the files of MLIP; more scalars below."""
    basis = MomentTensorBasis.of_level(level)
    sizes = (basis.n_moments, len(basis.basic), len(basis.times), len(basis.scalars))
    assert sizes == expected


@pytest.mark.parametrize(("level", "scalars", "basic"), [(16, 92, 130), (20, 288, 295)])
def test_public_tables_of_high_levels(level, scalars, basic):
    basis = MomentTensorBasis.of_level(level)
    assert (len(basis.scalars), len(basis.basic)) == (scalars, basic)


def values_of(basis, f, u):
    """The scalars of weights f (n_functions, n) and vectors u (n, 3), by the tables."""
    moments = np.zeros(basis.n_moments)
    for k, (mu, *exponents) in enumerate(basis.basic):
        moments[k] = (f[mu] * (u**exponents).prod(axis=1)).sum()
    for i, j, coefficient, k in basis.times:
        moments[k] += coefficient * moments[i] * moments[j]
    return moments[basis.scalars]


def tensor(f, u, rank):
    """sum_j f_j u_j (x) ... (x) u_j with ``rank`` factors."""
    factors = ",".join("z" + letter for letter in LETTERS[:rank])
    return np.einsum(f"z,{factors}->{LETTERS[:rank]}" if rank else "z->", f, *[u] * rank)


def contracted(graph, f, u):
    """A contraction of full tensors, node by node as its links say."""
    names = {}
    operands, labels = [], []
    for a, (mu, free, links) in enumerate(graph):
        assert free == (0, 0, 0)
        label = ""
        for b, count in enumerate(links):
            for n in range(count):
                key = (min(a, b), max(a, b), n)
                label += names.setdefault(key, LETTERS[len(names)])
        labels.append(label)
        operands.append(tensor(f[mu], u, len(label)))
    return np.einsum(",".join(labels) + "->", *operands)


@pytest.mark.parametrize("level", [6, 10, 12, 16])
def test_tables_equal_contractions_of_full_tensors(level):
    rng = np.random.default_rng(level)
    basis = MomentTensorBasis.of_level(level)
    f, u = rng.normal(size=(basis.n_functions, 6)), rng.normal(size=(6, 3))
    expected = [contracted(graph, f, u) for graph in contractions(level)]
    np.testing.assert_allclose(values_of(basis, f, u), expected, rtol=1e-11)


def test_level_8_by_hand():
    rng = np.random.default_rng(8)
    f, u = rng.normal(size=(2, 5)), rng.normal(size=(5, 3))
    m0, m1 = f.sum(axis=1)
    v = f[0] @ u
    square = np.einsum("i,ia,ib->ab", f[0], u, u)
    expected = [m0, m0**2, m0**3, v @ v, m1, m0**4, m0 * (v @ v), m0 * m1, (square**2).sum()]
    actual = values_of(MomentTensorBasis.of_level(8), f, u)
    np.testing.assert_allclose(np.sort(actual), np.sort(expected), rtol=1e-12)


@pytest.mark.parametrize("level", [8, 12])
def test_scalars_are_rotation_invariant_and_linearly_independent(level):
    """From level 16 on some depend on others: tr M^4 of a 3 x 3 matrix on tr M, tr M^2, tr M^3."""
    rng = np.random.default_rng(3)
    basis = MomentTensorBasis.of_level(level)
    n = len(basis.scalars)
    rows = []
    for _ in range(2 * n):
        f, u = rng.normal(size=(basis.n_functions, 7)), rng.normal(size=(7, 3))
        u /= np.linalg.norm(u, axis=1)[:, None]
        rows.append(values_of(basis, f, u))
    turned = values_of(basis, f, u @ np.linalg.qr(rng.normal(size=(3, 3)))[0])
    np.testing.assert_allclose(turned, rows[-1], rtol=1e-9, atol=1e-12)
    rows = np.array(rows)
    singular = np.linalg.svd(rows / np.linalg.norm(rows, axis=0), compute_uv=False)
    assert singular[-1] > 1e-8


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (([[0, 0, 0, 0]], [[0, 0, 1, 2], [2, 2, 1, 1]], [1]), None),
        (
            ([[0, 0, 0, 0]], [[1, 0, 1, 2], [0, 0, 1, 1]], [2]),
            "row 1 .* moment 1, which an earlier",
        ),
        (([[0, 0, 0, 0]], [[0, 0, 1, 0]], [0]), "moment 0, which is a basic one"),
        (([[0, 0, 0, 0]], [[0, 0, 1, 1]], [3]), "no product makes moment 2"),
        (([[0, -1, 0, 0]], np.zeros((0, 4)), [0]), "negative"),
        ((np.zeros((0, 4)), np.zeros((0, 4)), [0]), "needs basic moments"),
    ],
    ids=["any order that is complete", "used too early", "basic", "missing", "negative", "empty"],
)
def test_tables_that_make_no_sense(tables, message):
    if message is None:
        assert MomentTensorBasis(*tables).n_moments == 3
    else:
        with pytest.raises(ValueError, match=message):
            MomentTensorBasis(*tables)


@pytest.mark.parametrize(
    ("level", "max_factors", "message"),
    [(1, 4, "level must be .* at least 2, got 1"), (8.5, 4, "got 8.5"), (8, 0, "max_factors")],
)
def test_bad_levels(level, max_factors, message):
    with pytest.raises(ValueError, match=message):
        MomentTensorBasis.of_level(level, max_factors)
