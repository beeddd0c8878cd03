"""The main job on bcc iron: landscapes, predictor, coupled dynamics beside a ferromagnet.

The scheme of Brannvall, Gambino, Armiento, Alling, Phys. Rev. B 105, 144417 (2022), with the
synthetic reference FeHL-1 in the place of constrained density-functional theory.
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
from ase import units
from ase.build import bulk
from sklearn.model_selection import KFold, cross_val_predict
from threadpoolctl import threadpool_limits

from ase_mag import analysis, lsf, models, reference, set_moments
from ase_mag.cli.job.system import thermal_momenta
from ase_mag.dynamics import AsdAimd

#: Exchange of FeHL-1, eV/mu_B^2: the spin dynamics uses the same as the forces.
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


@dataclass(frozen=True)
class Settings:
    """Conditions of the paper's T_c system, and the sizes of the job.

    Attributes
    ----------
    steps : int, lattice steps of each run; interval : int, steps between frames; seed : int.
    snapshots : int, frames of random directions for the landscapes; ordered : int, ferromagnetic
        frames that the predictor learns from too, because short-range order at the Curie
        temperature goes beyond what random directions show. scan : int, sizes per landscape.
    folds : int, of the cross-validation.
    lattice_constant, displacement : float, angstrom; repeats : int, cubic cells along each edge.
    temperature_K : float; timestep_fs, spin_timestep_fs : float; friction_per_fs : float.
    damping : float, Gilbert damping; measure : int, power of m in the phase-space measure.
    ferromagnetic_moment, start_moment : float, mu_B.
    """

    steps: int = 2000
    interval: int = 2
    seed: int = 1
    snapshots: int = 14
    ordered: int = 4
    scan: int = 7
    folds: int = 10
    lattice_constant: float = 2.877
    displacement: float = 0.173
    repeats: int = 3
    temperature_K: float = 1043.0
    timestep_fs: float = 1.0
    spin_timestep_fs: float = 0.01
    friction_per_fs: float = 0.01
    damping: float = 0.05
    measure: int = 2
    ferromagnetic_moment: float = 2.2
    start_moment: float = 2.0

    def crystal(self):
        """Return the ideal lattice."""
        return bulk("Fe", a=self.lattice_constant, cubic=True) * ((self.repeats,) * 3)

    def calculator(self):
        """Return a new reference calculator."""
        return reference.ConstrainedModel(models.named("FeHL-1"))


@dataclass(frozen=True)
class Learned:
    """Landscapes and what was learned from them.

    Attributes
    ----------
    table : LandscapeTable of the random directions; predictor : LsfPredictor, which has also
        learned from the ferromagnetic frames; scores : CrossValidation of ``table``.
    predictions : (n, 2) float array, a and b of every landscape from the folds without it.
    seconds : dict of stage -> float.
    """

    table: lsf.LandscapeTable
    predictor: lsf.LsfPredictor
    scores: lsf.CrossValidation
    predictions: np.ndarray
    seconds: dict


def learn(settings, progress=True):
    """Make snapshots, compute their landscapes, and learn to predict them; returns Learned."""
    start = perf_counter()
    atoms = settings.crystal()
    set_moments(atoms, settings.start_moment)
    rng = np.random.default_rng(settings.seed)
    tables = []
    for directions, count in (("random", settings.snapshots), ("ferro", settings.ordered)):
        frames = lsf.snapshots(
            atoms,
            displacement=settings.displacement,
            directions=directions,
            count=count,
            rng=rng,
        )
        tables.append(
            lsf.landscapes(frames, settings.calculator(), sizes=settings.scan, progress=progress)
        )
    table, ordered = tables
    scanned = perf_counter()
    predictor = lsf.LsfPredictor(descriptor=3, shells=1, width=10.0, regularization=1e-4)
    # The folds of lsf.cross_validate, so that the figure and the table show the same predictions.
    shuffle = int(np.random.default_rng(settings.seed).integers(2**31))
    folds = KFold(settings.folds, shuffle=True, random_state=shuffle)
    # Many small linear systems: on a busy machine threads of BLAS cost more than they bring.
    with threadpool_limits(1, "blas"):
        predictor.fit(table + ordered)
        scores = lsf.cross_validate(predictor, table, folds=settings.folds, rng=settings.seed)
        features, targets = predictor.training_data(table)
        predictions = cross_val_predict(predictor.regressor(), features, targets, cv=folds)
    seconds = {"landscapes": scanned - start, "learning": perf_counter() - scanned}
    return Learned(table, predictor, scores, predictions, seconds)


@dataclass(frozen=True)
class Simulated:
    """One run and what it cost.

    Attributes
    ----------
    run : analysis.Run; timings : dict part -> seconds; seconds : float, wall time; steps : int.
    """

    run: analysis.Run
    timings: dict
    seconds: float
    steps: int


def paramagnet(settings, predictor, path, progress=None):
    """Run ASD-AIMD with learned moment sizes from random directions; returns Simulated.

    Start momenta and lattice noise are those of :func:`ferromagnet`, so that differences between
    the two runs are known better than either of them.
    """
    rng = np.random.default_rng([settings.seed, 1])
    atoms = _start(settings, rng)
    directions = rng.normal(size=(len(atoms), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    set_moments(atoms, settings.start_moment * directions)
    return _simulate(settings, atoms, path, progress, exchange=EXCHANGE, lsf=predictor)


def ferromagnet(settings, path, progress=None):
    """Run the lattice alone, all moments frozen along z; returns Simulated."""
    atoms = _start(settings, np.random.default_rng([settings.seed, 1]))
    set_moments(atoms, settings.ferromagnetic_moment)
    return _simulate(settings, atoms, path, progress)


def _start(settings, rng):
    """Return ideal sites with momenta of twice the temperature: half of it becomes potential."""
    atoms = settings.crystal()
    thermal_momenta(atoms, 2 * settings.temperature_K, rng)
    atoms.calc = settings.calculator()
    return atoms


def _simulate(settings, atoms, path, progress, **moments):
    start = perf_counter()
    with AsdAimd(
        atoms,
        settings.timestep_fs * units.fs,
        temperature_K=settings.temperature_K,
        measure=settings.measure,
        spin_timestep=settings.spin_timestep_fs * units.fs,
        damping=settings.damping,
        friction=settings.friction_per_fs / units.fs,
        rng=settings.seed,
        trajectory=str(path),
        loginterval=settings.interval,
        progress=progress,
        **moments,
    ) as dynamics:
        dynamics.run(settings.steps)
        timings = dynamics.timings
    seconds = perf_counter() - start
    return Simulated(analysis.read(path), timings, seconds, settings.steps)
