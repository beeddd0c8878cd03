"""Averages at any temperature from Monte Carlo series at a few temperatures."""

import numpy as np

from ase_mag import units


class MultiHistogram:
    """Multi-histogram reweighting (Ferrenberg & Swendsen, Phys. Rev. Lett. 63, 1195 (1989)).

    <A>(T) = sum_x A_x w_x(T) / sum_x w_x(T),
    w_x(T) = exp(-E_x/kT) / sum_k n_k exp(f_k - E_x/kT_k),
    f_k = -ln sum_x exp(-E_x/kT_k) / sum_l n_l exp(f_l - E_x/kT_l),

    with all measurements x of all runs k (n_k of them at T_k). The free energies f_k make the
    likelihood of the energies largest; that is a convex problem, solved with Newton's method.
    Energies are sorted into bins, which stand for their mean energy. For errors every run is cut
    into blocks, which can be left out one by one (jackknife).

    Averages are good between the temperatures of overlapping runs, and outside as far as
    ``samples`` does not fall much.

    Parameters
    ----------
    temperatures_K : (K,) floats, temperatures of the runs.
    energies : K arrays (n_k,), total energies, eV.
    observables : K arrays (n_k, n_observables).
    blocks : int, of each run; long compared with the correlation time.
    bins : int, number of energy bins.

    Raises
    ------
    ValueError
        For arrays that do not fit together, or runs shorter than the number of blocks.
    """

    def __init__(self, temperatures_K, energies, observables, blocks=20, bins=2000):
        self.temperatures_K = np.array(temperatures_K, dtype=float)
        energies = [np.asarray(e, dtype=float) for e in energies]
        observables = [np.asarray(a, dtype=float) for a in observables]
        if not (
            len(energies) == len(observables) == len(self.temperatures_K) > 0
            and all(
                a.ndim == 2 and len(a) == len(e) for e, a in zip(energies, observables, strict=True)
            )
        ):
            raise ValueError(
                f"{len(self.temperatures_K)} temperatures need as many series of energies (n,) and "
                "of observables (n, n_observables), of equal lengths"
            )
        if min(map(len, energies)) < blocks:
            raise ValueError(
                f"the shortest run has {min(map(len, energies))} measurements, fewer than its "
                f"{blocks} blocks: run longer or take fewer blocks"
            )
        self.beta = 1 / (units.kB * self.temperatures_K)
        self.blocks = blocks
        self._sort(energies, observables, bins)
        self._weights = {}

    def _sort(self, energies, observables, bins):
        """Make the histograms: sums over the measurements of each block and bin."""
        low, high = min(e.min() for e in energies), max(e.max() for e in energies)
        scale = bins / (high - low) * (1 - 1e-12) if high > low else 0.0
        columns = observables[0].shape[1]
        self.lengths = np.zeros((self.blocks, len(energies)))
        self.counts = np.zeros((self.blocks, bins))
        self.sums = np.zeros((columns, self.blocks, bins))
        total = np.zeros(bins)
        for k, (energy, values) in enumerate(zip(energies, observables, strict=True)):
            block = np.arange(len(energy)) * self.blocks // len(energy)
            place = ((energy - low) * scale).astype(int)
            index = block * bins + place
            shape, size = (self.blocks, bins), self.blocks * bins
            self.lengths[:, k] = np.bincount(block, minlength=self.blocks)
            self.counts += np.bincount(index, minlength=size).reshape(shape)
            total += np.bincount(place, weights=energy, minlength=bins)
            for column in range(columns):
                sums = np.bincount(index, weights=values[:, column], minlength=size)
                self.sums[column] += sums.reshape(shape)
        kept = self.counts.any(axis=0)
        self.counts, self.sums = self.counts[:, kept], self.sums[:, :, kept]
        # Energies from the mean, so that no exponential overflows.
        self.energies = total[kept] / self.counts.sum(axis=0)
        middle = total.sum() / self.counts.sum()
        self.energies -= middle
        self.means = np.array([energy.mean() for energy in energies]) - middle

    def mean(self, temperature_K, leave_out=None):
        """Return the averages of the observables.

        Parameters
        ----------
        temperature_K : float or (n,) array, K.
        leave_out : int or None, a block that does not count.

        Returns
        -------
        (n_observables,) or (n, n_observables) array.
        """
        beta = 1 / (units.kB * np.asarray(temperature_K, dtype=float))
        counts, sums = self.counts.sum(axis=0), self.sums.sum(axis=1)
        if leave_out is not None:
            counts, sums = counts - self.counts[leave_out], sums - self.sums[:, leave_out]
        weights = self._boltzmann(beta, self._log_weights(leave_out))
        return (weights @ sums.T) / (weights @ counts)[..., None]

    def samples(self, temperature_K):
        """Return the effective number of measurements, (sum w)^2 / sum w^2, at a temperature."""
        beta = 1 / (units.kB * np.asarray(temperature_K, dtype=float))
        weights = self._boltzmann(beta, self._log_weights(None))
        counts = self.counts.sum(axis=0)
        return (weights @ counts) ** 2 / (weights**2 @ counts)

    def _boltzmann(self, beta, log_weights):
        """Return the weights of the bins, (..., n_bins), the largest one 1."""
        exponent = log_weights - beta[..., None] * self.energies
        return np.exp(exponent - exponent.max(axis=-1, keepdims=True))

    def _log_weights(self, leave_out):
        """Return -ln sum_k n_k exp(f_k - E/kT_k) of every bin."""
        if leave_out not in self._weights:
            counts, lengths = self.counts.sum(axis=0), self.lengths.sum(axis=0)
            if leave_out is not None:
                counts, lengths = counts - self.counts[leave_out], lengths - self.lengths[leave_out]
            self._weights[leave_out] = self._solve(counts, lengths)
        return self._weights[leave_out]

    def _solve(self, counts, lengths):
        """Newton's method for f: sum_bins counts ln sum_k n_k exp(f_k - b_k E) - sum_k n_k f_k."""
        # First guess: df/dbeta = <E>, by the trapezoidal rule.
        order = np.argsort(self.beta)
        means = self.means[order]
        steps = np.diff(self.beta[order]) * (means[:-1] + means[1:]) / 2
        f = np.zeros(len(self.beta))
        f[order[1:]] = np.cumsum(steps)
        objective, gradient, hessian = self._likelihood(f, counts, lengths)
        for _ in range(100):
            if np.abs(gradient).max() < 1e-9 * lengths.sum():
                break
            # f is determined up to a constant, so the Hessian has one null vector.
            step = -np.linalg.lstsq(hessian, gradient, rcond=1e-14)[0]
            scale = 1.0
            while scale > 1e-10:
                trial = self._likelihood(f + scale * step, counts, lengths)
                if trial[0] <= objective + 1e-12 * abs(objective):
                    break
                scale /= 2
            f = f + scale * step
            objective, gradient, hessian = trial
        return -self._log_sum(f, lengths)[0]

    def _log_sum(self, f, lengths):
        exponents = np.log(lengths)[:, None] + f[:, None] - self.beta[:, None] * self.energies
        top = exponents.max(axis=0)
        shares = np.exp(exponents - top)
        total = shares.sum(axis=0)
        return top + np.log(total), shares / total

    def _likelihood(self, f, counts, lengths):
        log_sum, shares = self._log_sum(f, lengths)
        filled = shares * counts
        mass = filled.sum(axis=1)
        hessian = np.diag(mass) - filled @ shares.T
        return counts @ log_sum - lengths @ f, mass - lengths, hessian
