"""Moment sizes that are not dynamical variables: thermal, sampled, or of minimal energy."""

import numpy as np
from scipy.special import ndtr

from ase_mag.dynamics.propagators import Propagator


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
    Moments of zero have no direction and stay zero.
    """

    part = "sizes"
    smallest = 1e-6

    def __init__(self, landscapes, mean_moment, temperature_K, measure=2):
        self.landscapes = landscapes
        self.mean_moment = mean_moment
        self.temperature_K = temperature_K
        self.measure = measure

    def advance(self, state, dt):
        self.follow(state)

    def follow(self, state):
        """Set the sizes anew for changed positions, cell or directions, without new noise."""
        a, b = self.landscapes(state.positions, state.cell, state.moments)
        self._resize(state, self._sizes(a, b))

    def _sizes(self, a, b):
        return self.mean_moment(a, b, self.temperature_K, self.measure)

    def _resize(self, state, sizes):
        sizes = np.maximum(sizes, self.smallest)
        now = np.linalg.norm(state.moments, axis=1)
        scale = np.divide(sizes, now, out=np.zeros_like(now), where=now > 0)
        state.moments *= scale[:, None]
        state.moments_changed()


class SampledSizes(MomentSizes):
    """Moment sizes drawn from the distributions of their landscapes instead of the means.

    |M_i| = C_i^-1(Phi(g_i)) with the cumulative distribution C_i of p(m) ~ m^p exp(-E_i(m)/kT),
    the normal distribution Phi, and normal numbers g_i that forget in the time tau:
    g <- c g + sqrt(1 - c^2) xi, c = exp(-dt/tau). So every size has the distribution of its present
    landscape at every step, whatever tau is.

    Parameters
    ----------
    landscapes, temperature_K, measure : see :class:`MomentSizes`.
    quantile : callable (u, a, b, temperature_K, measure) -> sizes in mu_B.
    noise : Noise
    timestep : float, time between two steps, ASE time.
    time : float, tau in ASE time; 0: new numbers at every step.
    """

    def __init__(
        self, landscapes, quantile, temperature_K, measure=2, *, noise, timestep, time=0.0
    ):
        super().__init__(landscapes, None, temperature_K, measure)
        self.quantile = quantile
        self.noise = noise
        self.memory = np.exp(-timestep / time) if time > 0 else 0.0
        self.normal = None

    def get_state(self):
        """Return the present normal numbers."""
        return {"normal": self.normal}

    def set_state(self, state):
        """Go on with the normal numbers of another run."""
        self.normal = state["normal"]

    def advance(self, state, dt):
        # Three components come at a time; two of them are left for other atoms.
        n = len(state.moments)
        new = self.noise.normal(-(-n // 3)).ravel()[:n]
        if self.normal is None:
            self.normal = new
        else:
            c = self.memory
            self.normal = c * self.normal + np.sqrt(1.0 - c * c) * new
        self.follow(state)

    def _sizes(self, a, b):
        return self.quantile(ndtr(self.normal), a, b, self.temperature_K, self.measure)


class RelaxedSizes(MomentSizes):
    """Moment sizes of minimal energy at the present directions, from the reference itself.

    What a calculation that constrains directions only finds: the longitudinal degree of freedom
    at 0 K, and, with moments along one axis, an ordinary collinear calculation.

    Parameters
    ----------
    atoms : ase.Atoms whose calculator has ``relax_sizes(atoms)`` -> (N, 3) moments in mu_B.

    Raises
    ------
    TypeError
        If the calculator cannot relax sizes.
    """

    def __init__(self, atoms):
        if not hasattr(atoms.calc, "relax_sizes"):
            raise TypeError(
                f"{type(atoms.calc).__name__} has no relax_sizes(atoms), which sizes='relaxed' "
                "needs: use a reference such as ase_mag.reference.ConstrainedModel(model)"
            )
        self.atoms = atoms

    def follow(self, state):
        state.write(self.atoms)
        relaxed = self.atoms.calc.relax_sizes(self.atoms)
        self._resize(state, np.linalg.norm(relaxed, axis=1))
