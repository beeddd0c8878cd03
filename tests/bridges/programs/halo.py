"""A halo of random owners and ghosts: exchange, sums, and an atom that nobody owns."""

import json

import numpy as np
from mpi4py import MPI

from ase_mag.bridges import Halo

comm = MPI.COMM_WORLD
N, GHOSTS = 1000, 3000
rng = np.random.default_rng(1)
tags = rng.permutation(10 * N)[:N]
mine = tags[rng.integers(comm.size, size=N) == comm.rank]
own = np.random.default_rng(comm.rank + 2)
ghosts = own.choice(tags, size=GHOSTS if comm.rank else 0 if comm.size > 1 else GHOSTS)
halo = Halo(comm, mine, ghosts)


def values(of):
    return np.column_stack([of, of**2, np.sin(of)]).astype(float)


forward = np.array_equal(halo.forward(values(mine)), values(ghosts))
shares = own.normal(size=(len(ghosts), 3))
total = np.ones((len(mine), 3))
halo.reverse(shares, total)
expected = np.ones((10 * N, 3))
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
