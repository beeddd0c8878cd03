"""Averages of Monte Carlo moves against closed forms and quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ive

from ase_mag import units
from ase_mag.core import BilinearForm, Gradients, Model, set_threads
from ase_mag.dynamics import Noise, Sampler
from ase_mag.lsf import mean_moment

T = 300.0
kT = units.kB * T
NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)
MOVES = [
    {"method": "heat bath"},
    {"method": "metropolis"},
    {"method": "heat bath", "over_relaxation": 2},
]
moves = pytest.mark.parametrize("moves", MOVES, ids=lambda m: "-".join(map(str, m.values())))


@pytest.fixture(autouse=True)
def one_thread():
    set_threads(1)
    yield
    set_threads(None)


class Given(Model):
    """A bilinear form, whatever the geometry."""

    species = ("Fe",)

    def __init__(self, form):
        self.form = form

    def bilinear(self, graph):
        return self.form

    def gradients(self, graph, moments, *, lattice=True):
        energies, magforces = self.form.evaluate(moments)
        return Gradients(energies, -magforces)


def copies(n, sites, pairs=(), **onsite):
    """Return the form of ``n`` independent clusters of ``sites`` moments.

    ``pairs``: (i, j, J or 3x3 T), both orders are made. ``onsite``: one row per site.
    """
    both = [(i, j, c) for i, j, c in pairs] + [(j, i, np.transpose(c)) for i, j, c in pairs]
    both.sort(key=lambda entry: entry[:2])
    counts = np.bincount([i for i, _, _ in both], minlength=sites)
    neighbors = np.array([j for _, j, _ in both], dtype=int)
    terms = {
        name: np.tile(value, (n,) + (1,) * (np.ndim(value) - 1)) for name, value in onsite.items()
    }
    if both:
        values = np.array([c for _, _, c in both], dtype=float)
        name = "exchange" if values.ndim == 1 else "tensors"
        terms[name] = np.tile(values, (n,) + (1,) * (values.ndim - 1))
    return BilinearForm(
        np.concatenate([[0], np.cumsum(np.tile(counts, n))]).astype(np.intc),
        (np.arange(n)[:, None] * sites + neighbors).ravel().astype(np.intc),
        np.zeros(n * sites),
        **terms,
    )


@pytest.fixture
def sample(state_of, surface_of):
    """Return a function that samples a form and returns moments, (frames, N, 3)."""

    def run(form, sizes, frames, every=5, burn=300, temperature_K=T, seed=1, **options):
        n = form.n_atoms
        moments = np.random.default_rng(seed).normal(size=(n, 3))
        moments *= (np.resize(sizes, n) / np.linalg.norm(moments, axis=1))[:, None]
        state = state_of(moments)
        options = {"tuning": burn} | options
        sampler = Sampler(surface_of(Given(form), state), temperature_K, Noise(seed, 1), **options)
        sampler.run(state, 0.0, burn)
        result = np.empty((frames, n, 3))
        for frame in result:
            sampler.run(state, 0.0, every)
            frame[:] = state.moments
        return result

    return run


def agree(values, exact, sigmas=4.0, precision=None):
    """Compare with an exact mean; ``values`` is (frames, copies), the copies are independent."""
    means = np.mean(values, axis=0)
    error = means.std(ddof=1) / np.sqrt(len(means))
    if precision is not None:
        assert error < precision * abs(exact)
    assert abs(means.mean() - exact) < sigmas * error, (means.mean(), exact, error)


@moves
@pytest.mark.parametrize(
    ("moment", "field", "temperature", "expected"),
    [
        (2.2, 1000.0, 300.0, 0.7970967768),
        (2.2, 1000.0, 1043.0, 0.4191434414),
        (2.23, 100.0, 300.0, 0.1637335917),
    ],
)
def test_langevin(sample, moves, moment, field, temperature, expected):
    form = copies(4000, 1, field=units.tesla * np.array([[0.6 * field, 0, 0.8 * field]]))
    m = sample(form, moment, 40, temperature_K=temperature, **moves) / moment
    agree(m @ [0.6, 0, 0.8], expected, precision=0.01)
    agree(m[:, :, 1], 0.0)
    k = moment * field * units.tesla / (units.kB * temperature)
    agree((m @ [0.6, 0, 0.8]) ** 2, 1 - 2 * expected / k)


@moves
def test_chain(sample, ring_model, moves):
    """<e.e'> = L(2J/kT) of a chain, J = 1 mRy in the form -sum_{i!=j} J e_i.e_j."""
    form = ring_model(4000, 2e-3 * units.Ry).form
    m = sample(form, 1.0, 40, **moves)
    bonds = np.einsum("fia,fia->fi", m, np.roll(m, 1, axis=1))
    agree(bonds.reshape(40, 100, 40).mean(axis=2), 0.3274078283, precision=0.01)


