"""The Hamiltonians of the paper, and their configurations."""

import numpy as np
from ase import units as ase_units
from ase.build import bulk
from conditions import LATTICE, MOMENT

import ase_mag
from ase_mag import models
from ase_mag.core import PairGraph, get_moments
from ase_mag.dynamics import SpinDynamics
from ase_mag.fitting import Dataset, Frame
from ase_mag.fitting.frame import plain

#: Exchange of bcc iron of the UppASD example, mRy between unit vectors of 2.23 mu_B.
SHELLS = [1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658]
#: Neighbors of eq 41: the first shell, angstrom.
FIRST_SHELL = 2.65
#: fs; thermal configurations are so many steps apart.
TIMESTEP, INTERVAL, START = 1.0, 200, 2000


def exchange(case):
    """Return E = -sum_{i!=j} J(r_ij) M_i.M_j / 2.23^2 (eq 40 with the sign of eq 5)."""
    if case.exchange == "uppasd":
        iron = bulk("Fe", a=LATTICE, cubic=True)
        convention = {"unit": "mRy", "convention": "UppASD", "moment": MOMENT}
        return models.Heisenberg("Fe", models.shells(SHELLS, reference=iron, **convention))
    function = models.double_exchange(step=case.step)
    return models.Heisenberg("Fe", function, convention="UppASD", moment=MOMENT)


def iron(cells):
    """Return a cubic supercell of bcc iron."""
    return bulk("Fe", a=LATTICE, cubic=True) * cells


def directions(count, rng):
    """Return unit vectors spread evenly over a cone around a random axis.

    The cone opens from 0 (ferromagnet) to 180 degrees (no order): half its angle is drawn evenly.
    """
    opening = np.pi * rng.uniform()
    cosine = 1 - (1 - np.cos(opening)) * rng.uniform(size=count)
    azimuth = 2 * np.pi * rng.uniform(size=count)
    sine = np.sqrt(1 - cosine**2)
    units = np.column_stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])
    rotation, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    return units @ (rotation * np.sign(np.diagonal(triangle)))


def pairs(atoms, cutoff):
    """Return the neighbor pairs of atoms."""
    return PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)


def sizes_of_eq_41(graph, units, rounding=0.0):
    """Return M_i = 2.2 - 0.6 <angle to the neighbors>/pi, eq 41, and what its slopes need.

    Parameters
    ----------
    graph : PairGraph of the neighbors; units : (N, 3) float array, e.
    rounding : float, degrees: the angle is arccos(cos(rounding) e_i.e_j), which has no cusp where
        moments are parallel or antiparallel, and is that of eq 41 where they are far from it.

    Returns
    -------
    (N,) float array, mu_B, and dM_i/d(e_i.e_j) of every pair, (n_pairs,).
    """
    scale = np.cos(np.radians(rounding))
    cosines = scale * np.einsum("pc,pc->p", units[graph.centers], units[graph.neighbors])
    cosines = np.clip(cosines, -1 + 1e-14, 1 - 1e-14)
    shares = 0.6 / (np.pi * np.bincount(graph.centers, minlength=len(units)))[graph.centers]
    sums = np.bincount(graph.centers, shares * np.arccos(cosines), minlength=len(units))
    return 2.2 - sums, scale * shares / np.sqrt(1 - cosines**2)


def response(case, model, atoms, units):
    """Return moments, energy, and fields -dE/de across e / |M| of the Hamiltonian of a case."""
    graph = pairs(atoms, model.cutoff)
    if case.moments == "fixed":
        moments = MOMENT * units
        found = model.evaluate(graph, moments, lattice=False)
        return moments, found.energy, across(found.magforces, units)
    near = pairs(atoms, FIRST_SHELL)
    sizes, slopes = sizes_of_eq_41(near, units, case.rounding)
    moments = sizes[:, None] * units
    found = model.evaluate(graph, moments, lattice=False)
    # dE/de = M dE/dM + sum of dE/dM_i dM_i/de over all sizes that depend on this direction.
    along = np.einsum("ic,ic->i", found.magforces, units)[near.centers] * slopes
    torque = sizes[:, None] * found.magforces
    np.add.at(torque, near.centers, along[:, None] * units[near.neighbors])
    np.add.at(torque, near.neighbors, along[:, None] * units[near.centers])
    return moments, found.energy, across(torque, units) / sizes[:, None]


def across(vectors, units):
    """Return the part of vectors perpendicular to unit vectors."""
    return vectors - np.einsum("ic,ic->i", vectors, units)[:, None] * units


def configurations(case, count, rng, cells=2, fields=False, units=None):
    """Return labelled configurations, a Dataset.

    Parameters
    ----------
    case : Case; count : int; rng : numpy.random.Generator; cells : int, cubic cells per edge.
    fields : bool, whether magnetic forces are among the labels.
    units : list of (N, 3) float arrays, directions; default: :func:`directions`.
    """
    model, frames = exchange(case), []
    for number in range(count):
        atoms = iron(cells)
        atoms.positions += rng.normal(scale=case.displacement, size=atoms.positions.shape)
        chosen = directions(len(atoms), rng) if units is None else units[number]
        moments, energy, field = response(case, model, atoms, chosen)
        labels = {"energy": np.float64(energy)}
        if fields:
            labels["magforces"] = field
        frames.append(Frame(plain(atoms, moments), labels, index=number, group=str(number)))
    return Dataset(frames)


def thermal(case, count, cells, temperature, seed):
    """Return directions of the Hamiltonian at a temperature, a list of (N, 3) arrays."""
    atoms = iron(cells)
    ase_mag.set_moments(atoms, MOMENT)
    atoms.calc = ase_mag.MagneticCalculator(exchange(case))
    dynamics = SpinDynamics(
        atoms,
        timestep=TIMESTEP * ase_units.fs,
        temperature_K=temperature,
        damping=0.5,
        rng=np.random.default_rng([seed, len(atoms)]),
    )
    dynamics.run(START)
    out = []
    for _ in range(count):
        dynamics.run(INTERVAL)
        out.append(get_moments(atoms) / MOMENT)
    return out
