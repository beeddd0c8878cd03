"""Propagators: each advances one part of a state by a time step."""

from abc import ABC, abstractmethod

import numpy as np

from ase_mag import _kernels, units
from ase_mag.core import threads_for


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


class Precession(Propagator):
    """Transverse Landau-Lifshitz-Gilbert dynamics of the moments, sizes fixed.

    dM/dt = -gamma/(1 + alpha^2) M x [B + (alpha/|M|) M x B], gamma = g mu_B / hbar,
    B = -dE/dM + noise: a moment along x in a field along z turns towards +y. The noise has, per
    component and step, the standard deviation sqrt(2 alpha kT / (gamma |M| dt)) and enters both
    terms (Gilbert form), so that the moments sample exp(-E/kT) on spheres of radius |M|.

    Solved by the semi-implicit midpoint method SIB (Mentink, Tretyakov, Fasolino, Katsnelson,
    Rasing, J. Phys.: Condens. Matter 22, 176001 (2010)): two field evaluations per sub-step,
    Cayley rotations, |M| conserved to rounding. Where the surface has a bilinear form all
    sub-steps run in one kernel call; otherwise each field is one evaluation of the surface.

    The equilibrium is sampled with an error of second order in gamma |B| dt: in bcc iron (0.16
    eV/mu_B) at 300 K the spin temperature is 2.5 % too low at 1 fs, 0.5 % at 0.5 fs and right to
    0.4 % (one standard error) at 0.25 fs.

    Parameters
    ----------
    surface : ase_mag.core.Surface
    damping : float or (N,) array, the Gilbert damping alpha.
    temperature_K : float or None; None or 0: no noise.
    noise : Noise or None
    timestep : float or None, the longest sub-step (ASE time); None: one step per call.
    """

    part = "spins"

    def __init__(self, surface, damping, temperature_K=None, noise=None, timestep=None):
        self.surface = surface
        self.damping = damping
        self.temperature_K = temperature_K
        self.noise = noise
        self.timestep = timestep

    def advance(self, state, dt):
        self.run(state, dt, self.substeps(dt))

    def substeps(self, dt):
        """Return into how many equal sub-steps ``dt`` is cut."""
        if self.timestep is None:
            return 1
        return max(1, int(np.ceil(dt / self.timestep * (1 - 1e-9))))

    def run(self, state, duration, n_steps):
        """Advance by ``duration`` in ``n_steps`` equal steps."""
        dt = duration / n_steps
        n = len(state.moments)
        damping = np.array(np.broadcast_to(self.damping, n), dtype=float)
        deviation = self._deviation(state.moments, damping, dt)
        first = 0 if self.noise is None else self.noise.step
        form = self.surface.form(state)
        if form is None:
            self._generic(state, damping, deviation, dt, n_steps)
        else:
            _kernels.llg.midpoint(
                *form.arrays,
                state.moments,
                damping,
                deviation,
                units.gamma,
                dt,
                0 if self.noise is None else self.noise.seed,
                first,
                0 if self.noise is None else self.noise.stream,
                n_steps,
                *(np.empty((n, 3)) for _ in range(3)),
                np.empty(n),
                threads_for(2 * (len(form.neighbors) + 20 * n)),
            )
            state.moments_changed()
        if self.noise is not None:
            self.noise.step = first + n_steps

    def _deviation(self, moments, damping, dt):
        """Return the standard deviation of the noise in B, (N,), eV/mu_B."""
        deviation = np.zeros(len(moments))
        if self.noise is not None and self.temperature_K:
            sizes = np.linalg.norm(moments, axis=1)
            magnetic = sizes > 0
            variance = 2 * damping * units.kB * self.temperature_K / (units.gamma * dt)
            deviation[magnetic] = np.sqrt(variance[magnetic] / sizes[magnetic])
        return deviation

    def _generic(self, state, damping, deviation, dt, n_steps):
        n = len(state.moments)
        predicted, noise = np.empty((n, 3)), np.zeros((n, 3))
        for _ in range(n_steps):
            start = state.moments.copy()
            if deviation.any():
                noise = self.noise.normal(n)
            for _stage in range(2):
                mean = state.moments.copy()
                fields = self.surface.response(state, lattice=False).magforces
                _kernels.llg.rotate(
                    start, mean, fields, noise, damping, deviation, units.gamma, dt, predicted
                )
                # After the predictor the fields are taken half-way.
                state.moments[:] = predicted if _stage else 0.5 * (start + predicted)
                state.moments_changed()


class MomentSizes(Propagator):
    """Moment sizes from longitudinal-spin-fluctuation landscapes: |M_i| <- <m_i>(T).

    The sizes follow the instantaneous positions and directions, as in Fig. 3 of Brannvall et al.,
    Phys. Rev. B 105, 144417 (2022); the step is a projection, so it takes no time.

    Parameters
    ----------
    landscapes : callable (positions, cell, moments) -> (a, b), as ``LsfPredictor.prepare`` makes.
    mean_moment : callable (a, b, temperature_K, measure) -> sizes in mu_B.
    temperature_K : float
    measure : int, power of m in the phase-space measure (0, 1 or 2).

    Notes
    -----
    A size of exactly zero (possible at 0 K) is replaced by 1e-6 mu_B to keep the direction.
    """

    part = "sizes"
    smallest = 1e-6

    def __init__(self, landscapes, mean_moment, temperature_K, measure=2):
        self.landscapes = landscapes
        self.mean_moment = mean_moment
        self.temperature_K = temperature_K
        self.measure = measure

    def advance(self, state, dt):
        a, b = self.landscapes(state.positions, state.cell, state.moments)
        sizes = np.maximum(
            self.mean_moment(a, b, self.temperature_K, self.measure), self.smallest
        )
        state.moments *= (sizes / np.linalg.norm(state.moments, axis=1))[:, None]
        state.moments_changed()
