"""6. Atoms and moments of one model: constant energy, temperature and pressure.

The model is FeHL-1, which is synthetic and resembles iron; it is not density functional theory.
"""

import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, models
from ase_mag.dynamics import SpinLatticeDynamics, moment_temperature


def iron(temperature_K, seed=1):
    """54 atoms on ideal sites with twice the kinetic energy: half of it becomes potential."""
    atoms = bulk("Fe", a=2.8494, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(atoms, 2.145)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    widths = np.sqrt(2 * units.kB * temperature_K * atoms.get_masses())
    momenta = widths[:, None] * np.random.default_rng(seed).normal(size=(len(atoms), 3))
    atoms.set_momenta(momenta - momenta.mean(axis=0))
    return atoms


def total_energy(dynamics):
    return dynamics.get_potential_energy() + dynamics.atoms.get_kinetic_energy()


# Constant energy: hot moments warm a cold lattice, the sum stays.
print("constant energy, averages over 50 fs")
print("  from      lattice   directions   change of the energy")
print("  (fs)          (K)          (K)             (meV/atom)")
atoms = iron(0)
moments = np.array([0, 0, 1.0]) + 0.6 * np.random.default_rng(2).normal(size=(len(atoms), 3))
ase_mag.set_moments(atoms, 2.145 * moments / np.linalg.norm(moments, axis=1)[:, None])
dynamics = SpinLatticeDynamics(atoms, 1.0 * units.fs, progress=False)
start = total_energy(dynamics)
for time in range(0, 2001, 400):
    dynamics.run_to(time)
    temperatures = []
    for _ in dynamics.irun(50):
        temperatures.append([atoms.get_temperature(), dynamics.get_spin_temperature()])
    lattice, directions = np.mean(temperatures, axis=0)
    change = 1000 * (total_energy(dynamics) - start) / len(atoms)
    print(f"{time:6d} {lattice:12.1f} {directions:12.1f} {change:22.4f}")

# Constant temperature and pressure, sizes included: generalized Langevin dynamics of the moments.
print("\nconstant temperature, zero pressure; averages from 0.5 to 2.5 ps")
print("  bath   lattice   moments      |M|    |<M>|     lattice constant")
print("   (K)       (K)       (K)   (mu_B)   (mu_B)           (angstrom)")
for temperature_K in (300, 600):
    atoms = iron(temperature_K)
    dynamics = SpinLatticeDynamics(
        atoms,
        1.0 * units.fs,
        temperature_K=temperature_K,
        friction=0.02 / units.fs,
        longitudinal=True,
        pressure=0.0,
        pressure_time=100 * units.fs,
        rng=1,
        trajectory=f"npt-{temperature_K}.traj",
        progress=False,
    )
    dynamics.run(500)
    vectors, constants = [], []
    for _ in dynamics.irun(2000):
        if dynamics.nsteps % 10 == 0:
            form = dynamics.spin_form()
            vectors.append(moment_temperature(form, ase_mag.get_moments(atoms)))
            constants.append((atoms.get_volume() / 27) ** (1 / 3))
    run = analysis.read(f"npt-{temperature_K}.traj")
    late = run.time_fs >= 500
    print(
        f"{temperature_K:6d} {run.temperature_K[late].mean():9.0f} {np.mean(vectors):9.0f}"
        f" {run.moment_sizes[late].mean():8.3f}"
        f" {np.linalg.norm(run.magnetization[late], axis=1).mean():8.3f}"
        f"    {np.mean(constants):.4f} +- {analysis.block_error(constants, blocks=5):.4f}"
    )
