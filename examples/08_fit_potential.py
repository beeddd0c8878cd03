"""A magnetic moment tensor potential, fitted to energies, forces, stresses and magnetic forces.

A campaign labels frames by the synthetic reference FeAlHL-1 (any constrained-DFT reference takes
its place), a potential of level 8 is fitted to them, and the fitted potential relaxes a crystal.
"""

import numpy as np
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS

import ase_mag
from ase_mag import fitting, models, reference

rng = np.random.default_rng(1)
frames = []
for _ in range(120):
    atoms = bulk("Fe", a=2.87, cubic=True) * (1, 1, 2)
    atoms.numbers[rng.permutation(4)[: rng.integers(3)]] = 13
    strain = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += rng.normal(scale=0.05, size=(4, 3))
    iron = atoms.numbers == 26
    sizes = np.where(iron, rng.uniform(0.8, 2.6, size=4), rng.normal(scale=0.1, size=4))
    ase_mag.set_moments(atoms, sizes)
    frames.append(atoms)
truth = reference.ConstrainedModel(models.named("FeAlHL-1"))
reference.campaign(frames, truth, "alloy.extxyz", progress=False)

data = fitting.read("alloy.extxyz")
print(data.summary())
train, test = data.split(0.85, rng=1)
potential = models.MomentTensorPotential(("Fe", "Al"), level=8, magnetic_basis=2, cutoff=4.5)
report = fitting.fit(potential, train, test=test, max_iterations=150, progress=False)
print(report)
report.parity_plot("parity.png")
potential.save("alloy.npz")

b2 = bulk("Fe", a=2.87, cubic=True)
b2.symbols[1] = "Al"
for name, model in (("reference", models.named("FeAlHL-1")), ("fitted", models.load("alloy.npz"))):
    atoms = b2.copy()
    ase_mag.set_moments(atoms, [1.0, -0.02])
    atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed")
    LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=0.005, steps=50)
    moment = atoms.get_magnetic_moments()[0, 2]
    print(f"{name:9s} B2 FeAl: a {atoms.cell.lengths()[0]:.4f} angstrom, Fe {moment:.3f} mu_B")
