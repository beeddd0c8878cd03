"""Training data of iron from ABINIT: two-atom cells, strained and displaced, with random moments.

    python iron_campaign.py [--count 90] [--output iron_pairs.extxyz]

The frames of iron_pairs.extxyz beside this script are the first of these that were computed: PBE,
JTH data sets, cutoffs of 12 and 40 Ha, 4x4x4 shifted k points, Gaussian smearing of 0.01 Ha. Half a
minute per frame on one core. A campaign that was stopped goes on when it is started again; frames
whose atoms come too close (overlapping spheres) are recorded as failures.
"""

import argparse

import numpy as np
from ase.build import bulk
from ase.units import Hartree

import ase_mag
from ase_mag import reference

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--count", type=int, default=90, help="number of frames")
parser.add_argument("--output", default="iron_pairs.extxyz")
options = parser.parse_args()

rng = np.random.default_rng(20261121)
frames = []
for number in range(4 * options.count // 3):
    atoms = bulk("Fe", a=rng.uniform(2.80, 2.95), cubic=True)
    if number % 4 == 3:
        atoms *= (1, 1, 2)  # every fourth is a cell of four atoms, left out here
    scale = rng.choice([0.05, 0.10, 0.16])
    atoms.positions += rng.normal(scale=scale, size=atoms.positions.shape)
    strain = rng.normal(scale=0.01, size=(3, 3))
    atoms.set_cell(atoms.cell[:] @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
    moments = rng.uniform(1.2, 2.7, size=len(atoms)) * rng.choice([1, -1], size=len(atoms))
    ase_mag.set_moments(atoms, moments * np.sign(moments[0]))
    if len(atoms) == 2:
        frames.append(atoms)

calc = reference.ConstrainedAbinit(
    kpts=(4, 4, 4),
    ecut=12 * Hartree,
    pawecutdg=40 * Hartree,
    smearing=("gaussian", 0.01 * Hartree),
)
print(reference.campaign(frames, calc, options.output))