def sphere():
    """Return unit vectors and weights of a quadrature over the sphere (sum of weights 1)."""
    phi = 2 * np.pi * (np.arange(160) + 0.5) / 160
    across = np.sqrt(1 - NODES**2)
    e = np.stack(
        [
            np.outer(across, np.cos(phi)),
            np.outer(across, np.sin(phi)),
            np.outer(NODES, np.ones_like(phi)),
        ],
        axis=-1,
    )
    return e.reshape(-1, 3), np.outer(WEIGHTS, np.ones_like(phi)).ravel() / 320


def sinhc(x):
    return np.where(x > 1e-6, np.sinh(x) / np.where(x > 0, x, 1.0), 1 + x * x / 6)


@moves
@pytest.mark.parametrize("sign", [1, -1])
def test_trimer_of_two_species(sample, moves, sign):
    """Moments of 2.2, 1.5 and 2.2 mu_B with three different couplings, of both signs."""
    sizes = np.array([2.2, 1.5, 2.2])
    J = sign * np.array([0.006, 0.010, 0.004])
    form = copies(3000, 3, [(0, 1, J[0]), (1, 2, J[1]), (0, 2, J[2])])
    a, b, c = J * sizes[[0, 1, 0]] * sizes[[1, 2, 2]] / kT
    cosine = NODES
    # e3 feels c e1 + b e2; its integral is sinh(h)/h.
    weight = WEIGHTS * np.exp(a * cosine) * sinhc(np.sqrt(b * b + c * c + 2 * b * c * cosine))
    expected = (weight * cosine).sum() / weight.sum()
    m = sample(form, sizes, 40, **moves).reshape(40, 3000, 3, 3) / sizes[:, None]
    agree(np.einsum("fca,fca->fc", m[:, :, 0], m[:, :, 1]), expected, precision=0.02)


@moves
def test_dimer_with_field_and_uniaxial_anisotropy(sample, moves):
    """E = -J M1.M2 - h (z1 + z2) + k (z1^2 + z2^2): two-dimensional quadrature."""
    J, h, k = 0.01, 0.008, -0.012
    onsite = {
        "field": np.tile([0, 0, h], (2, 1)),
        "quadric": np.tile(np.diag([0, 0, k]), (2, 1, 1)),
    }
    form = copies(4000, 2, [(0, 1, J)], **onsite)
    p, q = np.meshgrid(NODES, NODES)
    across = np.sqrt((1 - p * p) * (1 - q * q)) * J / kT
    log = (J * p * q + h * (p + q) - k * (p * p + q * q)) / kT + across
    weight = np.outer(WEIGHTS, WEIGHTS) * np.exp(log) * ive(0, across)
    m = sample(form, 1.0, 40, **moves).reshape(40, 4000, 2, 3)
    agree(m[..., 2].mean(axis=2), (weight * p).sum() / weight.sum(), precision=0.02)
    agree((m[..., 2] ** 2).mean(axis=2), (weight * p * p).sum() / weight.sum(), precision=0.02)


@moves
def test_tensor_dimer(sample, moves):
    """-e1.T.e2 with Dzyaloshinskii-Moriya and symmetric parts: d ln Z / d beta by quadrature."""
    T = np.array([[0.02, 0.015, -0.01], [-0.02, 0.01, 0.012], [0.015, 0.0, 0.03]])
    e, w = sphere()
    size = np.linalg.norm(e @ T, axis=1) / kT
    weight = w * np.sinh(size) / size
    expected = (weight * (size / np.tanh(size) - 1)).sum() / weight.sum() * kT
    m = sample(copies(3000, 2, [(0, 1, T)]), 1.0, 40, **moves).reshape(40, 3000, 2, 3)
    agree(np.einsum("fca,ab,fcb->fc", m[:, :, 0], T, m[:, :, 1]), expected, precision=0.02)


@moves
def test_cubic_and_tilted_anisotropy(sample, moves):
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    Q = np.array([[0.01, 0.004, 0.0], [0.004, -0.01, 0.006], [0.0, 0.006, 0.0]])
    h = np.array([0.01, 0.0, -0.005])
    k1, k2 = -0.05, 0.3
    form = copies(4000, 1, field=[h], quadric=[Q], cubic=[[k1, k2]], axes=[rotation])
    e, w = sphere()
    u, v, s = (e @ rotation.T).T ** 2
    energy = (
        -e @ h + np.einsum("ka,ab,kb->k", e, Q, e) + k1 * (u * v + v * s + s * u) + k2 * u * v * s
    )
    weight = w * np.exp(-energy / kT)
    m = sample(form, 1.0, 50, **moves)
    for axis in range(3):
        exact = (weight * e[:, axis]).sum() / weight.sum()
        agree(m[:, :, axis], exact)
    agree(form_energy(form, m), (weight * energy).sum() / weight.sum(), precision=0.02)


def form_energy(form, frames):
    return np.array([form.evaluate(frame)[0] for frame in frames])


