"""Second derivatives of bilinear forms against differences of magnetic forces."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models
from ase_mag.core import PairGraph
from ase_mag.core.hessian import hessian_of, onsite_blocks
from ase_mag.testing.differences import derivative

EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))
TERMS = {
    "exchange": EXCHANGE,
    "landau": models.Landau("Fe", a=-0.15, b=0.0192, c=0.0004),
    "zeeman": models.Zeeman("Fe", (1.0, 2.0, 3e3)),
    "uniaxial": models.UniaxialAnisotropy("Fe", 0.01, axis=(1, 2, 2), moment=2.2),
    "cubic": models.CubicAnisotropy(
        "Fe", 0.1, 0.02, 2.2, np.linalg.qr(np.arange(9).reshape(3, 3) ** 2.0 + np.eye(3))[0]
    ),
    "dmi": models.DzyaloshinskiiMoriya("Fe", models.cubic(0.05, cutoff=3.0)),
    "FeHL-1": models.named("FeHL-1"),
}


@pytest.mark.parametrize("name", TERMS)
def test_products_are_differences_of_magnetic_forces(name):
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    model = TERMS[name] + EXCHANGE
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    rng = np.random.default_rng(0)
    moments, v = rng.normal(size=(2, 16, 3))
    form = model.bilinear(graph)
    expected = derivative(lambda h: -form.evaluate(moments + h * v)[1], 1e-3)
    found = hessian_of(form, moments)(v)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    merged = hessian_of(form.merged(), moments)(v)
    np.testing.assert_allclose(merged, expected, rtol=0, atol=1e-9)
    blocks = onsite_blocks(form, moments)
    np.testing.assert_allclose(blocks, blocks.transpose(0, 2, 1), rtol=0, atol=1e-15)


def test_zero_moments_have_the_curvature_of_the_quadratic_terms():
    model = models.Landau("Fe", a=-0.15, b=0.0192)
    graph = PairGraph.build(np.zeros((1, 3)), 3 * np.eye(3), [True] * 3, [26], 0.0)
    product = hessian_of(model.bilinear(graph), np.zeros((1, 3)))
    np.testing.assert_allclose(product(np.array([[1.0, 2.0, 3.0]])), [[-0.3, -0.6, -0.9]])
