"""Generalized Langevin spin dynamics: directions and sizes of the moments move."""

from ase_mag.dynamics.ghost_rows import GhostRows
from ase_mag.dynamics.moment_bath import DEFAULT_RATE, MomentBath
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.propagators import SpinPropagator
from ase_mag.dynamics.sweeps import SequentialPrecession


class GeneralizedLangevin(SpinPropagator):
    """Transverse and longitudinal dynamics of the moment vectors.

    dM/dt = -gamma M x B + Gamma B + xi,  B = -dE/dM,  <xi_a(t) xi_b(t')> = 2 Gamma kT delta_ab
    delta(t - t') (Ma & Dudarev, Phys. Rev. B 86, 054416 (2012)). Each sub-step is half an undamped
    precession, the bath of moment vectors (:class:`MomentBath`), and half a precession; where the
    model has a bilinear form the precession is the sequential one, which conserves the energy (the
    semi-implicit midpoint where the moments are spread over processes).

    Parameters
    ----------
    surface, temperature_K, noise, timestep, rate : see :class:`MomentBath`.

    Attributes
    ----------
    bath : MomentBath
    """

    def __init__(self, surface, temperature_K=None, noise=None, timestep=None, rate=DEFAULT_RATE):
        super().__init__(surface, temperature_K, noise, timestep)
        self.bath = MomentBath(surface, temperature_K, self.noise, rate=rate)
        self._sweeps = SequentialPrecession(surface)
        self._midpoint = Precession(surface, 0.0)

    def run(self, state, duration, n_steps):
        dt = duration / n_steps
        for part in (self.bath, self._sweeps, self._midpoint):
            part.moving = self.moving
        form = self.surface.form(state)
        spread = None if form is not None else self.surface.spread_form(state)
        if spread is not None:
            self._beside_ghosts(state, spread, dt, n_steps)
            return
        turn = self._midpoint if form is None else self._sweeps
        turn.run(state, 0.5 * dt, 1)
        for step in range(n_steps):
            self.bath.run(state, dt, 1)
            # Two halves in a row are one whole turn between the bath steps.
            turn.run(state, dt if step < n_steps - 1 else 0.5 * dt, 1)

    def _beside_ghosts(self, state, form, dt, n_steps):
        rows = GhostRows(self.surface, state)
        half, whole = (self._midpoint.staged(state, form, rows, t) for t in (0.5 * dt, dt))
        push = self.bath.staged(form, rows, dt)
        half(0)
        for step in range(n_steps):
            push(step)
            (whole if step < n_steps - 1 else half)(step)
        rows.write(state)
        self.noise.step += n_steps
