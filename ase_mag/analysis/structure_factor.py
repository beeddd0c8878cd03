"""Correlations of moments in space and time: S(q) and S(q, omega)."""

from dataclasses import dataclass

import numpy as np
from ase import units as ase_units

from ase_mag import units
from ase_mag.analysis import plots
from ase_mag.analysis.wave_vectors import Path, commensurate_path
from ase_mag.core import get_moments


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
        across = self.dynamic[:, :, :2].sum(axis=2)
        out = np.full(len(across), np.nan)
        for row, values in enumerate(across):
            if not values.max() > 0:
                continue
            k = int(values.argmax())
            if k in (0, len(values) - 1):
                out[row] = self.energies[k]
                continue
            y = np.log(np.maximum(values[k - 1 : k + 2], 1e-300))
            shift = 0.5 * (y[0] - y[2]) / (y[0] - 2 * y[1] + y[2])
            out[row] = self.energies[k] + shift * (self.energies[1] - self.energies[0])
        return out

    def plot(self, spin_waves=None):
        """Return a figure: intensity across the mean moment, or S(q) without energies.

        Parameters
        ----------
        spin_waves : SpinWaves, optional; its bands are drawn over the intensity. Its path must
            have the same length as this one.
        """

        def draw(axes):
            for place, _ in self.ticks:
                axes.axvline(place, color=plots.GRAY, lw=0.6)
            if self.ticks:
                axes.set_xticks(*zip(*self.ticks, strict=True))
            if self.dynamic is None:
                axes.plot(self.distances, self.static[:, :2].sum(axis=1), "o-", label="across")
                axes.plot(self.distances, self.static[:, 2], "s-", label="along")
                axes.set(ylabel=r"$S(q)$ ($\mu_\mathrm{B}^2$)", yscale="log")
                axes.legend()
                return
            across = self.dynamic[:, :, :2].sum(axis=2)
            scaled = across / np.maximum(across.max(axis=1, keepdims=True), 1e-300)
            axes.pcolormesh(
                self.distances, 1e3 * self.energies, scaled.T, cmap="Blues", shading="nearest"
            )
            if spin_waves is not None:
                axes.plot(spin_waves.distances, 1e3 * spin_waves.energies, color=plots.COLORS[1])
            axes.set(xlim=(self.distances[0], self.distances[-1]), ylabel="energy (meV)")

        return plots.make(draw)

    def __str__(self):
        lines = ["      q (1/angstrom)        S across (mu_B^2)  S along (mu_B^2)  peak (meV)"]
        peaks = np.full(len(self.static), np.nan) if self.dynamic is None else self.magnons()
        for q, s, peak in zip(self.q_vectors, self.static, peaks, strict=True):
            lines.append(
                f"{q[0]:8.4f}{q[1]:8.4f}{q[2]:8.4f} {s[:2].sum():17.4f} {s[2]:17.4f} "
                f"{1e3 * peak:11.3f}"
            )
        return "\n".join(lines)


