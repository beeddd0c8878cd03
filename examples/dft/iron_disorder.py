"""Could potentials of iron_abinit.py tell whether disordered moments soften the lattice of iron?

    python iron_disorder.py iron.npz TRAINING_FILE [TRAINING_FILE ...]

iron.npz: the ensemble. Cells of 54 atoms at a = 2.877 angstrom: the ferromagnet with relaxed and
with held sizes, and as many moments up as down at random. Printed for every member: the self force
constant tr(d2E/dx_0 dx_0)/3, and the largest grade by which the environments extrapolate (all
parameters). Two- and four-atom cells do not hold the environments of disorder: grades of 50 to 130.
"""

import argparse

import numpy as np
from ase.build import bulk

import ase_mag
from ase_mag import fitting, models
from ase_mag.optimize import relax_moments

SIZE, LATTICE = 2.0, 2.877


def cell(signs, size=SIZE, a=LATTICE):
    """Return 54 atoms of bcc iron with moments of one size and these signs."""
    atoms = bulk("Fe", a=a, cubic=True) * 3
    ase_mag.set_moments(atoms, size * signs)
    return atoms


def self_force_constant(model, atoms, atom=0, h=0.02):
    """Return tr(d2E/dx dx)/3 of one atom at the given moments, eV/angstrom^2."""
    atoms = atoms.copy()
    atoms.calc = ase_mag.MagneticCalculator(model)
    total = 0.0
    for axis in range(3):
        for sign in (1, -1):
            atoms.positions[atom, axis] += sign * h
            total -= sign * atoms.get_forces()[atom, axis] / (2 * h)
            atoms.positions[atom, axis] -= sign * h
    return total / 3


def relaxed_ferromagnet(model):
    """Return the ferromagnet with relaxed sizes."""
    atoms = cell(np.ones(54), 2.2)
    atoms.calc = ase_mag.MagneticCalculator(model)
    if not relax_moments(atoms, fmax=1e-4, max_moment=2.95, check_minimum=False).converged:
        raise RuntimeError("the sizes of the ferromagnet did not relax")
    return atoms


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ensemble")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    ensemble = models.load(options.ensemble)
    frames = [f.atoms for path in options.files for f in fitting.read(path)]
    rng = np.random.default_rng(1)
    balanced = np.repeat([1.0, -1.0], 27)
    draws = [rng.permutation(balanced) for _ in range(options.draws)]
    table = []
    for k, member in enumerate(ensemble.members):
        grades = fitting.ActiveSet(member, frames, parameters="all").grades
        ferro, held = relaxed_ferromagnet(member), cell(np.ones(54))
        row = [self_force_constant(member, ferro), self_force_constant(member, held)]
        # The neighbors of an atom differ from draw to draw.
        row.append(
            np.mean([self_force_constant(member, cell(s), a) for s in draws for a in (0, 17)])
        )
        row += [grades(ferro).max(), grades(held).max(), max(grades(cell(s)).max() for s in draws)]
        table.append(row)
        print(f"member {k}, relaxed size {ase_mag.get_moments(ferro)[0, 2]:.3f}:", end=" ")
        print(" ".join(f"{value:.4g}" for value in row), flush=True)
    table = np.array(table)
    print("force constants: relaxed, held, random; grades of the three")
    print("mean", " ".join(f"{v:.4g}" for v in table.mean(axis=0)))
    print("std ", " ".join(f"{v:.2g}" for v in table.std(axis=0, ddof=1)))


if __name__ == "__main__":
    main()
