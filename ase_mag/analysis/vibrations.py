"""Vibrational density of states from the velocities of a run."""

from dataclasses import dataclass

import numpy as np

from ase_mag.analysis import plots
from ase_mag.analysis.spectra import WIDTH, quantum


@dataclass(frozen=True)
class VibrationalDensity:
    """Vibrational density of states.

    Attributes
    ----------
    energies : (n,) float array, hbar omega, eV.
    density : (n,) float array, states per eV, with the integral 1.
    resolution : float, eV, width at half maximum of a sharp line.
    n_segments : int, spectra that were averaged.
    """

    energies: np.ndarray
    density: np.ndarray
    resolution: float
    n_segments: int

    def draw(self, axes):
        """Draw into axes of matplotlib, up to 1.3 times the energy below which 98 % lies."""
        axes.plot(1e3 * self.energies, 1e-3 * self.density, color=plots.COLORS[0])
        part = np.cumsum(self.density) * (self.energies[1] - self.energies[0])
        end = 1.3e3 * self.energies[min(np.searchsorted(part, 0.98), len(part) - 1)]
        axes.set(xlabel="energy (meV)", ylabel="density of states (1/meV)", ylim=(0, None))
        axes.set_xlim(0, end)

    def plot(self):
        """Return a figure (matplotlib)."""
        return plots.make(self.draw)


def vibrational_density(frames, timestep, *, segment=None, skip=0, memory=150e6):
    """Return the density of states from the spectrum of mass-weighted velocities.

    g(omega) ~ sum_i m_i |v_i(omega)|^2, averaged over segments that overlap by half (Welch), each
    under a Hann window: for harmonic vibrations at equilibrium every mode has the same weight.
    The integral over a band is the part of the vibrations that it has.

    Parameters
    ----------
    frames : iterable of ase.Atoms with momenta.
    timestep : float, ASE time between frames; half of the period of the fastest vibration is too
        long.
    segment : int, frames of a segment; default: as many as ``memory`` (bytes) holds, 4096 at most.
    skip : int, frames at the beginning that are left out.

    Raises
    ------
    ValueError
        For fewer frames than a given segment (or than 16), a segment below 16, frames without
        momenta, or a time step that is not positive.
    """
    if timestep is None or not timestep > 0:
        raise ValueError(f"the time between two frames must be positive, got {timestep}")
    if segment is not None and (int(segment) != segment or segment < 16):
        raise ValueError(f"segment must be a whole number of frames, 16 or more, got {segment!r}")
    given, held, total, count, largest = segment, [], 0.0, 0, 0.0
    seen = 0
    for index, atoms in enumerate(frames):
        if index < skip:
            continue
        if segment is None:
            segment = int(np.clip(memory / (24 * len(atoms)), 16, 4096))
        row = (atoms.get_momenta() / np.sqrt(atoms.get_masses())[:, None]).ravel()
        largest = max(largest, float(np.abs(row).max(initial=0.0)))
        held.append(row)
        seen += 1
        if len(held) == segment:
            total, count = total + _power(held), count + 1
            held = held[segment // 2 :]
    if count == 0 and given is None and len(held) >= 16:
        segment, total, count = len(held), _power(held), 1
    if count == 0:
        raise ValueError(f"a spectrum needs at least {given or 16} frames, got {seen}")
    if largest == 0:
        raise ValueError("the frames have no momenta: write the trajectory of a dynamics")
    step = quantum(segment, timestep)
    density = total / (total.sum() * step)
    return VibrationalDensity(np.arange(len(density)) * step, density, WIDTH * step, count)


def _power(rows, memory=16e6):
    """Return the sum over columns of the spectrum of rows, by parts of the columns."""
    window = np.hanning(len(rows))[:, None]
    width = max(1, int(memory / (8 * len(rows))))
    total = 0.0
    for start in range(0, len(rows[0]), width):
        part = np.array([row[start : start + width] for row in rows])
        total = total + (np.abs(np.fft.rfft(window * part, axis=0)) ** 2).sum(axis=1)
    total[1 : (len(rows) + 1) // 2] *= 2
    return total
