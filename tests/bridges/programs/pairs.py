"""Pairs with images as translations, beside those of matscipy.

Prints for each structure the number of pairs that only one of both has, the largest difference of
distance vectors (angstrom), the largest number of ghosts of a process, and of their tags that it
owns or has twice.
"""

import json

import matscipy.neighbours
import numpy as np
from ase.build import bulk
from ase.geometry import complete_cell
from mpi4py import MPI

from ase_mag.bridges.engine import Engine
from ase_mag.core import PairGraph

comm, CUTOFF = MPI.COMM_WORLD, 3.3
SKEW = np.array([[1.0, 0.2, 0.1], [0.3, 1.0, 0.2], [0.1, -0.3, 1.0]])


def structures():
    iron = bulk("Fe", a=2.86, cubic=True)
    cubic = iron * (4, 4, 4)
    yield "orthogonal", cubic.copy()
    skewed = cubic.copy()
    skewed.set_cell(cubic.cell.array @ SKEW, scale_atoms=True)
    yield "triclinic", skewed
    left = skewed.copy()
    left.set_cell(skewed.cell.array * [[1], [1], [-1]])
    yield "left-handed", left
    left = iron * (2, 3, 1)
    left.set_cell(left.cell.array[[1, 0, 2]] @ SKEW, scale_atoms=True)
    yield "left-handed, narrow", left
    yield "narrow", iron * (1, 1, 3)
    yield "primitive", bulk("Fe", a=2.86)
    for pbc in ((True, True, False), (False, True, True), (False, False, True)):
        slab = skewed.copy()
        slab.pbc = pbc
        yield f"pbc {pbc}", slab
    slab = iron * (4, 4, 4)
    slab.pbc, slab.cell[2] = (True, True, False), 0.0
    yield "slab without a vector", slab


def ours(atoms):
    """Return i, j and r_ij of the pairs of this process, and its numbers of ghosts."""
    found = []

    def look(_step):
        topology, ghosts = engine.neighbors()
        tags = engine.tags(ghosts=True)
        tags = np.concatenate([tags[: engine.n_owned], tags[ghosts]])
        graph = PairGraph.from_topology(
            topology, engine.positions(ghosts), engine.cell, None, CUTOFF
        )
        found.append((tags[graph.centers], tags[graph.neighbors], graph.vectors.copy()))
        found.append((len(ghosts), len(tags) - len(set(tags.tolist()))))

    with Engine(atoms, CUTOFF, 0.2, (), comm) as engine:
        engine.callback = look
        engine.run(0, 1.0)
    return found


def ordered(i, j, vectors):
    """Return pairs within the cutoff, in an order that rounding does not change."""
    near = np.linalg.norm(vectors, axis=1) < CUTOFF
    i, j, vectors = i[near], j[near], vectors[near]
    rounded = np.round(vectors, 6) + 0.0
    order = np.lexsort((*rounded.T, j, i))
    return np.column_stack([i, j])[order], vectors[order]


results = {}
for name, atoms in structures():
    # Far from all planes, also those of rounded numbers.
    atoms.positions += np.random.default_rng(5).normal(scale=0.05, size=atoms.positions.shape)
    parts, counts = ours(atoms)
    gathered, counts = comm.gather(parts), comm.gather(counts)
    if comm.rank:
        continue
    pairs, vectors = ordered(*(np.concatenate(part) for part in zip(*gathered, strict=True)))
    atoms.cell = complete_cell(atoms.cell)
    i, j, expected = matscipy.neighbours.neighbour_list("ijD", atoms=atoms, cutoff=CUTOFF)
    theirs, expected = ordered(i + 1, j + 1, expected)
    same = len(pairs) == len(theirs) and np.array_equal(pairs, theirs)
    ghosts, repeated = np.max(counts, axis=0).tolist()
    results[name] = {
        "pairs": len(theirs),
        "same": same,
        "difference": float(np.abs(vectors - expected).max()) if same else None,
        "ghosts": ghosts,
        "repeated": repeated,
    }
if comm.rank == 0:
    print(json.dumps(results))
