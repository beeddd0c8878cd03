import numpy as np
import pytest

from ase_mag.core import BilinearForm
from ase_mag.dynamics import spin_temperature


def random_form(n, rng, **terms):
    return BilinearForm(np.zeros(n + 1, np.intc), np.zeros(0, np.intc), np.zeros(n), **terms)


def test_curvature_is_the_laplacian_on_the_sphere():
    """m^2 Delta E of every term against differences of the energy along great circles."""
    rng = np.random.default_rng(2)
    n = 5
    q = rng.normal(size=(n, 3, 3))
    axes = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
    form = random_form(
        n,
        rng,
        field=rng.normal(size=(n, 3)),
        landau=rng.normal(size=(n, 3)),
        quadric=q + q.transpose(0, 2, 1),
        cubic=rng.normal(size=(n, 2)),
        axes=axes,
    )
    m = rng.normal(size=(n, 3))
    energy = lambda x: form.evaluate(x)[0]  # noqa: E731
    total = 0.0
    size = np.linalg.norm(m, axis=1, keepdims=True)
    e = m / size
    first = np.cross(e, rng.normal(size=(n, 3)))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    h = 1e-3
    for tangent in (first, np.cross(e, first)):
        points = [
            energy(size * (np.cos(k * h) * e + np.sin(k * h) * tangent)) for k in (-2, -1, 0, 1, 2)
        ]
        total += (np.array([-1, 16, -30, 16, -1]) @ np.array(points)).sum() / (12 * h * h)
    torque = np.cross(m, form.evaluate(m)[1])
    expected = (torque**2).sum() / total / 8.617333262e-5
    assert abs(spin_temperature(form, m) / expected - 1) < 1e-6


def test_no_interaction_has_no_temperature():
    assert np.isnan(spin_temperature(random_form(2, None), np.ones((2, 3))))


@pytest.mark.parametrize("term", ["quadric", "field"])
def test_exact_average_over_one_moment(term):
    """The ratio of the canonical averages is the temperature: quadrature over the sphere."""
    kT = 0.05
    terms = {"field": np.array([[0, 0, 0.08]])}
    if term == "quadric":
        terms = {"quadric": np.array([np.diag([0, 0, -0.06])])}
    form = random_form(1, None, **terms)
    x, w = np.polynomial.legendre.leggauss(60)
    numerator = denominator = 0.0
    for cos, weight in zip(x, w, strict=True):
        m = np.array([[np.sqrt(1 - cos * cos), 0.0, cos]])
        energies, fields = form.evaluate(m)
        boltzmann = weight * np.exp(-energies[0] / kT)
        torque = (np.cross(m, fields) ** 2).sum()
        numerator += boltzmann * torque
        denominator += boltzmann * torque / spin_temperature(form, m)
    assert abs(numerator / denominator * 8.617333262e-5 / kT - 1) < 1e-10
