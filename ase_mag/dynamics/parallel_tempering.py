"""Parallel tempering (replica exchange) of the moments at fixed positions."""

import numpy as np

from ase_mag import _kernels, units
from ase_mag.dynamics.base import check_count
from ase_mag.dynamics.sampled import SampledMoments
from ase_mag.dynamics.sampler import Sampler
from ase_mag.dynamics.splitting import Splitting

#: The arrays of a checkpoint.
_KEPT = (
    "moments",
    "energies",
    "replicas",
    "round_trips",
    "_tried",
    "_accepted",
    "_origin",
    "_reached_top",
    "_visits",
)


class ParallelTempering(SampledMoments):
    """Monte Carlo of copies of the moments at several temperatures that exchange places.

    One step is one sweep (:class:`ase_mag.dynamics.Sampler`) of every copy. Every ``interval``
    steps neighboring temperatures i, j exchange their moments with the probability

        min(1, exp[(1/kT_i - 1/kT_j) (E_i - E_j)]),

    the pairs (0, 1), (2, 3), ... and (1, 2), (3, 4), ... in turn, so that every temperature samples
    its canonical ensemble exactly, and configurations that are caught at low temperature escape
    through high ones (Hukushima & Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)).

    ``atoms``, the trajectory and the log show the lowest temperature; functions attached with
    ``attach`` see all of them in ``moments`` and ``energies``.

    Parameters
    ----------
    atoms, method, lengths, measure, over_relaxation, tuning, field : see
        :class:`ase_mag.dynamics.MonteCarlo`. All copies start with the moments of ``atoms``.
    temperatures_K : floats, at least two, rising. Choose them so that all of ``acceptance`` is
        above about 0.2: steps of T sqrt(kB / C) or less, with the heat capacity C.
    interval : int, steps between two exchanges.
    rng, trajectory, logfile, loginterval, progress, **options : see :class:`MagneticDynamics`.

    Raises
    ------
    ValueError
        As for MonteCarlo, and for temperatures that do not rise.

    Attributes
    ----------
    moments : (n_temperatures, N, 3) float array, mu_B, by temperature.
    energies : (n_temperatures,) float array, eV, by temperature.
    replicas : (n_temperatures,) int array, which copy is at each temperature.
    acceptance : (n_temperatures - 1,) float array, accepted fraction of the exchanges so far.
    round_trips : (n_temperatures,) int array, how often each copy went from the lowest temperature
        to the highest one and back.
    flow : (n_temperatures,) float array, fraction of the visits of copies that came from the
        lowest temperature rather than the highest one; falling evenly from 1 to 0 is best.
    """

    longest = 100

    def __init__(self, atoms, temperatures_K, *, interval=10, **options):
        self.temperatures_K = np.array(temperatures_K, dtype=float)
        if (
            self.temperatures_K.ndim != 1
            or len(self.temperatures_K) < 2
            or not (np.diff(self.temperatures_K, prepend=0.0) > 0).all()
        ):
            raise ValueError(
                "temperatures_K must be at least two rising temperatures above 0 K, got "
                f"{temperatures_K}"
            )
        self.interval = check_count("interval", interval)
        if self.interval == 0:
            raise ValueError("interval is 0: give at least one step between two exchanges")
        super().__init__(atoms, **options)

    def build(self):
        n = len(self.temperatures_K)
        self.samplers = [
            Sampler(self.surface, temperature, self.noise(), **self.moves)
            for temperature in self.temperatures_K
        ]
        self.samplers[0].check(self.state)
        self._choices = self.noise()
        self.moments = np.tile(self.state.moments, (n, 1, 1))
        self.energies = np.full(n, self.spin_form().evaluate(self.state.moments)[0].sum())
        self.replicas = np.arange(n)
        self.round_trips = np.zeros(n, int)
        self._tried, self._accepted = np.zeros((2, n - 1), int)
        # Per copy. 1: was at the lowest temperature last, -1: at the highest, 0: at neither yet.
        self._origin = np.zeros(n, int)
        self._reached_top = np.zeros(n, int)
        self._visits = np.zeros((2, n), int)
        self._note_places()
        return Splitting([])

    @property
    def acceptance(self):
        return np.divide(
            self._accepted,
            self._tried,
            out=np.full(len(self._tried), np.nan),
            where=self._tried > 0,
        )

    @property
    def flow(self):
        total = self._visits.sum(axis=0)
        return np.divide(self._visits[0], total, out=np.full(len(total), np.nan), where=total > 0)

    def step(self):
        """Make one sweep of every copy; changes that were made to ``atoms`` meanwhile are kept."""
        self.read_atoms()
        self.advance(1)
        self.state.write(self.atoms)

    def advance(self, n_steps):
        self.moments[0] = self.state.moments
        while n_steps > 0:
            done = self.samplers[0].noise.step
            n = min(n_steps, self.interval - done % self.interval)
            for k, sampler in enumerate(self.samplers):
                self._show(k)
                sampler.run(self.state, n * self.dt, n)
                self.moments[k] = self.state.moments
                self.energies[k] = self.spin_form().evaluate(self.state.moments)[0].sum()
            n_steps -= n
            if (done + n) % self.interval == 0:
                self._exchange()
        self._show(0)

    def _show(self, k):
        """Put copy ``k`` into the state."""
        self.state.moments[:] = self.moments[k]
        self.state.moments_changed()

    def _exchange(self):
        """Try to exchange every second pair of neighboring temperatures."""
        beta = 1 / (units.kB * self.temperatures_K)
        turn = self._choices.step
        for k in range(turn % 2, len(beta) - 1, 2):
            gain = (beta[k] - beta[k + 1]) * (self.energies[k] - self.energies[k + 1])
            self._tried[k] += 1
            if gain >= 0 or self._uniform(turn, k) < np.exp(gain):
                self._accepted[k] += 1
                for array in (self.moments, self.energies, self.replicas):
                    array[[k, k + 1]] = array[[k + 1, k]]
        self._choices.step += 1
        self._note_places()

    def _uniform(self, turn, pair):
        """Return a uniform number in (0, 1), a function of (seed, stream, turn, pair)."""
        low = 2**32 - 1
        seed, stream = self._choices.seed, self._choices.stream
        words = _kernels.noise.words(
            [pair, stream, turn & low, turn >> 32], [seed & low, seed >> 32]
        )
        return (words[0] + (words[1] + 0.5) / 2**32) / 2**32

    def _note_places(self):
        """Follow the copies on their way between the lowest and the highest temperature."""
        bottom, top = self.replicas[0], self.replicas[-1]
        self.round_trips[bottom] += self._reached_top[bottom]
        self._reached_top[bottom] = 0
        self._reached_top[top] |= self._origin[top] == 1
        self._origin[bottom], self._origin[top] = 1, -1
        origin = self._origin[self.replicas]
        self._visits[0] += origin == 1
        self._visits[1] += origin == -1

    def parts(self):
        samplers = {f"sampler{k}": sampler for k, sampler in enumerate(self.samplers)}
        return super().parts() | samplers | {"copies": self}

    def get_state(self):
        """Return what a checkpoint keeps of the copies."""
        return {name: getattr(self, name) for name in _KEPT}

    def set_state(self, state):
        """Take over the copies of another run."""
        for name in _KEPT:
            setattr(self, name, np.array(state[name]))

    def todict(self):
        """Return the settings as a JSON-able dict, which goes into the trajectory."""
        return super().todict() | {
            "temperatures_K": self.temperatures_K.tolist(),
            "interval": self.interval,
        }
