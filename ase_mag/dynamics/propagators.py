"""Propagators: each advances one part of a state by a time step."""

from abc import ABC, abstractmethod

import numpy as np

from ase_mag import units
from ase_mag.dynamics.noise import Noise


class Propagator(ABC):
    """Advances one part of a :class:`ase_mag.core.State` in place.

    Attributes
    ----------
    part : str, the row of the timing table that its cost belongs to
        (``"forces"``, ``"spins"``, ``"sizes"`` or ``"other"``).
    """

    part = "other"

    @abstractmethod
    def advance(self, state, dt):
        """Advance ``state`` by ``dt`` (ASE time)."""


class Kick(Propagator):
    """Momenta under the forces of a surface: p <- p + F dt.

    Parameters
    ----------
    surface : ase_mag.core.Surface
    free : (N,) bool array or None; atoms with False do not move.
    """

    part = "forces"

    def __init__(self, surface, free=None):
        self.surface = surface
        self.free = free

    def advance(self, state, dt):
        forces = self.surface.response(state).forces
        if self.free is not None:
            forces = forces * self.free[:, None]
        state.momenta += dt * forces


class Drift(Propagator):
    """Positions at constant momenta: x <- x + p dt / m."""

    def advance(self, state, dt):
        state.positions += dt * state.momenta / state.masses[:, None]
        state.geometry_changed()


class LangevinBath(Propagator):
    """Friction and noise on the momenta, the exact Ornstein-Uhlenbeck step.

    dp = -friction p dt + sqrt(2 friction m kT) dW, solved as
    p <- c p + sqrt((1 - c^2) m kT) xi, c = exp(-friction dt).

    With half drifts on both sides and half kicks outside this is BAOAB (Leimkuhler & Matthews,
    J. Chem. Phys. 138, 174102 (2013)), whose configurations are sampled to second order in dt.

    Parameters
    ----------
    friction : float, 1 / ASE time.
    temperature_K : float
    noise : Noise
    free : (N,) bool array or None; atoms with False get no noise.
    """

    def __init__(self, friction, temperature_K, noise, free=None):
        self.friction = friction
        self.temperature_K = temperature_K
        self.noise = noise
        self.free = free

    def advance(self, state, dt):
        c = np.exp(-self.friction * dt)
        width = np.sqrt((1 - c * c) * units.kB * self.temperature_K * state.masses)
        if self.free is not None:
            width = width * self.free
        state.momenta *= c
        state.momenta += width[:, None] * self.noise.normal(len(width))


class Metered(Propagator):
    """Another propagator, with the energy that it has given to the system.

    Parameters
    ----------
    propagator : Propagator
    energy : callable (state) -> float, eV; the part of the energy that the propagator changes.

    Attributes
    ----------
    heat : float, eV, sum of the energy changes so far.
    """

    def __init__(self, propagator, energy):
        self.propagator = propagator
        self.energy = energy
        self.heat = 0.0

    @property
    def part(self):
        return self.propagator.part

    def get_state(self):
        """Return the heat so far."""
        return {"heat": self.heat}

    def set_state(self, state):
        """Go on with the heat of another meter."""
        self.heat = float(state["heat"])

    def advance(self, state, dt):
        before = self.energy(state)
        self.propagator.advance(state, dt)
        self.heat += self.energy(state) - before


class SpinPropagator(Propagator):
    """Base of the dynamics of moments at frozen positions, in equal sub-steps.

    Where the surface has a bilinear form all sub-steps run in one kernel call; otherwise each
    field is one evaluation of the surface (``lattice=False``).

    Parameters
    ----------
    surface : ase_mag.core.Surface
    temperature_K : float or None; None or 0: no noise.
    noise : Noise or None; needed with a temperature.
    timestep : float or None, the longest sub-step (ASE time); None: one step per call.

    Attributes
    ----------
    moving : (N,) bool array or None; moments with False stand still. None: all move.
    """

    part = "spins"
    moving = None

    def __init__(self, surface, temperature_K=None, noise=None, timestep=None):
        self.surface = surface
        self.temperature_K = temperature_K
        self.noise = Noise(0, 0) if noise is None else noise
        self.timestep = timestep

    def advance(self, state, dt):
        self.run(state, dt, self.substeps(dt))

    def substeps(self, dt):
        """Return into how many equal sub-steps ``dt`` is cut."""
        if self.timestep is None:
            return 1
        return max(1, int(np.ceil(dt / self.timestep * (1 - 1e-9))))

    @abstractmethod
    def run(self, state, duration, n_steps):
        """Advance by ``duration`` in ``n_steps`` equal steps."""
