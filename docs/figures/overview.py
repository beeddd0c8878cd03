"""Make the picture of the README: moments of hot iron, their landscapes, and magnons.

About a minute. The first two panels are the synthetic model FeHL-1, the third is the exchange of
bcc iron that ships with UppASD.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, lsf, models, reference
from ase_mag.dynamics import AsdAimd, MonteCarlo, SpinDynamics


def learned():
    """Landscapes of moments in iron, and a predictor of them."""
    crystal = bulk("Fe", a=2.877, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(crystal, 2.2)
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    frames = lsf.snapshots(crystal, displacement=0.173, directions="random", count=8, rng=1)
    frames += lsf.snapshots(crystal, displacement=0.173, directions="ferro", count=3, rng=2)
    table = lsf.landscapes(frames, calculator, progress=False)
    predictor = lsf.LsfPredictor(descriptor=3, width=10.0, regularization=1e-4).fit(table)
    return crystal, calculator, table, predictor


def paramagnet(crystal, calculator, predictor):
    """Iron at 1043 K after 0.3 ps of coupled dynamics."""
    rng = np.random.default_rng(1)
    atoms = crystal.copy()
    directions = rng.normal(size=(len(atoms), 3))
    ase_mag.set_moments(atoms, 2 * directions / np.linalg.norm(directions, axis=1)[:, None])
    widths = np.sqrt(2 * units.kB * 1043 * atoms.get_masses())
    atoms.set_momenta(widths[:, None] * rng.normal(size=(len(atoms), 3)))
    atoms.calc = calculator
    AsdAimd(
        atoms,
        1.0 * units.fs,
        exchange=models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75)),
        lsf=predictor,
        temperature_K=1043,
        spin_timestep=0.05 * units.fs,
        damping=0.05,
        friction=0.01 / units.fs,
        rng=1,
        progress=False,
    ).run(300)
    return atoms


def magnons():
    """S(q, omega) of 8192 moments at 300 K, and linear spin-wave theory."""
    exchange = models.named("Fe-UppASD")
    cell = bulk("Fe", a=2.8665, cubic=True)
    ase_mag.set_moments(cell, 2.23)
    atoms = cell * (16, 16, 16)
    atoms.calc = ase_mag.MagneticCalculator(exchange)
    MonteCarlo(atoms, temperature_K=300, rng=1, progress=False).run(200)
    dynamics = SpinDynamics(
        atoms, 0.75 * units.fs, temperature_K=300, damping=0.002, rng=1, progress=False
    )

    def frames(count=300):
        for _ in range(count):
            yield atoms
            dynamics.run(4)

    primitive = bulk("Fe", a=2.8665)
    ase_mag.set_moments(primitive, 2.23)
    spectrum = analysis.structure_factor(
        frames(), "GHNGP", cell=primitive.cell, timestep=3 * units.fs
    )
    return spectrum, analysis.spin_waves(primitive, exchange, path="GHNGP")


def draw_moments(axes, atoms):
    moments = ase_mag.get_moments(atoms)
    sizes = np.linalg.norm(moments, axis=1)
    colors = plt.cm.viridis((sizes - 1.8) / 0.4)
    places = atoms.get_positions(wrap=True)
    axes.scatter(*places.T, color=colors, s=34, depthshade=False, linewidths=0)
    arrows = 1.7 * moments / 2
    axes.quiver(
        *(places - 0.5 * arrows).T, *arrows.T, color=colors, lw=1.8, arrow_length_ratio=0.35
    )
    edges = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]])
    edges = np.vstack([edges, [[1, 0, 1], [1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0], [1, 1, 1]]])
    edges = np.vstack([edges, [[0, 1, 1], [0, 1, 0], [0, 1, 1], [0, 0, 1]]])
    axes.plot(*(edges @ atoms.cell.array).T, color="0.6", lw=0.7)
    axes.set_axis_off()
    axes.set_box_aspect((1, 1, 1), zoom=1.3)
    axes.view_init(18, -62)
    scale = plt.cm.ScalarMappable(plt.Normalize(1.8, 2.2), "viridis")
    bar = axes.figure.colorbar(scale, ax=axes, shrink=0.6, pad=0.0, location="left")
    bar.set_label(r"moment size ($\mu_\mathrm{B}$)")


def draw_landscapes(axes, table):
    m = np.linspace(0, 2.9, 200)
    for a, b in zip(table.a[:60], table.b[:60], strict=True):
        axes.plot(m, 1e3 * (a * m**2 + b * m**4), color="0.75", lw=0.6)
    a, b = table.a.mean(), table.b.mean()
    axes.plot(m, 1e3 * (a * m**2 + b * m**4), color="#0072B2", lw=2, label="mean")
    thermal = lsf.mean_moment(a, b, temperature_K=1043, measure=2)
    axes.axvline(thermal, color="#D55E00", ls="--", lw=1.2, label=r"$\langle m\rangle$ at 1043 K")
    axes.set(
        xlabel=r"moment size ($\mu_\mathrm{B}$)",
        ylabel="energy (meV)",
        xlim=(0, 2.9),
        ylim=(-450, 200),
    )
    axes.legend(frameon=False, fontsize=8, loc="upper left")


def draw_magnons(axes, spectrum, theory):
    across = spectrum.dynamic[:, :, :2].sum(axis=2)
    scaled = across / across.max(axis=1, keepdims=True)
    grid = spectrum.distances, 1e3 * spectrum.energies
    axes.pcolormesh(*grid, scaled.T, cmap="Blues", shading="nearest", vmin=0, rasterized=True)
    bands = 1e3 * theory.energies[:, 0]
    axes.plot(theory.distances, bands, color="#D55E00", lw=1, label="spin-wave theory")
    axes.set_xticks([place for place, _ in theory.ticks], [name for _, name in theory.ticks])
    axes.set(xlim=(0, theory.distances[-1]), ylim=(0, 650), ylabel="energy (meV)")
    axes.legend(frameon=False, fontsize=8, loc="upper right")


crystal, calculator, table, predictor = learned()
figure = plt.figure(figsize=(11, 3.4), dpi=120, layout="constrained")
grid = figure.add_gridspec(1, 3, width_ratios=(1.25, 1, 1.15))
panels = [
    figure.add_subplot(grid[0], projection="3d"),
    figure.add_subplot(grid[1]),
    figure.add_subplot(grid[2]),
]
draw_moments(panels[0], paramagnet(crystal, calculator, predictor))
draw_landscapes(panels[1], table)
draw_magnons(panels[2], *magnons())
titles = ("moments in moving iron, 1043 K", "their energy landscapes", "S(q, ω) of bcc iron, 300 K")
for panel, title in zip(panels, titles, strict=True):
    panel.set_title(title, fontsize=10)
figure.savefig(Path(__file__).with_name("overview.png"))
