"""Equilibrium moments, and relaxed alloys: energy, lattice parameter, moment (Tables 3 and 4)."""

import numpy as np
from alloys import calculator
from ase import Atoms
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS
from conditions import LARGEST

import ase_mag
from ase_mag import optimize

#: A moment beyond those that the potentials are made for counts as a failure.
LIMITS = optimize.Limits(max_moment=max(LARGEST.values()))
#: Magnetic forces of frames whose moments count as those of equilibrium, eV/mu_B.
SMALL = 1e-3


def collinear(atoms):
    return ase_mag.get_moments(atoms)[:, 2]


def unlabelled(atoms):
    """Return a copy without results."""
    return Atoms(atoms)


def at_equilibrium(frames):
    """Return the frames without magnetic forces."""
    return [f for f in frames if np.abs(f.calc.results["magforces"]).max() < SMALL]


def equilibrate(frames, ensembles, executor):
    """Return relaxed moments of iron and which frames succeeded, by every member (Table 3)."""
    starts = [unlabelled(frame) for frame in at_equilibrium(frames)]
    iron = [atoms.numbers == 26 for atoms in starts]
    out = {"reference": [collinear(a)[f].tolist() for a, f in zip(starts, iron, strict=True)]}
    for name, ensemble in ensembles.items():
        out[name] = []
        for member in ensemble.members:
            found = optimize.equilibration_reliability(
                starts, ase_mag.MagneticCalculator(member), limits=LIMITS, executor=executor
            )
            failed = {failure.index for failure in found.failures}
            out[name].append(
                {
                    "moments": [
                        collinear(a)[f].tolist() for a, f in zip(found.frames, iron, strict=True)
                    ],
                    "success": [index not in failed for index in range(found.n)],
                    "reasons": found.reasons,
                }
            )
    return out


def elements():
    """Return the energies per atom of bcc iron and bcc aluminum, by the reference (eV)."""
    out = {}
    for symbol, moment in (("Fe", 2.2), ("Al", 0.0)):
        atoms = bulk(symbol, "bcc", a=2.87, cubic=True)
        ase_mag.set_moments(atoms, moment)
        atoms.calc = calculator(relaxed=moment > 0)
        if not LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-4, steps=300):
            raise RuntimeError(f"bcc {symbol} was not relaxed")
        out[symbol] = atoms.get_potential_energy() / len(atoms)
    return out


def described(atoms, energy, levels):
    """Return formation energy, lattice parameter and moment per iron atom of a relaxed alloy."""
    return {
        "aluminum": int(np.sum(atoms.numbers == 13)),
        "energy": (energy - sum(levels[s] for s in atoms.symbols)) / len(atoms) * 1e3,
        "lattice parameter": (2.0 * atoms.get_volume() / len(atoms)) ** (1 / 3),
        "moment": float(collinear(atoms).sum() / np.sum(atoms.numbers == 26)),
    }


def relax_alloys(starts, ensembles, executor):
    """Return what the reference and every member find for all arrangements (Table 4)."""
    levels = elements()
    out = {"reference": [described(a, a.get_potential_energy(), levels) for a in starts]}
    fresh = [unlabelled(atoms) for atoms in starts]
    for name, ensemble in ensembles.items():
        out[name] = []
        for member in ensemble.members:
            found = optimize.relaxation_reliability(
                fresh, ase_mag.MagneticCalculator(member), limits=LIMITS, executor=executor
            )
            failed = {failure.index for failure in found.failures}
            out[name].append(
                [
                    None if index in failed else described(atoms, result.energy, levels)
                    for index, (atoms, result) in enumerate(
                        zip(found.frames, found.results, strict=True)
                    )
                ]
            )
    return out


def moment_errors(found, name):
    """Return RMSE of iron moments (mu_B) and reliability (%) of the members of an ensemble."""
    rmse, reliability = [], []
    for member in found[name]:
        differences = [
            np.subtract(a, b)
            for a, b, good in zip(
                member["moments"], found["reference"], member["success"], strict=True
            )
            if good
        ]
        if differences:
            rmse.append(float(np.sqrt(np.mean(np.concatenate(differences) ** 2))))
        reliability.append(100.0 * float(np.mean(member["success"])))
    return rmse, reliability


def alloy_errors(found, name):
    """Return {quantity: RMSE of every member} over relaxed alloys, and reliability (%)."""
    out = {quantity: [] for quantity in ("energy", "lattice parameter", "moment")}
    out["reliability"] = []
    for member in found[name]:
        pairs = [(a, b) for a, b in zip(member, found["reference"], strict=True) if a is not None]
        for quantity in ("energy", "lattice parameter", "moment") if pairs else ():
            differences = [a[quantity] - b[quantity] for a, b in pairs]
            out[quantity].append(float(np.sqrt(np.mean(np.square(differences)))))
        out["reliability"].append(100.0 * len(pairs) / len(member))
    return out
