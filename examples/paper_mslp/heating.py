"""Fig. 1: lattice constant and magnetization against temperature, and a quench."""

import numpy as np
import stages
from ase import units
from ase.md.velocitydistribution import thermalize_momenta

import ase_mag
from ase_mag.analysis import block_error
from ase_mag.build import bcc_crystal
from ase_mag.dynamics import SpinLatticeDynamics

#: Steps between two values of a series.
EVERY = 10


def run(atoms, model, temperature, steps, seed):
    """Run at zero pressure; return series of a (angstrom), |M| and the mean size (mu_B), |M_z|."""
    atoms.calc = ase_mag.MagneticCalculator(model)
    dynamics = SpinLatticeDynamics(
        atoms,
        1 * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        longitudinal=True,
        pressure=0.0,
        rng=seed,
        progress=False,
    )
    series = {"a": [], "moment": [], "size": []}
    for _ in range(steps // EVERY):
        dynamics.run(EVERY)
        moments = ase_mag.get_moments(atoms)
        series["a"].append((2 * atoms.get_volume() / len(atoms)) ** (1 / 3))
        series["moment"].append(np.linalg.norm(moments.mean(axis=0)))
        series["size"].append(np.linalg.norm(moments, axis=1).mean())
    return series


def heat(model, a, moment, sizes, folder):
    """Return {temperature: series}; every temperature goes on from the one before."""
    done, before = {}, None
    for k, temperature in enumerate(sizes.temperatures):

        def compute(temperature=temperature, before=before, k=k):
            atoms = bcc_crystal(a, sizes.repeats, moment=moment) if before is None else before
            if before is None:
                rng = np.random.default_rng(1)
                thermalize_momenta(atoms, temperature_K=temperature, rng=rng)
            atoms.info["series"] = run(atoms, model, temperature, sizes.steps, k)
            return atoms

        before = stages.state(folder, f"heated_{temperature}", compute)
        done[temperature] = {name: list(v) for name, v in before.info["series"].items()}
    return done


def quench(model, sizes, folder):
    """Return the series of a quench from the paramagnet."""

    def compute():
        hot = stages.state(folder, f"heated_{sizes.quench_from}", None)
        return run(hot, model, sizes.quench_to, sizes.quench_steps, 100)

    return stages.stage(folder, "quench", compute)


def averages(heated, sizes):
    """Return {temperature: {name: (mean, standard error, standard deviation)}}."""
    first = sizes.skip // EVERY
    out = {}
    for temperature, series in heated.items():
        rows = {name: np.array(values[first:]) for name, values in series.items()}
        out[temperature] = {
            name: (row.mean(), block_error(row, min(5, len(row))), row.std())
            for name, row in rows.items()
        }
    return out


def curie_estimate(found):
    """Return the middle and half the width of the interval in which |M| falls most steeply, K."""
    temperatures = np.array(list(found), dtype=float)
    moments = np.array([row["moment"][0] for row in found.values()])
    k = int((np.diff(moments) / np.diff(temperatures)).argmin())
    low, high = temperatures[k : k + 2]
    return 0.5 * (low + high), 0.5 * (high - low)
