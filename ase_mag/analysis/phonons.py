"""Phonon dispersion from the velocities of a run: the spectral energy density."""

from dataclasses import dataclass

import numpy as np

from ase_mag.analysis import plots
from ase_mag.analysis.observables import Displacement
from ase_mag.analysis.rows import Rows
from ase_mag.analysis.spectra import WIDTH, check_segment, normalized, peaks, power, quantum
from ase_mag.analysis.structure_factor import check_same
from ase_mag.analysis.wave_vectors import cubic_cell, wave_path, wave_sums

#: Atoms nearer than this to each other in the primitive cell are one site of it, angstrom.
_SAME_SITE = 0.5


@dataclass(frozen=True)
class PhononSpectrum:
    """Spectral energy density of the vibrations at wave vectors.

    Attributes
    ----------
    q_vectors : (n_q, 3) float array, 1/angstrom, with 2 pi.
    distances : (n_q,) float array, along the path, 1/angstrom. ticks : list of (distance, name).
    static : (n_q, 2) float array, eV, twice the kinetic energy of the waves along q and across it;
        at q = 0 all of it is across. In equilibrium k_B T and 2 k_B T for each site of the cell.
    energies : (n_e,) float array, hbar omega from 0, eV.
    dynamic : (n_q, n_e, 2) float array; its integral over the energies is ``static``.
    resolution : float, eV, the width at half maximum of a line that is infinitely sharp.
    n_frames : int
    """

    q_vectors: np.ndarray
    distances: np.ndarray
    ticks: list
    static: np.ndarray
    energies: np.ndarray
    dynamic: np.ndarray
    resolution: float
    n_frames: int

    def peaks(self):
        """Return the energies of the highest peaks along q and across it, (n_q, 2), eV."""
        return np.column_stack([peaks(self.energies, self.dynamic[:, :, k]) for k in (0, 1)])

    def draw(self, axes, bands=None):
        """Draw into axes of matplotlib; ``bands``: see :meth:`plot`."""
        total = self.dynamic.sum(axis=2)
        tops = [np.nanmax(self.peaks(), initial=0.0)]
        if bands is not None:
            tops.append(np.max(bands[1]))
        if bands is not None:
            axes.plot(bands[0], 1e3 * np.asarray(bands[1]), color=plots.COLORS[1], lw=1.2)
        marks = dict(zip(("peak along q", "peak across q"), self.peaks().T, strict=True))
        plots.intensity(axes, self, total, 1.25 * max(tops), marks)

    def plot(self, bands=None):
        """Return a figure of the intensity, every wave vector scaled to its maximum.

        Parameters
        ----------
        bands : (distances (n,), energies (n, n_bands) in eV), optional; lines that are drawn over
            it, such as those of force constants.
        """
        return plots.make(lambda axes: self.draw(axes, bands))


