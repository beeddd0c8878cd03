"""7. Relaxation of moments, positions and cell, and how often it succeeds.

FeHL-1 is a synthetic model that resembles iron; it is not density functional theory.
"""

import warnings

import numpy as np
from ase.build import bulk
from ase.optimize import FIRE, LBFGS, BFGSLineSearch

import ase_mag
from ase_mag import models
from ase_mag.optimize import (
    MagneticCellFilter,
    equilibration_reliability,
    relax,
    relax_moments,
    relaxation_reliability,
)


def distorted(seed=1, size=2.4):
    """Compressed, sheared, displaced bcc iron with disturbed moments."""
    atoms = bulk("Fe", a=2.80, cubic=True) * 2
    rng = np.random.default_rng(seed)
    deformation = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    atoms.rattle(0.08, seed=seed)
    moments = [0, 0, size] + rng.normal(scale=0.3, size=(len(atoms), 3))
    ase_mag.set_moments(atoms, moments)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    return atoms


def describe(atoms):
    a = (2 * atoms.get_volume() / len(atoms)) ** (1 / 3)
    size = np.linalg.norm(ase_mag.get_moments(atoms), axis=1).mean()
    energy = atoms.get_potential_energy() / len(atoms)
    return f"a = {a:.4f} angstrom, |M| = {size:.3f} mu_B, E = {energy:.6f} eV/atom"


print("Moments at fixed positions: the largest |dE/dM| (eV/mu_B) of every Newton step")
atoms = distorted()
result = relax_moments(atoms, fmax=1e-12)
print("  " + "  ".join(f"{slope:.1e}" for slope in result.history))
print(f"  lowest curvature {result.curvature:.1e} eV/mu_B^2, a minimum: {result.minimum}")

print("\nAn antiferromagnet has no torque, and is not a minimum:")
atoms = bulk("Fe", a=2.85, cubic=True)
ase_mag.set_moments(atoms, [2.0, -2.0])
atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(f"  {relax_moments(atoms).message}")

print("\nPositions, cell and moments in one optimizer (2.8494 angstrom, 2.145 mu_B expected)")
for optimizer in (FIRE, LBFGS, BFGSLineSearch):
    atoms = distorted()
    run = optimizer(MagneticCellFilter(atoms), logfile=None)
    run.run(fmax=1e-3)
    print(f"  {optimizer.__name__:15} {run.nsteps:3} steps, {describe(atoms)}")

print("\nIn two stages: moments at every geometry, then atoms and cell")
atoms = distorted()
result = relax(atoms, fmax=1e-3)
print(f"  {result.iterations} geometries, {result.evaluations} of moments, {describe(atoms)}")

print("\nReliability of 20 distorted frames")
frames = [distorted(seed) for seed in range(20)]
frames[7].positions[0] = frames[7].positions[1] + [1.0, 0.0, 0.0]  # two atoms on top of each other
calculator = ase_mag.MagneticCalculator(models.named("FeHL-1"))
for count in (equilibration_reliability, relaxation_reliability):
    report = count(frames, calculator)
    print(f"  {count.__name__:25}", str(report).replace("\n", "; "))
    for failure in report.failures:
        print(f"    frame {failure.index}: {failure.message}")
