"""Correlations of moments in space and time: S(q) and S(q, omega)."""

from dataclasses import dataclass

import numpy as np

from ase_mag.analysis import plots
from ase_mag.analysis.frame_moments import has_moments, moments_of
from ase_mag.analysis.rows import Rows
from ase_mag.analysis.spectra import WIDTH, check_segment, normalized, peaks, power, quantum
from ase_mag.analysis.wave_vectors import wave_path, wave_sums


@dataclass(frozen=True)
class StructureFactor:
    """Spin structure factor of a run at wave vectors.

    Attributes
    ----------
    q_vectors : (n_q, 3) float array, 1/angstrom, with 2 pi.
    distances : (n_q,) float array, along the path, 1/angstrom. ticks : list of (distance, name).
    static : (n_q, 3) float array, S^a(q) = <|M_q^a|^2> for the axes a = across (two) and along the
        moments, mu_B^2.
    energies : (n_e,) float array, hbar omega from 0, eV; None without a time step.
    dynamic : (n_q, n_e, 3) float array, S^a(q, omega) at +-omega together, mu_B^2/eV, the integral
        of which over the energies is ``static``; None without a time step.
    resolution : float, eV, the width at half maximum of a line that is infinitely sharp.
    n_frames : int
    """

    q_vectors: np.ndarray
    distances: np.ndarray
    ticks: list
    static: np.ndarray
    energies: np.ndarray | None
    dynamic: np.ndarray | None
    resolution: float | None
    n_frames: int

    def magnons(self):
        """Return the energy of the highest transverse peak at each wave vector, (n_q,), eV.

        A parabola through the logarithm of the three highest points; nan at wave vectors without
        transverse intensity.

        Raises
        ------
        ValueError
            If there are no energies (the time between frames is not known).
        """
        if self.dynamic is None:
            raise ValueError(
                "the time between two frames is not known: analysis.read(path, timestep=...)"
            )
        return peaks(self.energies, self.dynamic[:, :, :2].sum(axis=2))

    def draw(self, axes, spin_waves=None):
        """Draw into axes of matplotlib; see :meth:`plot`."""
        if self.dynamic is None:
            plots.path_axis(axes, self)
            axes.plot(self.distances, self.static[:, :2].sum(axis=1), "o-", label="across")
            axes.plot(self.distances, self.static[:, 2], "s-", label="along the moments")
            axes.set(ylabel=r"$S(q)$ ($\mu_\mathrm{B}^2$)", yscale="log")
            axes.legend()
            return
        tops = [np.nanmax(self.magnons(), initial=0.0)]
        if spin_waves is not None:
            tops.append(spin_waves.energies.max())
        across = self.dynamic[:, :, :2].sum(axis=2)
        if spin_waves is not None:
            lines = axes.plot(
                spin_waves.distances, 1e3 * spin_waves.energies, color=plots.COLORS[1], lw=1.2
            )
            lines[0].set_label("linear spin-wave theory")
        plots.intensity(axes, self, across, 1.25 * max(tops), {"highest peak": self.magnons()})

    def plot(self, spin_waves=None):
        """Return a figure: intensity across the mean moment, or S(q) without energies.

        Every wave vector is scaled to its maximum.

        Parameters
        ----------
        spin_waves : SpinWaves, optional; its bands are drawn over the intensity. Its path must
            have the same length as this one.
        """
        return plots.make(lambda axes: self.draw(axes, spin_waves))

    def __str__(self):
        lines = ["      q (1/angstrom)        S across (mu_B^2)  S along (mu_B^2)  peak (meV)"]
        peaks = np.full(len(self.static), np.nan) if self.dynamic is None else self.magnons()
        for q, s, peak in zip(self.q_vectors, self.static, peaks, strict=True):
            lines.append(
                f"{q[0]:8.4f}{q[1]:8.4f}{q[2]:8.4f} {s[:2].sum():17.4f} {s[2]:17.4f} "
                f"{1e3 * peak:11.3f}"
            )
        return "\n".join(lines)