def phonon_spectrum(
    frames, q_path=None, *, q_vectors=None, cell=None, timestep, skip=0, segment=None, sites=None
):
    """Return the spectral energy density of the vibrations, whose ridges are phonon bands.

    v_q^b(t) = n^-1/2 sum_i m_i^1/2 v_i(t) exp(-i q.R_i) over the n atoms i on the site b of the
    primitive cell, and the power spectrum of it (Hann window), summed over b, normalized to the
    mean square of v_q: J. A. Thomas et al., Phys. Rev. B 81, 081411 (2010). R_i are the mean
    positions, so that bands are those of the mean crystal at the temperature of the run; q and
    q + G are the same. Along and across refer to the q that is given: in another zone another part
    of a branch is along q.

    Parameters
    ----------
    frames : sequence of ase.Atoms with momenta and one cell, or an ``analysis.Run``: it is read
        twice unless ``sites`` are given.
    q_path, cell : see :func:`ase_mag.analysis.wave_vectors.commensurate_path`.
    q_vectors : (n_q, 3) float array, 1/angstrom with 2 pi, instead of ``q_path``.
    timestep : float, ASE time between frames.
    skip : int, frames at the beginning that are left out.
    segment : int, optional; see :func:`structure_factor`.
    sites : (N, 3) float array, angstrom, optional; R_i. Default: the mean positions.

    Returns
    -------
    PhononSpectrum

    Raises
    ------
    ValueError
        For no time step, frames without momenta, an iterator without sites, and as
        :func:`structure_factor`.
    """
    if (q_path is None) == (q_vectors is None):
        raise ValueError("give either q_path or q_vectors")
    if timestep is None or not timestep > 0:
        raise ValueError(f"the time between two frames must be positive, got {timestep}")
    if sites is None:
        if iter(frames) is frames:
            raise ValueError("these frames can be read only once: give a list, or the sites")
        sites = mean_positions(frames, skip)
    path, waves, largest = None, None, 0.0
    for index, atoms in enumerate(frames):
        if index < skip:
            continue
        if path is None:
            first, path = atoms, wave_path(atoms, q_path, q_vectors, cell)
            sites = _checked(sites, atoms)
            groups = site_groups(atoms, sites, cell)
            members = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
            width = 3 * len(members)
            waves = Rows(width * len(path.vectors), complex)
        check_same(atoms, first, index)
        momenta = atoms.get_momenta()
        largest = max(largest, float(np.abs(momenta).max(initial=0.0)))
        velocities = momenta / np.sqrt(atoms.get_masses())[:, None]
        waves.append(
            np.stack(
                [
                    wave_sums(path.vectors, sites[on], velocities[on]) / np.sqrt(len(on))
                    for on in members
                ],
                axis=1,
            )
        )
    segment = check_segment(segment, 0 if waves is None else len(waves))
    if largest == 0:
        raise ValueError("the frames have no momenta: write the trajectory of a dynamics")
    step = quantum(segment, timestep)
    static = np.empty((len(path.vectors), 2))
    dynamic = np.empty((len(path.vectors), segment // 2 + 1, 2))
    for start, columns in waves.parts(width):
        for k in range(columns.shape[1] // width):
            row = start // width + k
            series = columns[:, k * width : (k + 1) * width].reshape(len(columns), -1, 3)
            static[row], dynamic[row] = _along_and_across(series, path.vectors[row], segment, step)
    return PhononSpectrum(
        path.vectors,
        path.distances,
        path.ticks,
        static,
        np.arange(segment // 2 + 1) * step,
        dynamic,
        WIDTH * step,
        len(waves),
    )


def mean_positions(frames, skip=0):
    """Return the mean positions of atoms that are followed through the boundaries, (N, 3)."""
    displacement, total, count = Displacement(), 0.0, 0
    for index, atoms in enumerate(frames):
        if index < skip:
            continue
        if count == 0:
            start = atoms.cell.scaled_positions(atoms.positions)
        displacement(atoms)
        total, count = total + displacement.moved, count + 1
        cell = atoms.cell
    if count == 0:
        raise ValueError(f"there are no frames after the first {skip}")
    return (start + total / count) @ cell.complete().array


def _checked(sites, atoms):
    sites = np.asarray(sites, dtype=float)
    if sites.shape != (len(atoms), 3):
        raise ValueError(f"sites have the shape {sites.shape}, but there are {len(atoms)} atoms")
    return sites


def site_groups(atoms, sites, cell=None):
    """Return which site of the primitive cell each atom is on, (N,) int array.

    Without ``cell``: of the simple, body- or face-centered cubic cell of the atoms, else one site
    for each species.
    """
    if cell is None:
        try:
            cell = cubic_cell(atoms)
        except ValueError:
            return np.unique(atoms.numbers, return_inverse=True)[1]
    counts = np.rint(atoms.cell.array @ np.linalg.inv(np.asarray(cell, dtype=float)))
    primitive = np.linalg.inv(counts) @ atoms.cell.array
    scaled = sites @ np.linalg.inv(primitive)
    groups, known = np.full(len(atoms), -1), []
    for i, (place, number) in enumerate(zip(scaled, atoms.numbers, strict=True)):
        for group, (other, kind) in enumerate(known):
            step = place - other
            if kind == number and np.linalg.norm((step - np.rint(step)) @ primitive) < _SAME_SITE:
                groups[i] = group
                break
        else:
            groups[i] = len(known)
            known.append((place, number))
    return groups


def _along_and_across(series, q, segment, step):
    """Return the mean squares (2,) and spectra (n_e, 2) of series (n, n_sites, 3)."""
    size = np.linalg.norm(q)
    along = q / size if size > 1e-9 else np.zeros(3)
    parallel = series @ along
    across = series - parallel[:, :, None] * along
    static, spectra = [], []
    for part in (parallel, across.reshape(len(series), -1)):
        squares = (np.abs(part) ** 2).mean(axis=0)
        static.append(squares.sum())
        spectra.append(normalized(power(part, segment), squares, step).sum(axis=1))
    return np.array(static), np.column_stack(spectra)
