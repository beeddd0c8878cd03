"""The ase_mag programs."""

from time import perf_counter, process_time

import numpy as np

import ase_mag
from ase_mag import models
from ase_mag.core import set_threads
from ase_mag.dynamics import MonteCarlo, SpinDynamics, SpinLatticeDynamics
from benchmarks import iron
from benchmarks.program import Program


def _timed(dynamics, threads):
    def run(n_steps):
        set_threads(threads)
        wall, processor = perf_counter(), process_time()
        dynamics.run(n_steps)
        return perf_counter() - wall, process_time() - processor

    return run


def _program(name, atoms, dynamics, threads, settings):
    return Program(name, _timed(dynamics, threads), len(atoms), settings)


def spins(neighbors, rattle, steps_per_call=None, bath=True):
    """Return a factory of spin dynamics, with bath or at constant energy."""

    def make(cells, threads):
        atoms = iron.iron(cells, rattle=rattle)
        atoms.calc = ase_mag.MagneticCalculator(iron.exchange(neighbors))
        options = (
            {"temperature_K": iron.SPIN_TEMPERATURE, "damping": iron.DAMPING}
            if bath
            else {"method": "sequential"}
        )
        dynamics = SpinDynamics(
            atoms, iron.FEMTOSECOND, rng=1, progress=False, loginterval=10**9, **options
        )
        where = "atoms displaced by 0.02 angstrom" if rattle else "perfect lattice"
        how = "semi-implicit midpoint, 300 K, damping 0.1" if bath else "sequential rotations"
        name = "ase_mag" if rattle else "ase_mag, perfect lattice"
        return _program(name, atoms, dynamics, threads, f"{how}, 1 fs, {where}")

    return make


def coupled(model, settings, **options):
    """Return a factory of spin-lattice dynamics with ``model()``."""

    def make(cells, threads):
        atoms = iron.iron(cells, hot=True)
        atoms.calc = ase_mag.MagneticCalculator(model())
        dynamics = SpinLatticeDynamics(
            atoms, iron.FEMTOSECOND, rng=1, progress=False, loginterval=10**9, **options
        )
        return _program("ase_mag", atoms, dynamics, threads, settings)

    return make


def lattice_and_exchange(neighbors):
    """Return the embedded-atom potential of Mendelev et al. plus exchange."""
    return models.named("Fe-Mendelev2003") + iron.exchange(neighbors)


def with_landau(neighbors):
    """Return :func:`lattice_and_exchange` plus a Landau energy of the sizes."""
    return lattice_and_exchange(neighbors) + models.Landau("Fe", a=-0.15, b=0.0192)


def monte_carlo(neighbors, method="metropolis"):
    """Return a factory of Monte Carlo sweeps over the directions."""

    def make(cells, threads):
        atoms = iron.iron(cells)
        atoms.calc = ase_mag.MagneticCalculator(iron.exchange(neighbors))
        dynamics = MonteCarlo(
            atoms,
            temperature_K=iron.SPIN_TEMPERATURE,
            method=method,
            rng=1,
            progress=False,
            loginterval=10**9,
        )
        return _program(f"ase_mag, {method}", atoms, dynamics, threads, f"{method}, 300 K")

    return make


def kernel_ridge(own, rows=54):
    """Return a factory of the predictions of both landscape coefficients of one LSF step."""

    def make(cells, threads):
        rng = np.random.default_rng(3)
        features, targets = rng.normal(size=(806, 26)), rng.normal(size=(806, 2))
        new = rng.normal(size=(rows, 26))
        predict, name, settings = _regressors(own, features, targets)

        def run(n_steps):
            set_threads(threads)
            wall, processor = perf_counter(), process_time()
            for _ in range(n_steps):
                predict(new)
            return perf_counter() - wall, process_time() - processor

        return Program(name, run, rows, f"{settings}; 806 training rows, 26 features")

    return make


def _regressors(own, features, targets):
    if own:
        from ase_mag.regressors import LaplacianKernelRidge

        fitted = LaplacianKernelRidge(width=10.0).fit(features, targets)
        return fitted.predict_rows, "ase_mag", "both targets from one pass"
    from sklearn.kernel_ridge import KernelRidge

    fitted = KernelRidge(alpha=1e-4, kernel="laplacian", gamma=0.1).fit(features, targets)
    return fitted.predict, "scikit-learn", "KernelRidge, Laplacian kernel, both targets at once"
