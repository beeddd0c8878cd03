"""Training and test frames of the synthetic iron: strained, displaced, defective, any moments."""

import numpy as np
from ase import Atoms
from ase.build import bulk

from ase_mag import fitting, models, set_moments
from ase_mag.core import PairGraph
from ase_mag.fitting import Dataset, Frame

A = 2.85
#: K of the three-site term, eV/mu_B^4: 35 meV per atom at 2.2 mu_B, a fifth of the exchange.
STRENGTH = 0.01


def reference():
    """Return FeHL-1 with a four-spin term of three sites, E = K sum_i (M_i.sum_j g M_j)^2."""
    return models.named("FeHL-1") + models.ThreeSiteExchange(
        "Fe", models.cubic(1.0, cutoff=3.75), STRENGTH
    )


def crystal(rng, repeats, strain=0.04, displacement=0.1, structure="bcc"):
    """Return a crystal with random strain of the cell and random displacements."""
    a = {"bcc": A, "fcc": 3.6, "sc": 2.4}[structure]
    atoms = bulk("Fe", structure, a=a, cubic=True) * repeats
    change = rng.uniform(-strain, strain) * np.eye(3)
    shear = rng.normal(scale=0.4 * strain, size=(3, 3))
    cell = atoms.cell.array @ (np.eye(3) + change + 0.5 * (shear + shear.T))
    atoms.set_cell(cell, scale_atoms=True)
    atoms.positions += rng.normal(scale=displacement, size=(len(atoms), 3))
    return atoms


def defect(rng, repeats, kind, displacement, shortest=1.8):
    """Return a cell with a vacancy or divacancy, or an additional atom in a dumbbell."""
    atoms = crystal(rng, repeats, 0.03, 0.0)
    if kind == "vacancy":
        center = atoms.positions[0].copy()
        near = np.argsort(np.linalg.norm(atoms.positions - center, axis=1))
        del atoms[sorted(near[: rng.integers(1, 3)])[::-1]]
    else:
        axis = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 0]][rng.integers(3)], dtype=float)
        axis *= rng.uniform(0.9, 1.15) / np.linalg.norm(axis)
        center = atoms.positions[0].copy()
        atoms.positions[0] = center - axis
        atoms += Atoms("Fe", [center + axis])
    atoms.positions += rng.normal(scale=displacement, size=(len(atoms), 3))
    return relaxed(atoms, shortest)


def relaxed(atoms, shortest=1.8):
    """Push atoms apart that are closer than ``shortest`` (angstrom)."""
    for _ in range(200):
        graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 3.0)
        close = graph.distances < shortest
        if not close.any():
            return atoms
        push = (graph.vectors / graph.distances[:, None])[close] * 0.05
        np.subtract.at(atoms.positions, graph.centers[close], push)
    return atoms


def moments_for(rng, atoms, kind, largest=4.5):
    """Return moments of one kind of order, (N, 3), mu_B."""
    n = len(atoms)
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    if kind == "zero":
        return np.zeros((n, 3))
    if kind == "random":  # any directions, any sizes
        return directions * rng.uniform(0.0, 3.5, size=(n, 1))
    if kind == "large":
        return directions * rng.uniform(1.0, largest, size=(n, 1))
    axis = directions[0]
    signs = np.ones(n)
    if kind == "antiferromagnetic":
        signs = np.where(np.arange(n) % 2, 1.0, -1.0)
    if kind == "reversed":  # some atoms against the others
        signs = np.where(rng.random(n) < 0.2, -1.0, 1.0)
    spread = rng.uniform(0.0, 0.8)  # thermal disorder around the order
    vectors = signs[:, None] * axis + spread * rng.normal(size=(n, 3))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    sizes = rng.uniform(1.4, 2.8) * (1.0 + 0.15 * rng.normal(size=(n, 1)))
    return vectors * np.clip(sizes, 0.0, 4.0)


def labeled(model, atoms, moments, source, index):
    """Return the Frame of a structure with all labels of ``model``."""
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    response = model.evaluate(graph, moments)
    set_moments(atoms, moments)
    w = response.virial / atoms.cell.volume
    w = 0.5 * (w + w.T)
    labels = {
        "energy": np.array(response.energy),
        "forces": response.forces,
        "stress": np.array([w[0, 0], w[1, 1], w[2, 2], w[1, 2], w[0, 2], w[0, 1]]),
        "magforces": response.magforces,
    }
    return Frame(atoms, labels, source=source, index=index)


CELLS = ((2, 2, 2), (2, 2, 2), (3, 2, 2), (3, 3, 3))
ORDERS = ("ferromagnetic", "ferromagnetic", "reversed", "antiferromagnetic", "random", "large")


def frames(seed, n_nonmagnetic=80, n_bulk=120, n_defects=200, shortest=1.8, largest=4.5):
    """Return three Datasets: non-magnetic, bulk-like, and everything else.

    Cells of 15 to 55 atoms; displacements to 0.2 angstrom in the bulk-like frames and to 0.25 in
    the others (0.2 is the thermal one at 1000 K), distances down to ``shortest`` (angstrom),
    moments to ``largest`` (mu_B) in the crystal and 3.5 elsewhere.
    """
    rng, model = np.random.default_rng(seed), reference()
    out = {"nonmagnetic": [], "bulk": [], "train": []}

    def add(name, atoms, kind):
        where = out[name]
        where.append(
            labeled(model, atoms, moments_for(rng, atoms, kind, largest), name, len(where))
        )

    def cell():
        return CELLS[rng.integers(len(CELLS))]

    for k in range(n_nonmagnetic):
        if k % 3 == 2:
            kind = ("vacancy", "interstitial")[k % 2]
            add("nonmagnetic", defect(rng, cell(), kind, 0.08, shortest), "zero")
        else:
            structure = "fcc" if k % 9 == 4 else "bcc"
            repeats = (2, 2, 2) if structure == "fcc" else cell()
            atoms = crystal(rng, repeats, 0.08, rng.uniform(0.0, 0.2), structure)
            add("nonmagnetic", relaxed(atoms, shortest), "zero")
    for k in range(n_bulk):
        atoms = relaxed(crystal(rng, cell(), 0.07, rng.uniform(0.0, 0.2)), shortest)
        add("bulk", atoms, ORDERS[k % len(ORDERS)])
    for k in range(n_defects):
        if k % 3 == 0:
            atoms = relaxed(crystal(rng, cell(), 0.05, rng.uniform(0.1, 0.25)), shortest)
        else:
            kind = ("vacancy", "interstitial")[k % 3 - 1]
            atoms = defect(rng, cell(), kind, rng.uniform(0.05, 0.2), shortest)
        add("train", atoms, ORDERS[(k // 3) % (len(ORDERS) - 1)])
    return {name: Dataset(found) for name, found in out.items()}


def together(sets):
    """Return all frames of some Datasets as one."""
    return fitting.Dataset([frame for data in sets.values() for frame in data])