def structure_factor(frames, q_path=None, *, q_vectors=None, cell=None, timestep=None, skip=0):
    """Return S(q) and S(q, omega) of the moments in a sequence of frames.

    M_q(t) = N^-1/2 sum_i M_i(t) exp(-i q.r_i(t)), S^a(q) = <|M_q^a|^2>, and S^a(q, omega) the
    power spectrum of M_q^a(t) under a Hann window. Frames are read one by one; one sum for each
    frame and wave vector is kept. At q = 0 the mean over time is subtracted. The last axis a is the
    one along which the averages <M_i> over time are longest, sum_i (a.<M_i>)^2: the magnetization
    of a ferromagnet, the axis of a collinear antiferromagnet.

    Parameters
    ----------
    frames : iterable of ase.Atoms with moments and one and the same cell and order of atoms.
    q_path, cell : see :func:`ase_mag.analysis.wave_vectors.commensurate_path`.
    q_vectors : (n_q, 3) float array, 1/angstrom with 2 pi, instead of ``q_path``. Others than whole
        multiples of the reciprocal vectors of the supercell scatter from its edges.
    timestep : float, optional; ASE time between frames, for S(q, omega).
    skip : int, frames at the beginning that are left out.

    Returns
    -------
    StructureFactor

    Raises
    ------
    ValueError
        If there are neither or both of ``q_path`` and ``q_vectors``, fewer than 8 frames, or frames
        with another cell or number of atoms than the first.
    """
    if (q_path is None) == (q_vectors is None):
        raise ValueError("give either q_path or q_vectors")
    path, waves, total = None, [], 0.0
    for index, atoms in enumerate(frames):
        if index < skip:
            continue
        if path is None:
            path, first = _path(atoms, q_path, q_vectors, cell), atoms
        _check_same(atoms, first, index)
        moments = get_moments(atoms)
        phases = np.exp(-1j * (path.vectors @ atoms.positions.T))
        waves.append(phases @ moments / np.sqrt(len(atoms)))
        total = total + moments
    if len(waves) < 8:
        raise ValueError(f"a structure factor needs at least 8 frames, got {len(waves)}")
    axes = _axes(total / len(waves))
    waves = np.array(waves) @ axes.T
    center = np.linalg.norm(path.vectors, axis=1) < 1e-9
    waves[:, center] -= waves[:, center].mean(axis=0)
    static = (np.abs(waves) ** 2).mean(axis=0)
    energies, dynamic, resolution = None, None, None
    if timestep is not None:
        energies, dynamic, resolution = _spectrum(waves, timestep, static)
    return StructureFactor(
        path.vectors, path.distances, path.ticks, static, energies, dynamic, resolution, len(waves)
    )


def _check_same(atoms, first, index):
    if len(atoms) != len(first):
        raise ValueError(f"frame {index} has {len(atoms)} atoms, but the first has {len(first)}")
    change = np.abs(atoms.cell.array - first.cell.array).max()
    if change > 1e-6 * np.abs(first.cell.array).max():
        raise ValueError(
            f"the cell of frame {index} differs by {change:.3g} angstrom from the first: wave "
            "vectors that fit one cell do not fit the other; take a run at constant volume"
        )


def _path(atoms, q_path, q_vectors, cell):
    if q_path is not None:
        return commensurate_path(atoms, q_path, cell)
    vectors = np.array(q_vectors, dtype=float).reshape(-1, 3)
    steps = np.linalg.norm(np.diff(vectors, axis=0), axis=1)
    return Path(vectors, np.concatenate([[0.0], np.cumsum(steps)]), [])


def _axes(means):
    """Return two unit vectors across the mean moments of the atoms and one along them."""
    values, vectors = np.linalg.eigh(means.T @ means)
    along = vectors[:, 2] if values[2] > 0 else np.array([0.0, 0.0, 1.0])
    first = np.cross(np.eye(3)[np.abs(along).argmin()], along)
    first /= np.linalg.norm(first)
    return np.array([first, np.cross(along, first), along])


def _spectrum(waves, timestep, static):
    """Return energies, the spectrum folded to positive ones, and the width of a sharp line."""
    count = len(waves)
    window = np.hanning(count)
    spectrum = np.abs(np.fft.fft(window[:, None, None] * waves, axis=0)) ** 2
    half = count // 2 + 1
    folded = spectrum[:half].copy()
    folded[1 : (count + 1) // 2] += spectrum[: half - 1 : -1][: (count + 1) // 2 - 1]
    quantum = 2 * np.pi * units.hbar_eV_s * ase_units.s / (count * timestep)
    folded = folded.transpose(1, 0, 2)
    total = folded.sum(axis=1, keepdims=True) * quantum
    folded *= np.divide(static[:, None], total, out=np.zeros_like(total), where=total > 0)
    # The power of a Hann window is 1.44 steps wide at half of its maximum.
    return np.arange(half) * quantum, folded, 1.44 * quantum