def structure_factor(
    frames, q_path=None, *, q_vectors=None, cell=None, timestep=None, skip=0, segment=None
):
    """Return S(q) and S(q, omega) of the moments in a sequence of frames.

    M_q(t) = N^-1/2 sum_i M_i(t) exp(-i q.r_i(t)), S^a(q) = <|M_q^a|^2>, and S^a(q, omega) the
    power spectrum of M_q^a(t) under a Hann window. At q = 0 the mean over time is subtracted. The
    last axis a is the one along which the averages <M_i> over time are longest,
    sum_i (a.<M_i>)^2: the magnetization of a ferromagnet, the axis of a collinear antiferromagnet.

    The mean of S = sum_a S^a over all wave vectors of a supercell that a crystal of it has is
    sum_i <M_i^2> / N (with that mean at q = 0 included). Frames are read one by one; one sum for
    each frame and wave vector is kept, in a temporary file if they are many.

    Parameters
    ----------
    frames : iterable of ase.Atoms with moments and one and the same cell and order of atoms.
    q_path, cell : see :func:`ase_mag.analysis.wave_vectors.commensurate_path`.
    q_vectors : (n_q, 3) float array, 1/angstrom with 2 pi, instead of ``q_path``. Others than whole
        multiples of the reciprocal vectors of the supercell scatter from its edges.
    timestep : float, optional; ASE time between frames, for S(q, omega).
    skip : int, frames at the beginning that are left out.
    segment : int, optional; spectra of segments of so many frames, which overlap by half, are
        averaged: less noise, lower resolution. Default: the whole run, 16384 frames at most.

    Returns
    -------
    StructureFactor

    Raises
    ------
    ValueError
        If there are neither or both of ``q_path`` and ``q_vectors``, fewer than 8 frames, frames
        without moments, with another cell or number of atoms than the first, or a segment that is
        longer than the run.
    """
    if (q_path is None) == (q_vectors is None):
        raise ValueError("give either q_path or q_vectors")
    path, waves, total, known = None, None, 0.0, False
    for index, atoms in enumerate(frames):
        if index < skip:
            continue
        if path is None:
            path, first = wave_path(atoms, q_path, q_vectors, cell), atoms
            waves = Rows(path.vectors.size, complex)
        check_same(atoms, first, index)
        moments = moments_of(atoms)
        known = known or has_moments(atoms)
        sums = wave_sums(path.vectors, atoms.positions, moments)
        waves.append(sums / np.sqrt(len(atoms)))
        total = total + moments
    count = 0 if waves is None else len(waves)
    if count < 8:
        raise ValueError(f"a structure factor needs at least 8 frames, got {count}")
    if not known:
        raise ValueError("the frames have no moments: there is no structure factor of them")
    segment = check_segment(segment, count)
    axes = _axes(total / count)
    static, dynamic, step = _averages(waves, axes, path.vectors, timestep, segment)
    energies, resolution = None, None
    if timestep is not None:
        energies, resolution = np.arange(segment // 2 + 1) * step, WIDTH * step
    return StructureFactor(
        path.vectors, path.distances, path.ticks, static, energies, dynamic, resolution, count
    )


def _averages(waves, axes, vectors, timestep, segment):
    """Return S(q), S(q, omega) or None, and the step of its energies or None."""
    static = np.empty((len(vectors), 3))
    dynamic = step = None
    if timestep is not None:
        dynamic = np.empty((len(vectors), segment // 2 + 1, 3))
        step = quantum(segment, timestep)
    for start, columns in waves.parts(3):
        series = columns.reshape(len(columns), -1, 3) @ axes.T
        rows = slice(start // 3, start // 3 + series.shape[1])
        center = np.linalg.norm(vectors[rows], axis=1) < 1e-9
        series[:, center] -= series[:, center].mean(axis=0)
        static[rows] = (np.abs(series) ** 2).mean(axis=0)
        if dynamic is not None:
            spectrum = power(series.reshape(len(series), -1), segment)
            found = normalized(spectrum, static[rows].ravel(), step)
            dynamic[rows] = found.reshape(len(found), -1, 3).transpose(1, 0, 2)
    return static, dynamic, step


def check_same(atoms, first, index):
    """Raise ValueError if a frame has not the number of atoms and the cell of the first one."""
    if len(atoms) != len(first):
        raise ValueError(f"frame {index} has {len(atoms)} atoms, but the first has {len(first)}")
    change = np.abs(atoms.cell.array - first.cell.array).max()
    if change > 1e-6 * np.abs(first.cell.array).max():
        raise ValueError(
            f"the cell of frame {index} differs by {change:.3g} angstrom from the first: wave "
            "vectors that fit one cell do not fit the other; take a run at constant volume"
        )


def _axes(means):
    """Return two unit vectors across the mean moments of the atoms and one along them."""
    values, vectors = np.linalg.eigh(means.T @ means)
    along = vectors[:, 2] if values[2] > 0 else np.array([0.0, 0.0, 1.0])
    first = np.cross(np.eye(3)[np.abs(along).argmin()], along)
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(along, first), along])
