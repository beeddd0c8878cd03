"""The alloys of the paper: 21 arrangements of aluminum on bcc, and frames around each of them."""

import numpy as np
from ase import units
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.md.langevin import Langevin
from ase.optimize import LBFGS

import ase_mag
from ase_mag import models

#: Aluminum atoms in cells of 16, and how many arrangements of each (21 in all, as in the paper).
ARRANGEMENTS = {0: 1, 1: 1, 2: 3, 3: 2, 4: 3, 5: 3, 6: 3, 7: 2, 8: 3}
#: Share of frames that are perturbed; the others come from dynamics at 300 K.
PERTURBED = 0.8
#: Share of perturbed frames whose moments are those of equilibrium (magnetic forces are zero).
EQUILIBRIUM = 0.15


def calculator(relaxed=False):
    """Return a new reference: FeAlHL-1, synthetic; constrained DFT takes its place."""
    return ase_mag.MagneticCalculator(
        models.named("FeAlHL-1"), moments="relaxed" if relaxed else "fixed"
    )


def crystals():
    """Return the 21 arrangements on ideal bcc; the first ones with 4 and 8 Al are D0_3 and B2."""
    rng = np.random.default_rng(16)
    frames = []
    for count, variants in ARRANGEMENTS.items():
        seen = set()
        while len(seen) < variants:
            atoms = bulk("Fe", a=2.87, cubic=True) * 2
            places = np.rint(atoms.get_scaled_positions() * 4).astype(int)
            centers = (places % 2).all(axis=1)
            chosen = rng.permutation(16)[:count]
            if not seen and count == 4:
                chosen = np.flatnonzero(centers & ((places // 2).sum(axis=1) % 2 == 0))
            if not seen and count == 8:
                chosen = np.flatnonzero(centers)
            atoms.numbers[chosen] = 13
            distances = atoms.get_all_distances(mic=True)[np.ix_(chosen, chosen)]
            environment = tuple(np.sort(distances.round(2).ravel()))
            if environment not in seen:
                seen.add(environment)
                atoms.info["arrangement"] = len(frames)
                frames.append(atoms)
    return frames


def equilibrium_moments(atoms):
    """Set moments to start from, 2.2 mu_B of iron and -0.05 of aluminum, along z."""
    ase_mag.set_moments(atoms, np.where(atoms.numbers == 26, 2.2, -0.05))


def relaxed(atoms):
    """Return the arrangement with positions, cell and moments relaxed by the reference."""
    atoms = atoms.copy()
    equilibrium_moments(atoms)
    atoms.calc = calculator(relaxed=True)
    if not LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=300):
        raise RuntimeError(f"arrangement {atoms.info['arrangement']} was not relaxed")
    ase_mag.set_moments(atoms, atoms.get_magnetic_moments())
    return atoms


def perturbed(atoms, rng):
    """Return a copy with strained cell, displaced atoms and, mostly, other moments.

    Strains of 2 % per component, displacements of 0.08 angstrom per component, moments of iron
    between 0.3 and 1.3 times those of equilibrium, a fifth of them reversed in every third frame,
    and 0.1 mu_B on aluminum.
    """
    frame = atoms.copy()
    strain = rng.normal(scale=0.02, size=(3, 3))
    frame.set_cell(frame.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)
    frame.positions += rng.normal(scale=0.08, size=(16, 3))
    moments = ase_mag.get_moments(atoms)[:, 2]
    if rng.random() < EQUILIBRIUM:
        frame.calc = calculator(relaxed=True)
        moments = frame.get_magnetic_moments()[:, 2]
    else:
        iron = frame.numbers == 26
        signs = np.where(rng.random(16) < (0.2 if rng.random() < 1 / 3 else 0.0), -1.0, 1.0)
        sizes = moments * rng.uniform(0.3, 1.3, size=16) * signs
        moments = np.where(iron, sizes, moments + rng.normal(scale=0.1, size=16))
    return labelled(frame, moments)


def snapshots(atoms, count, rng):
    """Return frames of a run at 300 K whose moments follow the lattice, one every 20 fs."""
    atoms = atoms.copy()
    atoms.calc = calculator(relaxed=True)
    dynamics = Langevin(
        atoms, 2 * units.fs, temperature_K=300, friction=0.02 / units.fs, rng=rng, fixcm=False
    )
    frames = []
    dynamics.run(100)
    for _ in range(count):
        dynamics.run(10)
        frames.append(labelled(atoms, atoms.get_magnetic_moments()[:, 2]))
    return frames


def labelled(atoms, moments):
    """Return a copy with collinear moments and all labels of the reference."""
    frame = atoms.copy()
    frame.set_momenta(None)
    ase_mag.set_moments(frame, moments)
    frame.calc = calculator()
    frame.get_stress()
    return frame


def training_set(starts, size, seed=1):
    """Return ``size`` labelled frames around the relaxed arrangements."""
    rng = np.random.default_rng(seed)
    frames = []
    for k, atoms in enumerate(starts):
        count = (k + 1) * size // len(starts) - k * size // len(starts)
        thermal = round((1 - PERTURBED) * count)
        frames += [perturbed(atoms, rng) for _ in range(count - thermal)]
        frames += snapshots(atoms, thermal, rng)
    return frames
