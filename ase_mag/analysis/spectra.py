"""Power spectra of series in time, averaged over segments."""

import numpy as np
from ase import units as ase_units

from ase_mag import units

#: Longest segment in frames, unless another one is asked for.
LONGEST = 16384
#: Width of a sharp line at half maximum, in steps of the energy: that of a Hann window.
WIDTH = 1.44


def quantum(segment, timestep):
    """Return the step in hbar omega of a spectrum, eV."""
    return 2 * np.pi * units.hbar_eV_s * ase_units.s / (segment * timestep)


def power(series, segment):
    """Return the spectrum of each column at positive and negative frequencies together.

    The mean of |sum_t w_t x_t exp(i omega t)|^2 over segments that overlap by half (Welch), w a
    Hann window; in arbitrary units.

    Parameters
    ----------
    series : (n, k) array, n >= segment.
    segment : int, rows of a segment.

    Returns
    -------
    (segment // 2 + 1, k) float array
    """
    window = np.hanning(segment)[:, None]
    half, total = segment // 2 + 1, 0.0
    starts = starts_of(len(series), segment)
    for start in starts:
        spectrum = np.abs(np.fft.fft(window * series[start : start + segment], axis=0)) ** 2
        folded = spectrum[:half].copy()
        folded[1 : (segment + 1) // 2] += spectrum[: half - 1 : -1][: (segment + 1) // 2 - 1]
        total = total + folded
    return total / len(starts)


def starts_of(count, segment):
    """Return the first rows of the segments: half overlapping, the last one at the end."""
    starts = list(range(0, count - segment + 1, max(1, segment // 2)))
    if starts[-1] + segment < count:
        starts.append(count - segment)
    return starts


def normalized(spectrum, mean_square, step):
    """Return a spectrum (n_energies, k) per eV, whose integral is the mean square (k,)."""
    total = spectrum.sum(axis=0) * step
    return spectrum * np.divide(mean_square, total, out=np.zeros_like(total), where=total > 0)


def check_segment(segment, count):
    """Return the frames of a segment; ``None``: all frames, up to :data:`LONGEST`.

    Raises
    ------
    ValueError
        For fewer than 8 frames, or a segment below 8 or longer than the run.
    """
    if count < 8:
        raise ValueError(f"a spectrum needs at least 8 frames, got {count}")
    if segment is None:
        return min(count, LONGEST)
    if int(segment) != segment or not 8 <= segment <= count:
        raise ValueError(
            f"segment must be a whole number of frames from 8 to the {count} of the run, got "
            f"{segment!r}"
        )
    return int(segment)


def peaks(energies, spectrum):
    """Return the energy of the highest point of each row, (n,); nan for rows that are zero.

    A parabola through the logarithm of the three highest points.

    Parameters
    ----------
    energies : (n_energies,) array. spectrum : (n, n_energies) array.
    """
    out = np.full(len(spectrum), np.nan)
    for row, values in enumerate(spectrum):
        if not values.max() > 0:
            continue
        k = int(values.argmax())
        if k in (0, len(values) - 1):
            out[row] = energies[k]
            continue
        y = np.log(np.maximum(values[k - 1 : k + 2], 1e-300))
        shift = 0.5 * (y[0] - y[2]) / (y[0] - 2 * y[1] + y[2])
        out[row] = energies[k] + shift * (energies[1] - energies[0])
    return out
