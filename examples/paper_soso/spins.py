"""Spin dynamics driven by the learned field beside the true Hamiltonian: M(T)."""

import numpy as np
from accuracy import fitted
from ase import units
from conditions import CASES, MOMENT
from heisenberg import configurations, exchange, iron

import ase_mag
from ase_mag.core import get_moments
from ase_mag.dynamics import SpinDynamics

CASE = CASES["d007"]
#: fs; moments are kept every so many steps. The damping is large for the sake of sampling only; the
#: square of the angle that noise turns a moment in a step, about 4 damping kT gamma timestep / |M|,
#: is what the semi-implicit midpoint gets wrong: 0.02 at 900 K.
TIMESTEP, INTERVAL, DAMPING = 0.2, 50, 0.3


def learned(sizes):
    """Return a potential fitted to energies and fields of one set of configurations."""
    rng = np.random.default_rng(1)
    return fitted(configurations(CASE, sizes.train, rng, fields=True), "linear, fields")


def magnetization(which, temperature, replica, sizes, potential):
    """Return the mean |M|/(N 2.23), its square, and the mean energy (eV/atom) of one run.

    Parameters
    ----------
    which : 'reference' or 'learned'; temperature : K; replica : int, seed of the noise.
    """
    atoms = iron(sizes.cells)
    ase_mag.set_moments(atoms, MOMENT)
    model = exchange(CASE) if which == "reference" else potential
    atoms.calc = ase_mag.MagneticCalculator(model)
    seed = [int(temperature), replica, int(which == "learned")]
    dynamics = SpinDynamics(
        atoms,
        timestep=TIMESTEP * units.fs,
        temperature_K=temperature,
        damping=DAMPING,
        rng=np.random.default_rng(seed),
    )
    dynamics.run(round(1e3 * sizes.equilibration / TIMESTEP))
    sums, count = np.zeros(2), round(1e3 * sizes.picoseconds / TIMESTEP / INTERVAL)
    for _ in range(count):
        dynamics.run(INTERVAL)
        size = np.linalg.norm(get_moments(atoms).mean(axis=0)) / MOMENT
        sums += size, size**2
    return (sums / count).tolist()


def all_runs(sizes, executor):
    """Return {temperature: {which: [[<m>, <m^2>] of every replica]}}."""
    potential = learned(sizes)
    replicas = {"reference": sizes.reference_replicas, "learned": sizes.replicas}
    jobs = {
        (temperature, which): [
            executor.submit(magnetization, which, temperature, k, sizes, potential)
            for k in range(count)
        ]
        for temperature in sizes.temperatures_K
        for which, count in replicas.items()
    }
    return {
        str(temperature): {
            which: [job.result() for job in jobs[temperature, which]] for which in replicas
        }
        for temperature in sizes.temperatures_K
    }
