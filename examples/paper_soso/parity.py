"""Single predictions beside the reference, for Figs. 2 to 7: energies, fields, crystals.

Here the reference of Figs. 2 and 3 is FeHL-1 (synthetic) with sizes that relax at fixed directions,
which is what constrained density functional theory does: its energy is not one of fixed moments.
"""

import numpy as np
from accuracy import energy_errors, fields, fitted
from conditions import CASES, LATTICE
from heisenberg import across, configurations, iron, thermal

import ase_mag
from ase_mag import models, reference
from ase_mag.fitting import Dataset, Frame
from ase_mag.fitting.frame import plain

#: Largest distance (angstrom) and number of radial functions of Fig. 3: below the edge of 16 atoms.
SHORT = {"cutoff": 5.6, "n_radial": 10}
#: Magnetic orders of the two sites of bcc: moments along z to start from, mu_B.
ORDERS = {"FM": (2.2, 2.2), "AFM": (2.0, -2.0), "NM": (0.0, 0.0)}


def energies(name, sizes):
    """Return energies of test configurations of a case, eV/atom: the Hamiltonian's, predicted."""
    case, rng = CASES[name], np.random.default_rng([0, 400, list(CASES).index(name)])
    potential = fitted(configurations(case, sizes.train, rng), "linear")
    test = configurations(case, sizes.drawn, rng)
    true = np.array([frame.labels["energy"] / len(frame) for frame in test])
    return {
        "true": true.tolist(),
        "predicted": (true + 1e-3 * energy_errors(potential, test)).tolist(),
    }


def adiabatic(directions, cells):
    """Return configurations of FeHL-1 whose sizes relax at given directions, a Dataset.

    Labels are the energy and the magnetic forces across the moments, by which the constraint holds
    the directions.
    """
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    frames = []
    for number, units in enumerate(directions):
        atoms = iron(cells)
        ase_mag.set_moments(atoms, 2.2 * units)
        moments = calculator.relax_sizes(atoms)
        ase_mag.set_moments(atoms, moments)
        found = calculator.get_property("magforces", atoms)
        labels = {
            "energy": np.float64(calculator.get_potential_energy(atoms)),
            "magforces": across(found, units),
        }
        frames.append(Frame(plain(atoms, moments), labels, index=number, group=str(number)))
    return Dataset(frames)


def ferromagnet():
    """Return the energy of the ferromagnet of FeHL-1, eV/atom."""
    return adiabatic([np.tile([0.0, 0.0, 1.0], (16, 1))], 2)[0].labels["energy"] / 16


def above_the_ferromagnet(potential, data):
    """Return energies relative to the ferromagnet (eq 37), meV/atom: true ones, predicted."""
    lowest = ferromagnet()
    true = np.array([1e3 * (frame.labels["energy"] / len(frame) - lowest) for frame in data])
    return {"true": true.tolist(), "predicted": (true + energy_errors(potential, data)).tolist()}


def thermal_tests(temperature, sizes):
    """Return what Figs. 2 and 3 show of one temperature: energies of 16 and 54 atoms, and fields.

    Directions are those of the exchange constants of UppASD at that temperature; the potential is
    fitted to the energies of half of those of 16 atoms, and judged by the other half.
    """
    hot = (temperature, 5)
    small = thermal(CASES["fixed"], 2 * sizes.thermal, 2, *hot)
    large = thermal(CASES["fixed"], sizes.thermal_large, 3, *hot)
    train, test = (adiabatic(part, 2) for part in (small[::2], small[1::2]))
    potential = fitted(train, "linear")
    short = fitted(train, "linear", **SHORT)
    larger = adiabatic(large, 3)
    return {
        "16 atoms": above_the_ferromagnet(potential, test),
        "54 atoms": above_the_ferromagnet(potential, larger),
        "16 atoms, 5.6 Å": above_the_ferromagnet(short, test),
        "54 atoms, 5.6 Å": above_the_ferromagnet(short, larger),
        "positions": test[0].atoms.positions.tolist(),
        "fields": np.concatenate([f.labels["magforces"] for f in test]).tolist(),
        "predicted fields": np.concatenate(fields(potential, test)).tolist(),
        "sizes": np.concatenate(
            [np.linalg.norm(ase_mag.get_moments(frame.atoms), axis=1) for frame in test]
        ).tolist(),
    }


def crystals(sizes):
    """Return {order: [[a, energy (eV/atom), moment (mu_B)] of every lattice constant]}, FeHL-1."""
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    out = {}
    for order, moments in ORDERS.items():
        out[order] = []
        for scale in np.linspace(0.93, 1.07, sizes.lattice_constants):
            atoms = iron(1)
            atoms.set_cell(scale * atoms.cell.array, scale_atoms=True)
            ase_mag.set_moments(atoms, moments)
            if order != "NM":
                ase_mag.set_moments(atoms, calculator.relax_sizes(atoms))
            size = float(np.abs(ase_mag.get_moments(atoms)[:, 2]).mean())
            energy = calculator.get_potential_energy(atoms) / len(atoms)
            out[order].append([scale * LATTICE, energy, size])
    return out
