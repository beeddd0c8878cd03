"""The bath of moment vectors: directions and sizes."""

import numpy as np
from ase import units as ase_units

from ase_mag import _kernels, units
from ase_mag.core import padded, threads_for
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
        n = len(state.moments)
        relax = np.array(np.broadcast_to(self.rate, n), dtype=float) * (duration / n_steps)
        if self.moving is not None:
            relax[~self.moving] = 0.0
        deviation = np.sqrt(2 * relax * units.kB * (self.temperature_K or 0.0))
        first = self.noise.step
        form = self.surface.form(state)
        if form is None:
            self._through_evaluate(state, relax, deviation, n_steps)
        else:
            moments = padded(state.moments)
            _kernels.bath.heun(
                *form.arrays,
                moments,
                relax,
                deviation,
                self.noise.seed,
                first,
                self.noise.stream,
                n_steps,
                *(np.empty_like(moments) for _ in range(3)),
                threads_for(2 * (len(form.neighbors) + 20 * n)),
            )
            state.moments[:] = moments[:n, :3]
            state.moments_changed()
        self.noise.step = first + n_steps

    def _through_evaluate(self, state, relax, deviation, n_steps):
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
