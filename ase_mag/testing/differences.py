"""Derivatives against two-sided differences of fourth order.

f'(0) = [8 (f(h) - f(-h)) - (f(2h) - f(-2h))] / (12 h) + O(h^4), where differences of energies are
taken site by site before they are summed, so that rounding stays below 1e-9 of a force.
"""

from itertools import product

import numpy as np

from ase_mag.core import NeighborList
from ase_mag.testing.comparison import assert_close
from ase_mag.testing.structures import Structure


def derivative(function, step):
    """Return df/dx at 0 of a function of one number with any array as value."""
    inner = function(step) - function(-step)
    outer = function(2 * step) - function(-2 * step)
    return (8.0 * inner - outer) / (12.0 * step)


def check_forces(model, atoms, *, rtol=1e-7, step=1e-4):
    """Check F = -dE/dR, component by component, to ``rtol`` of the largest force.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    step : float, of the differences, angstrom.
    """
    structure = Structure.of(atoms)
    neighbor_list = NeighborList(structure.numbers, structure.pbc, model.cutoff, skin=0.3)
    reference = structure.response(model)
    expected = np.empty_like(reference.forces)
    for i, c in np.ndindex(expected.shape):

        def energies(x, i=i, c=c):
            positions = structure.positions.copy()
            positions[i, c] += x
            graph = neighbor_list.graph(positions, structure.cell)
            return model.evaluate(graph, structure.moments, lattice=False).energies

        expected[i, c] = -derivative(energies, step).sum()
    atol = _rounding(reference, step)
    assert_close(
        reference.forces, expected, "forces against energy differences", rtol=rtol, atol=atol
    )


def check_magforces(model, atoms, *, rtol=1e-7, step=1e-4):
    """Check B = -dE/dM, component by component, to ``rtol`` of the largest one.

    Moments of a collinear model move along its axis, and the field across it must be zero.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    step : float, of the differences, mu_B.
    """
    structure = Structure.of(atoms)
    graph = structure.graph(model)
    reference = model.evaluate(graph, structure.moments)
    expected = np.zeros_like(reference.magforces)
    directions = np.eye(3) if model.moment_axis is None else model.moment_axis[None]
    for i, direction in product(range(len(expected)), directions):

        def energies(x, i=i, direction=direction):
            moments = structure.moments.copy()
            moments[i] += x * direction
            return model.evaluate(graph, moments, lattice=False).energies

        expected[i] -= derivative(energies, step).sum() * direction
    atol = _rounding(reference, step)
    assert_close(
        reference.magforces, expected, "magforces against energy differences", rtol=rtol, atol=atol
    )


def check_virial(model, atoms, *, rtol=1e-7, step=2e-5):
    """Check the virial dE/d(strain), all nine components, to ``rtol`` of the largest one.

    Positions and cell go to r (1 + strain), moments stay.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    step : float, of the differences, strain (a number).
    """
    structure = Structure.of(atoms)
    reference = structure.response(model)
    expected = np.empty((3, 3))
    for a, b in np.ndindex(3, 3):

        def energies(x, a=a, b=b):
            strain = np.zeros((3, 3))
            strain[a, b] = x
            return structure.strained(strain).response(model, lattice=False).energies

        expected[a, b] = derivative(energies, step).sum()
    atol = _rounding(reference, step)
    assert_close(
        reference.virial, expected, "virial against energy differences", rtol=rtol, atol=atol
    )


def _rounding(response, step):
    """Return a bound of the rounding of a difference quotient of energies, in its unit."""
    return 20 * np.finfo(float).eps * np.abs(response.energies).max(initial=0.0) / step
