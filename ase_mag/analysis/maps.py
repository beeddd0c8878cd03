"""Maps of the stress and the moment of every atom, averaged over time."""

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io import read, write
from ase.units import GPa

from ase_mag.analysis import plots
from ase_mag.analysis.frame_moments import moments_of
from ase_mag.calculators import MagneticCalculator
from ase_mag.core import get_moments, set_moments


@dataclass(frozen=True)
class SiteMaps:
    """Averages of every atom over frames; see :func:`site_maps`.

    Attributes
    ----------
    atoms : ase.Atoms, mean positions, cell and moments.
    stress : (N, 6) float array, GPa, mean virial stress of every atom, ASE's sign (positive:
        tension) and Voigt order; the mean over the atoms is the virial stress of the whole.
    sizes : (N,) float array, mu_B, mean |M_i|.
    n_frames : int
    """

    atoms: Atoms
    stress: np.ndarray = field(repr=False)
    sizes: np.ndarray = field(repr=False)
    n_frames: int

    @property
    def trace(self):
        """Tr(stress) of every atom, (N,), GPa; minus three times a local pressure."""
        return self.stress[:, :3].sum(axis=1)

    @property
    def moments(self):
        """Mean moment vectors, (N, 3), mu_B; shorter than ``sizes`` where directions change."""
        return get_moments(self.atoms)

    def slab(self, normal, *, through=None, thickness=None, up=None):
        """Return the atoms near a plane and their places in it.

        Parameters
        ----------
        normal : three numbers, Cartesian, of the plane.
        through : three numbers, angstrom, a point of the plane and origin of the places; default:
            the center of a loop or point defect if ``atoms.info`` has one, else of the cell.
        thickness : float, angstrom; default: 0.9 (2 V/N)^(1/3), 0.9 lattice constants of bcc.
        up : three numbers, Cartesian; its part in the plane is the second axis. Default: the
            Burgers vector if ``atoms.info`` has one and it is not the normal, else z or y.

        Returns
        -------
        indices : (n,) int array.
        places : (n, 2) float array, angstrom, of the images of the atoms around ``through``.

        Raises
        ------
        ValueError
            For vectors of zero length or parallel to each other, or fewer than three atoms.
        """
        info, cell = self.atoms.info, self.atoms.cell
        if through is None:
            through = info.get("loop_center", info.get("defect_position", cell.sum(axis=0) / 2))
        axes = self._axes(normal, up)
        seen = cell.scaled_positions(self.atoms.positions - np.asarray(through, dtype=float))
        vectors = (seen - np.where(self.atoms.pbc, np.rint(seen), 0.0)) @ cell.complete().array
        if thickness is None:
            thickness = 0.9 * (2 * cell.volume / len(self.atoms)) ** (1 / 3)
        indices = np.flatnonzero(abs(vectors @ axes[2]) <= 0.5 * thickness)
        if len(indices) < 3:
            raise ValueError(
                f"{len(indices)} atoms lie in a slab of {thickness:.3g} angstrom: a map needs "
                "three or more; take a thicker slab or another plane"
            )
        return indices, vectors[indices] @ axes[:2].T

    def _axes(self, normal, up=None):
        """Return unit vectors in rows: two in the plane, the second one up, and the normal."""
        across = _unit("normal", normal)
        if up is None:
            choices = [self.atoms.info.get("burgers_vector", (0, 0, 1)), (0, 0, 1), (0, 1, 0)]
            up = next(vector for vector in choices if abs(_unit("up", vector) @ across) < 0.9)
        up = _unit("up", up)
        up = _unit("the part of up in the plane", up - (up @ across) * across)
        return np.array([np.cross(up, across), up, across])

    def contours(self, normal, *, stress_limit=None, moment_limits=None, arrows=False, **plane):
        """Return a figure: contours of Tr(stress) and of the moment sizes on a plane.

        Parameters
        ----------
        normal, **plane : as for :meth:`slab`.
        stress_limit : float, GPa, end of both ends of the scale; default: what 99 % of the atoms
            of the slab do not pass.
        moment_limits : two floats, mu_B; default: the same, at both ends.
        arrows : bool, draw the mean moments (their part in the plane) on the second map.

        Returns
        -------
        matplotlib.figure.Figure
        """
        indices, places = self.slab(normal, **plane)
        trace, sizes = self.trace[indices], self.sizes[indices]
        if stress_limit is None:
            stress_limit = max(float(np.percentile(abs(trace), 99)), 1e-9)
        if moment_limits is None:
            moment_limits = np.percentile(sizes, [0.5, 99.5])
        moment_limits = _apart(*moment_limits)
        panels = (
            (trace, (-stress_limit, stress_limit), "RdBu_r", r"$\mathrm{Tr}\,\sigma$ (GPa)"),
            (sizes, moment_limits, "viridis", r"$|M|$ ($\mu_\mathrm{B}$)"),
        )

        def draw(*axes):
            for panel, (values, (low, high), colors, label) in zip(axes, panels, strict=True):
                filled = panel.tricontourf(
                    *places.T,
                    np.clip(values, low, high),
                    levels=np.linspace(low, high, 25),
                    cmap=colors,
                )
                panel.plot(*places.T, ".", ms=0.8, color="k", alpha=0.5)
                ticks = np.linspace(low, high, 5).round(9)
                bar = {"label": label, "shrink": 0.8, "format": "%.3g", "ticks": ticks}
                panel.figure.colorbar(filled, ax=panel, **bar)
                panel.set(xlabel=r"in the plane ($\mathrm{\AA}$)", ylabel=r"up ($\mathrm{\AA}$)")
                panel.set_aspect("equal")
            if arrows:
                parts = self.moments[indices] @ self._axes(normal, plane.get("up"))[:2].T
                axes[1].quiver(*places.T, *parts.T, pivot="mid", width=0.003)

        return plots.make(draw, columns=2, width=4.6, height=3.9)

    def write(self, path):
        """Write an .extxyz file of one frame with columns per atom, for ``ase gui`` and OVITO.

        Columns: positions, ``initial_magmoms`` (mean moments, mu_B, shown by ``ase gui``),
        ``moment_size`` (mu_B), ``stress_trace`` (GPa) and ``site_stress`` (six, GPa).
        """
        atoms = self.atoms.copy()
        atoms.set_array("moment_size", self.sizes)
        atoms.set_array("stress_trace", self.trace)
        atoms.set_array("site_stress", self.stress)
        atoms.info["n_frames"] = self.n_frames
        write(path, atoms, format="extxyz")

    @classmethod
    def read(cls, path):
        """Read the file that :meth:`write` has written."""
        atoms = read(path, format="extxyz")
        columns = ("site_stress", "moment_size", "stress_trace")
        missing = [name for name in columns if name not in atoms.arrays]
        if missing:
            raise ValueError(f"{path} has no column {missing[0]}: it was not written by SiteMaps")
        stress, sizes, _ = (atoms.arrays.pop(name) for name in columns)
        return cls(atoms, stress, sizes, int(atoms.info.pop("n_frames", 1)))


