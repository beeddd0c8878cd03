"""The three-site term against its sum written out."""

import numpy as np
import pytest

from ase_mag import models, testing
from ase_mag.testing.structures import Structure


def test_sum_written_out():
    g = models.cubic(1.0, cutoff=3.75)
    structure = Structure.of(testing.example(("Fe",), 4))
    model = models.ThreeSiteExchange("Fe", g, 0.02)
    graph, moments = structure.graph(model), structure.moments
    expected = np.zeros(len(moments))
    for i in range(len(moments)):
        pairs = np.flatnonzero(graph.centers == i)
        field = sum(g(graph.distances[p]) * moments[graph.neighbors[p]] for p in pairs)
        expected[i] = 0.02 * (moments[i] @ field) ** 2
    np.testing.assert_allclose(structure.response(model).energies, expected, rtol=1e-12)


def test_no_bilinear_form_stands_for_it():
    """Twice the moments, sixteen times the energy; turned against each other, the same."""
    model = models.ThreeSiteExchange("Fe", models.cubic(1.0, 3.75), -0.01)
    structure = Structure.of(testing.example(("Fe",), 4))
    energy = structure.response(model).energy
    doubled = structure.changed(moments=2.0 * structure.moments).response(model).energy
    assert doubled == pytest.approx(16.0 * energy, rel=1e-12)
    signs = np.where(np.arange(len(structure)) % 2, 1.0, -1.0)[:, None]
    cubic = Structure.of(testing.example(("Fe",), 4, displacement=0.0))
    along = cubic.changed(moments=np.tile([0.0, 0.0, 2.0], (len(cubic), 1)))
    against = cubic.changed(moments=along.moments * signs)
    first_shell = models.ThreeSiteExchange("Fe", models.cubic(1.0, 2.6), -0.01)
    energies = [s.response(first_shell).energy for s in (along, against)]
    assert energies[0] == pytest.approx(energies[1], rel=1e-12)
    assert model.bilinear(structure.graph(model)) is None


def test_bad_input():
    with pytest.raises(ValueError, match="strength must be a finite number, got nan"):
        models.ThreeSiteExchange("Fe", models.cubic(1.0, 3.75), np.nan)
    with pytest.raises(TypeError, match="function must be a Radial"):
        models.ThreeSiteExchange("Fe", 3.0, 0.1)
