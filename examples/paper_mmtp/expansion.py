"""Molecular dynamics at 300 K and no pressure: the lattice parameter (Fig. 7).

The moments are relaxed at every step, as in the paper (Sec. 1.1): the potential is collinear, so
that its moments do not precess, and moments held fixed would keep the magnetic pressure of the
start. Potential and reference see the same random numbers, with a friction that holds their runs
together: their difference is known better than either value.
"""

import numpy as np
from alloys import calculator
from ase import units
from ase.md.langevinbaoab import LangevinBAOAB
from predictions import unlabelled

import ase_mag
from ase_mag.analysis import block_error
from ase_mag.core.jobs import run_jobs

TEMPERATURE_K = 300.0
STEP = 2.0  # fs
FRICTION = 1 / 50  # 1/fs
#: Damping time and period of the oscillations of the volume, fs, and a bulk modulus for the latter.
CELL_DAMPING, CELL_PERIOD, BULK_MODULUS = 200.0, 150.0, 160 * units.GPa


def lattice_parameters(atoms, model, sizes):
    """Return the lattice parameter (angstrom) and moment per iron atom at every step of a run."""
    atoms = unlabelled(atoms) * ((sizes.repeats,) * 3)
    atoms.calc = calculator(relaxed=True)
    if model is not None:
        atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed", fmax=1e-4)
    rng = np.random.default_rng(7)
    widths = np.sqrt(units.kB * TEMPERATURE_K * atoms.get_masses())
    atoms.set_momenta(widths[:, None] * rng.normal(size=(len(atoms), 3)))
    dynamics = LangevinBAOAB(
        atoms,
        STEP * units.fs,
        temperature_K=TEMPERATURE_K,
        externalstress=0.0,
        hydrostatic=True,
        T_tau=units.fs / FRICTION,
        P_tau=CELL_DAMPING * units.fs,
        # d(strain)/dt = p/W and dp/dt = 3 V P, so that W (2 pi/period)^2 = 9 V B.
        P_mass=9 * atoms.get_volume() * BULK_MODULUS * (CELL_PERIOD * units.fs / (2 * np.pi)) ** 2,
        rng=rng,
    )
    iron = atoms.numbers == 26
    series = {"a": [], "moment": []}
    for _ in dynamics.irun(sizes.steps):
        series["a"].append((2.0 * atoms.get_volume() / len(atoms)) ** (1 / 3))
        series["moment"].append(float(atoms.get_magnetic_moments()[:, 2].sum() / iron.sum()))
    return series


def ground_states(alloys, counts):
    """Return the index of the arrangement of lowest formation energy for every composition."""
    lowest = {}
    for index, row in enumerate(alloys["reference"]):
        best = lowest.get(row["aluminum"])
        if best is None or row["energy"] < alloys["reference"][best]["energy"]:
            lowest[row["aluminum"]] = index
    return {count: lowest[count] for count in counts or sorted(lowest)}


def expand(starts, alloys, potential, sizes, executor):
    """Return {aluminum atoms: {'reference' or 'potential': series}}."""
    chosen = ground_states(alloys, sizes.counts)
    jobs = {
        (count, name): (starts[index], model, sizes)
        for count, index in chosen.items()
        for name, model in (("reference", None), ("potential", potential))
    }
    out = {count: {} for count in chosen}
    for (count, name), series in run_jobs(lattice_parameters, jobs, executor):
        out[count][name] = series
    return out


def averages(runs, sizes):
    """Return {aluminum atoms: {quantity: (mean, standard error)}}."""
    out = {}
    for count, run in runs.items():
        series = {name: np.array(run[name]["a"])[sizes.skip :] for name in run}
        series["difference"] = series["potential"] - series["reference"]
        out[int(count)] = {name: (x.mean(), block_error(x, 5)) for name, x in series.items()}
        for name in run:
            x = np.array(run[name]["moment"])[sizes.skip :]
            out[int(count)][f"{name} moment"] = (x.mean(), block_error(x, 5))
    return out
