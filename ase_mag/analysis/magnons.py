"""Magnons of a run beside linear spin-wave theory."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
from ase import Atoms

from ase_mag.analysis import plots
from ase_mag.analysis.frame_moments import moments_of
from ase_mag.analysis.spin_waves import SpinWaves, spin_waves
from ase_mag.analysis.structure_factor import StructureFactor, structure_factor
from ase_mag.analysis.wave_vectors import cubic_cell
from ase_mag.core import set_moments


@dataclass(frozen=True)
class MagnonDispersion:
    """Measured and calculated magnon energies on one path; see :func:`magnon_dispersion`.

    Attributes
    ----------
    measured : StructureFactor of the run. bands : SpinWaves along the path.
    calculated : (n_q, n_bands) float array, eV, spin-wave theory at ``measured.q_vectors``.
    """

    measured: StructureFactor
    bands: SpinWaves
    calculated: np.ndarray

    @property
    def energies(self):
        """Energies of the highest transverse peaks, (n_q,), eV; nan without intensity."""
        return self.measured.magnons()

    def draw(self, axes):
        """Draw into axes of matplotlib."""
        self.measured.draw(axes, self.bands)

    def plot(self):
        """Return the figure: S(q, omega) across the moments, bands of the theory over it."""
        return plots.make(self.draw)

    def __str__(self):
        lines = [
            f"resolution {1e3 * self.measured.resolution:.3f} meV",
            "      q (1/angstrom)        peak (meV)  nearest band of spin-wave theory (meV)",
        ]
        rows = zip(self.measured.q_vectors, self.energies, self.calculated, strict=True)
        for q, peak, bands in rows:
            near = bands[np.argmin(np.abs(bands - peak))] if np.isfinite(peak) else np.nan
            lines.append(f"{q[0]:8.4f}{q[1]:8.4f}{q[2]:8.4f} {1e3 * peak:11.3f} {1e3 * near:11.3f}")
        return "\n".join(lines)


def magnon_dispersion(
    frames, model, q_path, *, timestep, crystal=None, skip=0, segment=None, g=None
):
    """Return S(q, omega) of a run with the bands of linear spin-wave theory beside it.

    Theory holds at low temperature and for small time steps: the midpoint rule slows waves of the
    frequency w down to 2/dt arctan(w dt/2), and waves soften with temperature.

    Parameters
    ----------
    frames : sequence of ase.Atoms or ``analysis.Run`` of a supercell.
    model : Model with a bilinear form, that of the run.
    q_path : str, special points of ``crystal`` ('GHNGP').
    timestep : float, ASE time between frames.
    crystal : ase.Atoms with moments in equilibrium, the primitive magnetic cell, of whole numbers
        of which the supercell is made. Default: the ferromagnet of the simple, body- or
        face-centered cubic cell with the mean moment of the first frame after ``skip``.
    skip, segment : see :func:`structure_factor`. g : see :func:`spin_waves`; default its own.

    Returns
    -------
    MagnonDispersion

    Raises
    ------
    ValueError
        For no time step, several species without ``crystal``, and as :func:`structure_factor` and
        :func:`spin_waves`.
    """
    if timestep is None or not timestep > 0:
        raise ValueError(f"the time between two frames must be positive, got {timestep}")
    if crystal is None:
        crystal = _ferromagnet(frames, skip)
    measured = structure_factor(
        frames, q_path, cell=crystal.cell, timestep=timestep, skip=skip, segment=segment
    )
    options = {} if g is None else {"g": g}
    bands = spin_waves(crystal, model, path=q_path, n_points=200, **options)
    reduced = measured.q_vectors @ crystal.cell.array.T / (2 * np.pi)
    calculated = spin_waves(crystal, model, reduced, **options).energies
    return MagnonDispersion(measured, bands, calculated)


def _ferromagnet(frames, skip):
    """Return the primitive cell with one atom and the mean moment of a frame."""
    atoms = next(islice(iter(frames), skip, None), None)
    if atoms is None:
        raise ValueError(f"there are no frames after the first {skip}")
    if len(set(atoms.numbers.tolist())) > 1:
        raise ValueError(
            f"the frames are {atoms.symbols}: give the magnetic primitive cell of several species, "
            "crystal=atoms with moments"
        )
    moments = moments_of(atoms)
    direction = moments.mean(axis=0)
    if not np.linalg.norm(direction) > 0:
        raise ValueError("the mean moment is zero: give the magnetic primitive cell, crystal=...")
    size = np.linalg.norm(moments, axis=1).mean()
    crystal = Atoms(atoms.symbols[:1], cell=cubic_cell(atoms), pbc=True)
    set_moments(crystal, [size * direction / np.linalg.norm(direction)])
    return crystal