@pytest.mark.parametrize("method", ["heat bath", "metropolis"])
@pytest.mark.parametrize("measure", [0, 1, 2])
@pytest.mark.parametrize(
    ("a", "b", "temperature"),
    [
        (-0.150, 0.0192, 1043),
        (-0.150, 0.0192, 300),
        (0.05, 0.005, 1043),
        (0.0, 0.01, 1043),
        (0.1, 0.0, 1043),
    ],
)
def test_sizes_of_single_moments(sample, a, b, temperature, measure, method):
    """The table of mean moments, all rows and measures (``mean_moment`` is tested against it)."""
    form = copies(2000, 1, landau=[[a, b, 0.0]])
    m = sample(
        form, 1.5, 60, temperature_K=temperature, lengths=True, measure=measure, method=method
    )
    expected = mean_moment(a, b, temperature, measure)
    agree(np.linalg.norm(m, axis=2), expected, precision=0.005)


@moves
@pytest.mark.parametrize("measure", [0, 1, 2])
def test_dimer_of_moments_with_sizes(sample, measure, moves):
    """Landau terms of two species and exchange: <m_1>, <M_1.M_2> by two-dimensional quadrature."""
    landau = [[-0.15, 0.0192, 0.0], [0.05, 0.0, 0.0008]]
    J, temperature = 0.03, 1043.0
    thermal = units.kB * temperature
    p = 3.0 * (NODES[:, None] + 1)
    q = 3.0 * (NODES[None, :] + 1)
    x = J * p * q / thermal
    energy = -0.15 * p**2 + 0.0192 * p**4 + 0.05 * q**2 + 0.0008 * q**6
    weight = np.outer(WEIGHTS, WEIGHTS) * np.exp(-energy / thermal) * sinhc(x) * (p * q) ** measure
    form = copies(3000, 2, [(0, 1, J)], landau=landau)
    m = sample(
        form, 1.0, 80, temperature_K=temperature, lengths=True, measure=measure, **moves
    ).reshape(80, 3000, 2, 3)
    total = weight.sum()
    agree(np.linalg.norm(m[:, :, 0], axis=2), (weight * p).sum() / total, precision=0.01)
    agree(np.linalg.norm(m[:, :, 1], axis=2), (weight * q).sum() / total, precision=0.01)
    product = p * q * (1 / np.tanh(x) - 1 / x)
    exact = (weight * product).sum() / total
    agree(np.einsum("fca,fca->fc", m[:, :, 0], m[:, :, 1]), exact, precision=0.04)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"landau": [[0.1, 0.0, 0.0]], "pairs": [(0, 1, 0.3)]}, "nothing bounds the moment of"),
        ({"landau": [[0.1, 0.0192, -0.01]]}, r"atom 0 is unbounded below.*-0.01 m\^6"),
        ({"landau": [[0.1, -0.0192, 0.0]]}, r"atom 0 is unbounded below.*-0.0192 m\^4"),
        ({"field": [[0.0, 0.0, 0.1]]}, "curvature 0 eV/mu_B"),
        (
            {"landau": [[0.1, 0.01, 0.0]], "cubic": [[-0.1, 0.0]], "axes": [np.eye(3)]},
            "unbounded below",
        ),
    ],
    ids=["exchange", "sextic", "quartic", "field", "cubic"],
)
def test_unbounded_energies_are_refused(sample, terms, message):
    pairs = terms.pop("pairs", ())
    terms = {name: np.repeat(value, 2, axis=0) for name, value in terms.items()}
    with pytest.raises(ValueError, match=message):
        sample(copies(1, 2, pairs, **terms), 1.0, 1, lengths=True)


@pytest.mark.parametrize("n", [1, 200])
def test_bounded_quadratic_energies_are_accepted(sample, n):
    """E = M.A.M/2 with Gaussian moments, <M_i.M_j> = 3 kT (A^-1)_ij.

    The couplings exceed the curvature in sum (no diagonal dominance), but their signs leave the
    matrix positive definite.
    """
    J = 0.16
    signs = [(0, 1, J), (1, 2, J), (2, 3, J), (0, 3, -J), (0, 2, J), (1, 3, -J)]
    matrix = 0.4 * np.eye(4)
    for i, j, c in signs:
        matrix[i, j] = matrix[j, i] = -c
    assert np.linalg.eigvalsh(matrix)[0] > 0
    form = copies(n, 4, signs, landau=np.tile([0.2, 0.0, 0.0], (4, 1)))
    frames = 100 if n > 1 else 1
    m = sample(form, 1.0, frames, lengths=True, every=20).reshape(frames, n, 4, 3)
    if n > 1:
        exact = 3 * kT * np.linalg.inv(matrix)
        agree(np.einsum("fca,fca->fc", m[:, :, 0], m[:, :, 1]), exact[0, 1])
        agree((m[:, :, 0] ** 2).sum(axis=2), exact[0, 0])


def test_quadrature_of_the_sphere():
    e, w = sphere()
    assert abs(w.sum() - 1) < 1e-13
    np.testing.assert_allclose(np.einsum("k,ka,kb->ab", w, e, e), np.eye(3) / 3, atol=1e-13)
    assert abs(quad(sinhc, 0, 1)[0] - 1.0572508754) < 1e-9