def site_maps(frames, model=None, *, skip=0):
    """Average the virial stress and the moment of every atom over frames.

    The stress of atom i is N/V times its virial W_i = sum_j r_ij (x) dE/dr_ij, so that the volume
    of an atom is V/N everywhere and the mean over the atoms is the virial stress of the system,
    <sigma> = 1/N sum_i sigma_i. It is N times ``atoms.get_stresses()``, ASE's share of each atom.
    What belongs to which atom is a matter of definition: here the energy is a sum over sites, and
    its derivatives stay with the site. The kinetic part -m v (x) v N/V is not included.

    Parameters
    ----------
    frames : ase.Atoms, or an iterable of them such as ``analysis.read('run.traj')``; the same
        atoms in the same order. Positions are followed through periodic boundaries.
    model : ase_mag.core.Model, needed if the frames do not hold stresses of the atoms.
    skip : int, frames left out at the start.

    Returns
    -------
    SiteMaps

    Raises
    ------
    ValueError
        For no frames, other numbers of atoms, or frames without stresses and without ``model``.
    """
    if int(skip) != skip or skip < 0:
        raise ValueError(f"skip must be a whole number >= 0, got {skip!r}")
    calculator = None if model is None else MagneticCalculator(model)
    first, count = None, 0
    for index, atoms in enumerate([frames] if isinstance(frames, Atoms) else frames):
        if index < skip:
            continue
        scaled = atoms.cell.scaled_positions(atoms.positions)
        if first is None:
            first, last = atoms, scaled
            sums = [np.zeros_like(scaled), np.zeros((3, 3)), 0.0, 0.0, 0.0]
        elif len(atoms) != len(first):
            raise ValueError(
                f"frame {index} has {len(atoms)} atoms, but the first one has {len(first)}: an "
                "average over sites needs the same atoms in all frames"
            )
        step = scaled - last
        last = last + step - np.where(atoms.pbc, np.rint(step), 0.0)
        moments = moments_of(atoms)
        values = (
            last,
            atoms.cell.array,
            len(atoms) / GPa * _stresses(atoms, index, calculator),
            moments,
            np.linalg.norm(moments, axis=1),
        )
        sums = [total + value for total, value in zip(sums, values, strict=True)]
        count += 1
    if first is None:
        raise ValueError(f"there are no frames to average over (skip is {skip})")
    scaled, cell, stress, moments, sizes = (total / count for total in sums)
    info = {key: value for key, value in first.info.items() if key != "spin_temperature_K"}
    mean = Atoms(first.numbers, cell=cell, pbc=first.pbc, info=info)
    mean.positions = scaled @ cell
    if "site" in first.arrays:
        mean.set_array("site", first.arrays["site"])
    set_moments(mean, moments)
    return SiteMaps(mean, stress, sizes, count)


def _stresses(atoms, index, calculator):
    try:
        return atoms.get_stresses()
    except (RuntimeError, PropertyNotImplementedError):
        if calculator is None:
            raise ValueError(
                f"frame {index} holds no stresses of its atoms: give the model, "
                "site_maps(frames, model)"
            ) from None
    calculator.calculate(atoms, ["stresses"])
    return calculator.results["stresses"]


def _unit(name, vector):
    vector = np.asarray(vector, dtype=float)
    length = np.linalg.norm(vector)
    if vector.shape != (3,) or not (np.isfinite(length) and length > 1e-6):
        raise ValueError(f"{name} must be three numbers that are not all zero, got {vector}")
    return vector / length


def _apart(low, high):
    """Return the limits of a scale, at least 0.01 mu_B apart."""
    middle, half = 0.5 * (low + high), max(0.5 * (high - low), 0.005)
    return middle - half, middle + half
