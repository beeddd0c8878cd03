"""Fig. 2: a <110> dumbbell and a vacancy at 10 K, sizes and directions of moments around them."""

import numpy as np
import stages
from ase import units
from ase.geometry import get_distances
from ase.md.velocitydistribution import thermalize_momenta

import ase_mag
from ase_mag.analysis import plots
from ase_mag.build import bcc_crystal, point_defect
from ase_mag.dynamics import SpinLatticeDynamics
from ase_mag.optimize import relax

KINDS = ("<110>", "vacancy")
TEMPERATURE, STEPS = 10, 500  # K, fs
#: The atoms that are drawn: as far from the defect in the plane, and in front of and behind it, in
#: lattice constants.
WIDTH, DEPTH = 2.3, 0.35


def run(model, ground, kind, repeats, steps):
    """Return a relaxed defect after ``steps`` fs at 10 K."""
    crystal = bcc_crystal(ground["a"], repeats, moment=ground["moment"])
    atoms = point_defect(crystal, kind)
    atoms.calc = ase_mag.MagneticCalculator(model)
    relax(atoms, fmax=1e-2, max_steps=300)
    rng = np.random.default_rng(5)
    thermalize_momenta(atoms, temperature_K=TEMPERATURE, rng=rng)
    dynamics = SpinLatticeDynamics(
        atoms,
        1 * units.fs,
        temperature_K=TEMPERATURE,
        friction=0.02 / units.fs,
        longitudinal=True,
        rng=rng,
        progress=False,
    )
    dynamics.run(steps)
    return atoms


def compute(model, ground, sizes, folder):
    """Return {kind: ase.Atoms} in the largest cells of Table 2."""
    steps = min(STEPS, sizes.steps)
    repeats = max(sizes.defect_cells)
    names = {"<110>": "110", "vacancy": "vacancy"}
    return {
        kind: stages.state(
            folder,
            f"snapshot_{names[kind]}",
            lambda kind=kind: run(model, ground, kind, repeats, steps),
        )
        for kind in KINDS
    }


def around(atoms, a):
    """Return places in the (1-10) plane (x along [110], y along [001]) and moments near the defect.

    Moments are turned together so that their mean points along y (without spin-orbit coupling the
    lattice does not know where they point); two of their components are given.
    """
    center = np.array(atoms.info["defect_position"])
    vectors, _ = get_distances(center, atoms.positions, cell=atoms.cell, pbc=True)
    vectors = vectors[0]
    axes = np.array([[1, 1, 0], [0, 0, np.sqrt(2)], [1, -1, 0]]) / np.sqrt(2)
    x, y, depth = (vectors @ axes.T).T
    near = (np.abs(x) < WIDTH * a) & (np.abs(y) < WIDTH * a) & (np.abs(depth) < DEPTH * a)
    moments = ase_mag.get_moments(atoms)
    mean = moments.sum(axis=0)
    along = mean / np.linalg.norm(mean)
    across = np.cross(along, np.roll(along, 1))
    across /= np.linalg.norm(across)
    turned = moments @ np.column_stack([across, along, np.cross(across, along)])
    return np.column_stack([x, y])[near] / a, turned[near]


def draw(found, a):
    """Return the figure: size as color, direction as arrow."""
    shown = {kind: around(atoms, a) for kind, atoms in found.items()}
    sizes = {kind: np.linalg.norm(moments, axis=1) for kind, (_, moments) in shown.items()}
    low = min(values.min() for values in sizes.values())
    high = max(values.max() for values in sizes.values())

    def panels(*axes):
        for panel, (kind, (places, moments)) in zip(axes, shown.items(), strict=True):
            dots = panel.scatter(
                *places.T, c=sizes[kind], cmap="viridis", vmin=low, vmax=high, s=150, lw=0
            )
            panel.quiver(
                *places.T,
                *(moments / sizes[kind][:, None]).T[:2],
                pivot="mid",
                scale=13,
                width=0.008,
                color="k",
            )
            if kind == "vacancy":
                panel.plot(0, 0, "s", ms=13, mfc="none", mec="k", ls="", mew=1.0)
            panel.set_title(f"{kind}, {TEMPERATURE} K", fontsize=10)
            panel.set(aspect="equal", xlabel=r"$x$ along [110] ($a$)")
        axes[0].set_ylabel(r"$y$ along [001] ($a$)")
        label = r"$|M_i|$ ($\mu_\mathrm{B}$)"
        axes[-1].figure.colorbar(dots, ax=axes, label=label, shrink=0.85)

    return plots.make(panels, columns=2, width=4.3, height=3.9)
