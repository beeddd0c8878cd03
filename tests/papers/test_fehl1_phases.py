"""The phases of FeHL-1, the synthetic iron: lattice constants, moments and energies of bcc."""

import numpy as np
import pytest
from scipy.optimize import minimize

from ase_mag import models
from ase_mag.core import PairGraph

MODEL = models.named("FeHL-1")


def per_atom(a, m, sign):
    """Energy per atom of bcc with moments m on one cubic sublattice and sign * m on the other."""
    positions = np.array([[0.0] * 3, [0.5 * a] * 3])
    graph = PairGraph.build(positions, a * np.eye(3), [True] * 3, [26, 26], MODEL.cutoff)
    moments = np.array([[0, 0, m], [0, 0, sign * m]])
    return MODEL.evaluate(graph, moments, lattice=False).energy / 2


def ground_state(sign):
    options = {"xatol": 1e-7, "fatol": 1e-12}
    if sign is None:
        best = minimize(
            lambda x: per_atom(x[0], 0.0, 1), [2.8], method="Nelder-Mead", options=options
        )
        return best.x[0], 0.0, best.fun
    best = minimize(
        lambda x: per_atom(*x, sign), [2.84, 2.0], method="Nelder-Mead", options=options
    )
    return *best.x, best.fun


@pytest.mark.parametrize(
    ("sign", "lattice_constant", "moment", "energy"),
    [(1, 2.8494, 2.145, 0.0), (-1, 2.8371, 1.708, 0.233), (None, 2.7546, 0.0, 0.359)],
    ids=["ferromagnetic", "antiferromagnetic", "nonmagnetic"],
)
def test_phases(sign, lattice_constant, moment, energy):
    a, m, e = ground_state(sign)
    _, _, ferromagnetic = ground_state(1)
    assert abs(a - lattice_constant) < 5.1e-5
    assert abs(m - moment) < 5.1e-4
    assert abs(e - ferromagnetic - energy) < 5.1e-4


def coefficients(volume):
    a = (2 * volume) ** (1 / 3)
    positions = np.array([[0.0] * 3, [0.5 * a] * 3])
    graph = PairGraph.build(positions, a * np.eye(3), [True] * 3, [26, 26], MODEL.cutoff)
    return MODEL.terms[1].coefficients(graph)[0]


def test_compressed_iron_is_itinerant():
    a, b, _ = coefficients(7.0)
    assert a > 0
    assert b > 0
    a, b, _ = coefficients(2.8665**3 / 2)
    assert a < 0
    assert b > 0
