"""One run of every class of dynamics and every kind of it, on iron of FeHL-1."""

import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import lsf, models, reference
from ase_mag.dynamics import (
    AsdAimd,
    MonteCarlo,
    ParallelTempering,
    SpinDynamics,
    SpinLatticeDynamics,
)

fs = units.fs
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


def iron(n=2, rng=1):
    """bcc iron, 2 n^3 atoms, with tilted moments of several sizes and momenta of about 500 K."""
    atoms = bulk("Fe", a=2.86, cubic=True) * n
    atoms.set_array("ideal_positions", atoms.positions.copy())
    rng = np.random.default_rng(rng)
    ase_mag.set_moments(atoms, [0, 0, 2.1] + 0.3 * rng.normal(size=(len(atoms), 3)))
    atoms.set_momenta(2.0 * rng.normal(size=(len(atoms), 3)))
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    return atoms


def pulse(time):
    """A Gaussian pulse of 200 T around 50 fs."""
    return 200.0 * np.exp(-0.5 * ((time / fs - 50) / 20) ** 2), 0.0, 30.0


class Predictor:
    """A fitted predictor of sizes, made when it is asked for."""

    fitted = None

    def __new__(cls):
        if cls.fitted is None:
            atoms = bulk("Fe", a=2.877, cubic=True) * 2
            ase_mag.set_moments(atoms, 2.2)
            atoms.calc = reference.ConstrainedModel(models.named("FeHL-1"))
            frames = lsf.snapshots(atoms, displacement=0.2, directions="random", count=3, rng=1)
            table = lsf.landscapes(frames, atoms.calc, sizes=7, executor=None)
            cls.fitted = lsf.LsfPredictor(descriptor=2).fit(table)
        return cls.fitted


BATH = {"temperature_K": 500.0, "damping": 0.1}
LATTICE_BATH = {"temperature_K": 500.0, "friction": 0.01}
KINDS = {
    "midpoint": (SpinDynamics, BATH),
    "implicit": (SpinDynamics, BATH | {"method": "implicit"}),
    "depondt": (SpinDynamics, BATH | {"method": "depondt"}),
    "heun": (SpinDynamics, BATH | {"method": "heun"}),
    "sequential": (SpinDynamics, {"method": "sequential"}),
    "longitudinal": (SpinDynamics, {"temperature_K": 500.0, "longitudinal": True}),
    "pulse": (SpinDynamics, BATH | {"field": pulse, "moving": np.arange(9)}),
    "NVE": (SpinLatticeDynamics, {}),
    "NVE implicit": (SpinLatticeDynamics, {"method": "implicit", "field": pulse}),
    "NVT": (SpinLatticeDynamics, BATH | LATTICE_BATH | {"account": True}),
    "inertial": (
        SpinLatticeDynamics,
        LATTICE_BATH | {"longitudinal": "inertial", "longitudinal_friction": 0.1, "account": True},
    ),
    "NPT": (
        SpinLatticeDynamics,
        LATTICE_BATH | {"longitudinal": True, "pressure": 0.0, "full_cell": True, "account": True},
    ),
    "ASD-AIMD": (
        AsdAimd,
        BATH | LATTICE_BATH | {"exchange": EXCHANGE, "lsf": Predictor, "spin_timestep": 0.1 * fs},
    ),
    "heat bath": (MonteCarlo, {"temperature_K": 500.0, "over_relaxation": 1}),
    "Metropolis": (
        MonteCarlo,
        {"temperature_K": 500.0, "lengths": True, "method": "metropolis", "tuning": 50},
    ),
    "tempering": (ParallelTempering, {"temperatures_K": [400.0, 500.0, 650.0], "interval": 3}),
}


def dynamics(kind, atoms, **options):
    """Return the dynamics of a kind with 1 fs and the seed 1."""
    cls, given = KINDS[kind]
    given = dict(given)
    if given.get("lsf") is Predictor:
        given["lsf"] = Predictor()
    if cls not in (MonteCarlo, ParallelTempering):
        given["timestep"] = fs
    return cls(atoms, rng=1, progress=False, **given, **options)


def state(dyn):
    """Return everything that moves, a list of arrays."""
    s = dyn.state
    found = [s.positions, s.momenta, s.moments, s.cell]
    if isinstance(dyn, ParallelTempering):
        found += [dyn.moments, dyn.energies, dyn.replicas]
    return [np.array(part) for part in found]
