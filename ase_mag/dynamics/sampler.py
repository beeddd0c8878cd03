"""Monte Carlo sweeps over the moments at frozen positions: the canonical ensemble."""

import numpy as np

from ase_mag import _kernels, units
from ase_mag.core import padded, threads_for
from ase_mag.core.boundedness import check_bounded, with_energy
from ase_mag.dynamics.base import check_count, check_positive
from ase_mag.dynamics.coloring import Coloring
from ase_mag.dynamics.propagators import SpinPropagator

METHODS = ("heat bath", "metropolis")
#: Width of the first steps, of directions and of moment vectors in mu_B.
_FIRST_WIDTH = 0.4


class Sampler(SpinPropagator):
    """Monte Carlo over directions, or directions and sizes, of the moments.

    The moments sample exp(-E/kT) over directions at fixed sizes or, with ``lengths``, exp(-E/kT)
    m^(p - 2) d^3M = exp(-E/kT) m^p dm dOmega over vectors, p = ``measure``. One step is one sweep
    over all moments, color by color, then ``over_relaxation`` sweeps of reflections:

    * heat bath: the direction of a moment is drawn from its distribution in the present field of
      the others, p(cos) ~ exp(k cos), k = |M| |B| / kT, cos = 1 + ln(u + (1 - u) exp(-2k))/k;
      anisotropy is left to an acceptance min(1, exp(-dE_onsite/kT));
    * Metropolis of directions: the direction e + w g, or one time in eight a new direction, with
      three normal numbers g;
    * Metropolis of vectors, always done with ``lengths`` (after the heat bath if that is chosen):
      M + w g, or one time in four (m + w g) M/m, accepted with the ratio of the measures;
    * reflection: M' = 2 (M.B) B/B^2 - M, which keeps the energy of exchange and field (anisotropy
      is accepted as above); the fastest way to move large patterns near a critical point.

    Every move obeys detailed balance, so averages have no error but the statistical one. Step
    widths w of each moment follow its acceptance during the first ``tuning`` sweeps (which
    therefore do not sample exactly) and stay as they are from then on.

    The random numbers depend on (seed, stream, sweep, atom) only: results are the same for any
    number of threads and any cut of a run into pieces. Moments of zero stay zero, unless
    ``lengths``; with ``lengths`` atoms without any term (nonmagnetic species) stay as they are.

    Parameters
    ----------
    surface : ase_mag.core.Surface with a bilinear form.
    temperature_K : float, above zero.
    noise : Noise
    method : ``"heat bath"`` or ``"metropolis"``.
    lengths : bool, whether the sizes of the moments change too.
    measure : int, the power p of the phase-space measure (0, 1 or 2) with ``lengths``; as in
        :func:`ase_mag.lsf.mean_moment`.
    over_relaxation : int, sweeps of reflections in each step.
    tuning : int, number of first sweeps in which step widths change.

    Raises
    ------
    ValueError
        For bad arguments; when run, for a model without a bilinear form, and with ``lengths`` for
        an energy that does not bound the moments.

    Attributes
    ----------
    acceptance : float, accepted fraction of the moves in the last call (heat bath without
        anisotropy: 1).
    widths : (N,) float array or None, step widths.
    """

    def __init__(
        self,
        surface,
        temperature_K,
        noise,
        *,
        method="heat bath",
        lengths=False,
        measure=2,
        over_relaxation=0,
        tuning=500,
    ):
        check_positive("temperature_K", temperature_K, "kelvin (to minimize, see relax_moments)")
        if method not in METHODS:
            raise ValueError(f"method {method!r} is unknown: use one of {', '.join(METHODS)}")
        if measure not in (0, 1, 2):
            raise ValueError(
                f"measure is {measure!r}; allowed are 0, 1 and 2, the power p of the phase-space "
                "measure m^p"
            )
        super().__init__(surface, temperature_K, noise)
        self.method, self.lengths, self.measure = method, bool(lengths), measure
        self.over_relaxation = check_count("over_relaxation", over_relaxation)
        self.tuning = check_count("tuning", tuning)
        self.widths = None
        self.acceptance = float("nan")
        self._coloring = Coloring()
        self._checked = None, None

    def freeze(self):
        """End the tuning: the step widths stay as they are."""
        self.tuning = min(self.tuning, self.noise.step)

    def get_state(self):
        """Return what a checkpoint keeps: the step widths and when their tuning ends."""
        return {"tuning": self.tuning} | ({} if self.widths is None else {"widths": self.widths})

    def set_state(self, state):
        """Take over the step widths of another sampler."""
        self.tuning = state["tuning"]
        self.widths = np.array(state["widths"]) if "widths" in state else None

    def check(self, state):
        """Raise ValueError if this state cannot be sampled (see above)."""
        self._order(self._form(state), state)

    def run(self, state, duration, n_steps):
        self._sweep(state, self._form(state), n_steps, np.ones(len(state.moments)))

    def sample(self, state, n_sweeps, weights=None):
        """Make ``n_sweeps`` sweeps and return what is seen after each.

        Parameters
        ----------
        state : State, changed in place.
        n_sweeps : int
        weights : (N,) float array or None (all 1), w.

        Returns
        -------
        (n_sweeps,) float array, energy in eV; (n_sweeps, 3) float array, sum_i w_i M_i in mu_B.
        """
        form = self._form(state)
        weights = np.ones(form.n_atoms) if weights is None else np.asarray(weights, dtype=float)
        energy = form.evaluate(state.moments)[0].sum()
        total = weights @ state.moments
        changes = self._sweep(state, form, n_sweeps, weights)
        return energy + np.cumsum(changes[:, 0]), total + np.cumsum(changes[:, 1:4], axis=0)

    def _form(self, state):
        form = self.surface.form(state)
        if form is None:
            raise ValueError(
                "Monte Carlo needs a model with a bilinear form (exchange, tensors, fields, "
                "anisotropy, Landau and their sums): for this model every move would cost an "
                "evaluation of all atoms; use SpinDynamics with temperature_K, which samples the "
                "same ensemble for any model"
            )
        return form

    def _sweep(self, state, form, n_sweeps, weights):
        """Return the changes of each sweep, (n_sweeps, 5): see ``_kernels.monte_carlo.sweep``."""
        n = form.n_atoms
        order, starts = self._order(form, state)
        blocks = int((-(-np.diff(starts) // 8)).sum())
        changes = np.zeros((n_sweeps, 5))
        if self.widths is None or len(self.widths) != n:
            self.widths = np.full(n, _FIRST_WIDTH)
        moments = padded(state.moments)
        _kernels.monte_carlo.sweep(
            form.arrays,
            moments,
            order,
            starts,
            self.method == "heat bath",
            self.lengths or self.method == "metropolis",
            self.lengths,
            self.measure,
            1 / (units.kB * self.temperature_K),
            self.over_relaxation,
            self.noise.seed,
            self.noise.step,
            self.noise.stream,
            self.tuning,
            self.widths,
            weights,
            np.empty((blocks, 5)),
            changes,
            threads_for((len(form.neighbors) + 30 * n) // max(1, len(starts) - 1)),
        )
        self.noise.step += n_sweeps
        self.acceptance = changes[:, 4].sum() / max(1, len(order) * n_sweeps)
        state.moments[:] = moments[:n, :3]
        state.moments_changed()
        return changes

    def _order(self, form, state):
        """Return the moments that may change by color, and where each color starts."""
        order, starts = self._coloring(form)
        free = self._free(form, state.moments) if self.lengths else state.moments.any(axis=1)
        if not free.all():
            kept = free[order]
            starts = np.concatenate([[0], np.cumsum(kept)])[starts].astype(np.intc)
            order = order[kept]
        return order, starts

    def _free(self, form, moments):
        """Return the moments whose sizes may change; refuse energies that do not bound them."""
        coupled = with_energy(form, moments)
        known, mask = self._checked
        if known is not form or not np.array_equal(mask, coupled):
            check_bounded(form, ~coupled)
            self._checked = form, coupled
        return coupled
