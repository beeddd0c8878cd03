"""A halo of random owners and ghosts: exchange, sums, and an atom that nobody owns."""

import json

import numpy as np
from mpi4py import MPI

from ase_mag.bridges import Halo

comm = MPI.COMM_WORLD
N, GHOSTS = 1000, 200
rng = np.random.default_rng(1)
tags = rng.permutation(10 * N)[:N]
mine = tags[rng.integers(comm.size, size=N) == comm.rank]
own = np.random.default_rng(comm.rank + 2)
others = tags[~np.isin(tags, mine)]
ghosts = own.choice(others, size=min(GHOSTS * comm.rank, len(others)), replace=False)
halo = Halo(comm, mine, ghosts)


def values(of):
    return np.column_stack([of, of**2, np.sin(of)]).astype(float)


forward = np.array_equal(halo.forward(values(mine)), values(ghosts))
shares = own.normal(size=(len(ghosts), 4))
total = np.ones((len(mine), 4))
parts = total[:, :1].copy(), total[:, 1:].copy()
halo.reverse(shares, total)
halo.reverse(shares, *parts)
assert np.array_equal(np.concatenate(parts, axis=1), total)
expected = np.ones((10 * N, 4))
for where, what in zip(comm.allgather(ghosts), comm.allgather(shares), strict=True):
    np.add.at(expected, where, what)
error = float(np.abs(total - expected[mine]).max(initial=0.0))
try:
    Halo(comm, mine, np.append(ghosts, 10 * N + 5) if comm.rank == comm.size - 1 else ghosts)
    message = None
except RuntimeError as lost:
    message = str(lost)
answers = comm.gather((forward, error, message))
if comm.rank == 0:
    print(json.dumps(answers))
