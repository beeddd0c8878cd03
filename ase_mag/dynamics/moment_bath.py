"""The bath of moment vectors: directions and sizes."""

import numpy as np
from ase import units as ase_units

from ase_mag import _kernels, units
from ase_mag.core import padded, threads_for
from ase_mag.dynamics.ghost_rows import GhostRows
from ase_mag.dynamics.propagators import SpinPropagator

#: Gamma of SPILADY for iron, 2.3575e14 mu_B^2/(eV s), in mu_B^2/(eV ASE time).
DEFAULT_RATE = 2.3575e14 / ase_units.s


class MomentBath(SpinPropagator):
    """Friction and noise on the moment vectors, in all three directions.

    dM/dt = Gamma B + xi,  B = -dE/dM,  <xi_a(t) xi_b(t')> = 2 Gamma kT delta_ab delta(t - t').

    Together with undamped :class:`Precession` this is generalized Langevin spin dynamics, dM/dt =
    -gamma M x B + Gamma B + xi (Ma & Dudarev, Phys. Rev. B 86, 054416 (2012)). It samples
    exp(-E/kT) over the moment vectors, that is p(m) ~ m^2 exp(-E/kT) for the size of a lone
    moment: the phase-space measure m^2. Heun steps: two field evaluations, weak order two.

    Parameters
    ----------
    surface, temperature_K, noise, timestep : see :class:`SpinPropagator`.
    rate : float or (N,) array, Gamma in mu_B^2/(eV ASE time); default: SPILADY's value for iron,
        2.3575e14 mu_B^2/(eV s). Atoms with rate 0 are left alone (non-magnetic species).

    Notes
    -----
    The energy must bind the sizes (a Landau term): without one the moments grow without limit.
    The step is stable for Gamma dt d^2E/dM^2 < 2; SPILADY's rate gives 0.24 mu_B^2/eV per fs.
    """

    def __init__(self, surface, temperature_K=None, noise=None, timestep=None, rate=DEFAULT_RATE):
        super().__init__(surface, temperature_K, noise, timestep)
        self.rate = rate

    def run(self, state, duration, n_steps):
        dt, first = duration / n_steps, self.noise.step
        form = self.surface.form(state)
        spread = None if form is not None else self.surface.spread_form(state)
        if form is not None:
            self._through_pairs(state, form, dt, n_steps)
        elif spread is not None:
            rows = GhostRows(self.surface, state)
            push = self.staged(spread, rows, dt)
            for step in range(n_steps):
                push(step)
            rows.write(state)
        else:
            self._through_evaluate(state, dt, n_steps)
        self.noise.step = first + n_steps

    def _coefficients(self, n, dt):
        """Return Gamma dt (mu_B^2/eV) and the deviation of the noise (mu_B); zero: stands still."""
        relax = np.array(np.broadcast_to(self.rate, n), dtype=float) * dt
        if self.moving is not None:
            relax[~self.moving] = 0.0
        return relax, np.sqrt(2 * relax * units.kB * (self.temperature_K or 0.0))

    def _through_pairs(self, state, form, dt, n_steps):
        n, moments = len(state.moments), padded(state.moments)
        _kernels.bath.heun(
            form.arrays,
            moments,
            *self._coefficients(n, dt),
            None,
            self.noise.seed,
            self.noise.step,
            self.noise.stream,
            n_steps,
            np.empty_like(moments),
            np.empty_like(moments),
            threads_for(2 * (len(form.neighbors) + 20 * n)),
        )
        state.moments[:] = moments[:n, :3]
        state.moments_changed()

    def staged(self, form, rows, dt):
        """Return what makes one step of ``dt`` on the rows of owned atoms and ghosts.

        It takes the number of the step (of the noise).

        Parameters
        ----------
        form : BilinearForm of the owned sites, :meth:`Surface.spread_form`.
        rows : GhostRows
        dt : float, ASE time.
        """
        n, trial = rows.n_owned, rows.scratch(0)
        coefficients, atoms = self._coefficients(n, dt), rows.numbers(self.noise)
        threads = threads_for(2 * (len(form.neighbors) + 20 * n))

        def push(step):
            for predictor, seen in ((True, rows.moments), (False, trial)):
                rows.refresh(seen)
                _kernels.bath.half_step(
                    predictor,
                    form.arrays,
                    rows.moments,
                    *coefficients,
                    atoms,
                    self.noise.seed,
                    self.noise.step + step,
                    self.noise.stream,
                    trial,
                    rows.scratch(1),
                    threads,
                )

        return push

    def _through_evaluate(self, state, dt, n_steps):
        relax, deviation = self._coefficients(len(state.moments), dt)
        push = np.zeros_like(state.moments)
        for _ in range(n_steps):
            start = state.moments.copy()
            if deviation.any():
                push = deviation[:, None] * self.noise.normal(len(start))
            field = self.surface.response(state, lattice=False).magforces
            state.moments[:] = start + relax[:, None] * field + push
            state.moments_changed()
            field = field + self.surface.response(state, lattice=False).magforces
            state.moments[:] = start + 0.5 * relax[:, None] * field + push
            state.moments_changed()
