"""Fig. 1 a, b: energy and lattice parameter of a small and a large box at zero pressure."""

import numpy as np
import stages
from ase import units
from ase.md.velocitydistribution import thermalize_momenta

import ase_mag
from ase_mag.analysis import plots
from ase_mag.build import bcc_crystal
from ase_mag.dynamics import SpinLatticeDynamics

TEMPERATURES = (10, 100)  # K
#: Steps between two values, and the largest number of steps, of 1 fs.
EVERY, STEPS = 5, 800


def run(model, ground, repeats, temperature, steps):
    """Return series of the energy (eV/atom, potential and kinetic) and a (angstrom)."""
    atoms = bcc_crystal(ground["a"], repeats, moment=ground["moment"])
    atoms.calc = ase_mag.MagneticCalculator(model)
    rng = np.random.default_rng([temperature, repeats])
    thermalize_momenta(atoms, temperature_K=temperature, rng=rng)
    dynamics = SpinLatticeDynamics(
        atoms,
        1 * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        longitudinal=True,
        pressure=0.0,
        rng=rng,
        progress=False,
    )
    series = {"energy": [], "a": []}
    for _ in range(steps // EVERY):
        dynamics.run(EVERY)
        series["energy"].append(atoms.get_total_energy() / len(atoms))
        series["a"].append((2 * atoms.get_volume() / len(atoms)) ** (1 / 3))
    return series


def compute(model, ground, sizes, folder):
    """Return {temperature: {number of atoms: series}} of the box of Fig. 1 and of half its edge."""
    steps = min(STEPS, sizes.steps)
    found = {}
    for temperature in TEMPERATURES:
        for repeats in (sizes.repeats // 2, sizes.repeats):
            found.setdefault(temperature, {})[2 * repeats**3] = stages.stage(
                folder,
                f"fluctuations_{temperature}K_{2 * repeats**3}",
                lambda T=temperature, n=repeats: run(model, ground, n, T, steps),
            )
    return found


def spreads(found):
    """Return [[temperature, atoms, spread of energies (meV/atom), of a (mangstrom)], ...].

    Of the second half of each run.
    """
    rows = []
    for temperature, boxes in found.items():
        for count, series in boxes.items():
            energy, a = (np.array(series[name]) for name in ("energy", "a"))
            half = len(energy) // 2
            rows.append([temperature, count, 1e3 * energy[half:].std(), 1e3 * a[half:].std()])
    return rows


def draw(found, ground):
    """Return the figure: energies above the ground state, and lattice parameters."""

    def panels(left, right):
        colors = iter(plots.COLORS)
        for temperature, boxes in found.items():
            for count, series in boxes.items():
                energy = 1e3 * (np.array(series["energy"]) - ground["energy"])
                times = EVERY * np.arange(1, len(energy) + 1)
                large = count == max(boxes)
                style = dict(lw=1.4 if large else 0.7, color=next(colors), zorder=3 if large else 2)
                label = f"{temperature} K, {count:,} atoms"
                left.plot(times, energy, label=label, **style)
                right.plot(times, series["a"], **style)
        left.set_ylabel("energy above the ground state\n(meV/atom)")
        right.set_ylabel(r"lattice parameter ($\mathrm{\AA}$)")
        for panel in (left, right):
            panel.set_xlabel("time (fs)")
        left.legend(fontsize=8)

    return plots.make(panels, columns=2, width=4.6, height=3.3)
