"""Moment sizes with inertia."""

import numpy as np

from ase_mag import units
from ase_mag.dynamics.propagators import SpinPropagator

#: Moments below this feel a softened entropic force, mu_B.
_SOFT = 0.02


class InertialSizes(SpinPropagator):
    """Sizes of the moments as mechanical coordinates: W d^2m/dt^2 = B.e + p kT/m.

    B.e is the magnetic force along the moment, e its direction, W an inertia. Without a bath the
    energy E + sum W (dm/dt)^2/2 is conserved to second order (velocity Verlet); a Langevin bath
    (exact Ornstein-Uhlenbeck step in the middle) samples P(m) ~ m^p exp(-E/kT) of a lone moment,
    p = ``measure``: with p = 0 the sizes move in one dimension and may pass through zero, where
    the moment turns round; p = 1, 2 add the phase-space measure of two or three dimensions as an
    entropic force (softened below 0.02 mu_B: the measure is (m^2 + 0.02^2)^(p/2)).

    Parameters
    ----------
    surface, temperature_K, noise, timestep : see :class:`SpinPropagator`.
    inertia : float or (N,) array, W in eV ASE time^2/mu_B^2. The frequency of a size is
        sqrt(E''(m)/W); the default gives about 20 fs in iron (E'' = 0.6 eV/mu_B^2).
    friction : float, 1 / ASE time.
    measure : 0, 1 or 2.

    Attributes
    ----------
    velocities : (N,) float array, dm/dt in mu_B per ASE time; None before the first step (zero).
    """

    def __init__(
        self,
        surface,
        temperature_K=None,
        noise=None,
        timestep=None,
        inertia=0.06,
        friction=0.0,
        measure=0,
    ):
        super().__init__(surface, temperature_K, noise, timestep)
        if measure not in (0, 1, 2):
            raise ValueError(f"measure must be 0, 1 or 2, got {measure!r}")
        if not np.all(np.asarray(inertia) > 0):
            raise ValueError(f"the inertia of the sizes must be positive, got {inertia!r}")
        self.inertia = inertia
        self.friction = friction
        self.measure = measure
        self.velocities = None

    def kinetic_energy(self):
        """Return sum W (dm/dt)^2/2, eV."""
        if self.velocities is None:
            return 0.0
        return float((0.5 * self.inertia * self.velocities**2).sum())

    def get_state(self):
        """Return the velocities."""
        return {} if self.velocities is None else {"velocities": self.velocities}

    def set_state(self, state):
        """Go on with other velocities."""
        velocities = state.get("velocities")
        self.velocities = None if velocities is None else np.array(velocities)

    def run(self, state, duration, n_steps):
        dt = duration / n_steps
        if self.velocities is None:
            self.velocities = np.zeros(len(state.moments))
        c = np.exp(-self.friction * dt)
        kT = units.kB * (self.temperature_K or 0.0)
        width = np.sqrt((1 - c * c) * kT / np.broadcast_to(self.inertia, self.velocities.shape))
        for _ in range(n_steps):
            self._kick(state, 0.5 * dt, kT)
            self._drift(state, 0.5 * dt)
            if self.friction:
                self.velocities *= c
                if kT:
                    self.velocities += width * self.noise.normal(len(width))[:, 0]
            self._drift(state, 0.5 * dt)
            self._kick(state, 0.5 * dt, kT)

    def _kick(self, state, dt, kT):
        form = self.surface.form(state)
        if form is None:
            fields = self.surface.response(state, lattice=False).magforces
        else:
            fields = form.evaluate(state.moments)[1]
        sizes = np.linalg.norm(state.moments, axis=1)
        inverse = np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
        force = np.einsum("ij,ij->i", state.moments, fields) * inverse
        force += self.measure * kT * sizes / (sizes**2 + _SOFT**2)
        self.velocities += dt * self._free(force / self.inertia)

    def _free(self, values):
        return values if self.moving is None else np.where(self.moving, values, 0.0)

    def _drift(self, state, dt):
        sizes = np.linalg.norm(state.moments, axis=1)
        moved = sizes + dt * self._free(self.velocities)
        scale = np.divide(moved, sizes, out=np.ones_like(sizes), where=sizes > 0)
        state.moments *= scale[:, None]
        # Through zero the direction turns round, and so does the velocity along it.
        self.velocities[moved < 0] *= -1.0
        self.velocities[sizes == 0] = 0.0
        state.moments_changed()
