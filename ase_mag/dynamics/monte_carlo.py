"""Monte Carlo of the moments at fixed positions."""

import numpy as np

from ase_mag.dynamics.frozen_lattice import FrozenLattice
from ase_mag.dynamics.logger import MagneticLogger
from ase_mag.dynamics.sampler import Sampler
from ase_mag.dynamics.spin import spin_surface
from ase_mag.dynamics.splitting import Splitting


class SweepLogger(MagneticLogger):
    """The log of a Monte Carlo run: :class:`MagneticLogger` with sweeps in the place of time."""

    clock = "Sweep"

    def time(self):
        return f"{self.dynamics.nsteps:11d}"


class MonteCarlo(FrozenLattice):
    """Monte Carlo of the moments at fixed positions, one sweep per step.

    The moments sample the canonical ensemble exp(-E/kT) over their directions or, with
    ``lengths=True``, over their vectors, exp(-E/kT) m^(p - 2) d^3M with p = ``measure``. The moves
    are described at :class:`ase_mag.dynamics.Sampler`. Unlike spin dynamics there is no time and
    no error of a time step.

    Between two observers (trajectory, log, attached functions) ``run`` makes all sweeps in one
    kernel call; ``irun`` yields after every sweep.

    Parameters
    ----------
    atoms : ase.Atoms; its calculator is a MagneticCalculator, or the sum made by ``ase_mag.add``
        (only the magnetic model is used), with a model that has a bilinear form.
    temperature_K : float, above zero.
    lengths : bool, whether the sizes of the moments change too (the energy must bound them).
    method : ``"heat bath"`` or ``"metropolis"``.
    measure : int, power of m in the phase-space measure (0, 1 or 2) with ``lengths``.
    over_relaxation : int, sweeps of energy-conserving reflections in each step.
    tuning : int, number of first sweeps in which step widths are tuned (Metropolis moves); they do
        not sample exactly. ``dyn.sampler.freeze()`` ends it earlier.
    field : three floats or None, an additional magnetic field in tesla.
    rng, trajectory, logfile, progress, **options : see :class:`MagneticDynamics` (also for
        checkpoints).
    loginterval : int, sweeps between two frames or log lines (default 100).

    Raises
    ------
    ValueError
        For a temperature that is not positive, an unknown method or measure, a calculator without
        a model or with one that has no bilinear form, and ``lengths`` with an energy that is
        unbounded in the moments.

    Attributes
    ----------
    sampler : Sampler; ``sampler.acceptance`` is the accepted fraction of the last moves.

    Examples
    --------
    >>> from ase.build import bulk
    >>> import ase_mag
    >>> from ase_mag.dynamics import MonteCarlo
    >>> atoms = bulk("Fe", a=2.8665, cubic=True) * 4
    >>> ase_mag.set_moments(atoms, 2.23)
    >>> atoms.calc = ase_mag.MagneticCalculator(ase_mag.models.named("Fe-UppASD"))
    >>> MonteCarlo(atoms, temperature_K=300, rng=1, progress=False).run(100)
    True
    """

    logger = SweepLogger

    def __init__(
        self,
        atoms,
        *,
        temperature_K,
        lengths=False,
        method="heat bath",
        measure=2,
        over_relaxation=0,
        tuning=500,
        field=None,
        rng=None,
        trajectory=None,
        logfile=None,
        loginterval=100,
        progress=None,
        **options,
    ):
        self.temperature_K = temperature_K
        self.field = None if field is None else tuple(np.asarray(field, dtype=float).tolist())
        self.moves = {
            "lengths": lengths,
            "method": method,
            "measure": measure,
            "over_relaxation": over_relaxation,
            "tuning": tuning,
        }
        self.surface = None if atoms.calc is None else spin_surface(atoms, field)
        super().__init__(
            atoms,
            1.0,
            rng=rng,
            trajectory=trajectory,
            logfile=logfile,
            loginterval=loginterval,
            progress=progress,
            **options,
        )

    def build(self):
        self.sampler = Sampler(self.surface, self.temperature_K, self.noise(), **self.moves)
        self.sampler.check(self.state)
        return Splitting([(self.sampler, 1.0)])

    def advance(self, n_steps):
        self.sampler.run(self.state, n_steps * self.dt, n_steps)

    def parts(self):
        return super().parts() | {"sampler": self.sampler}

    def todict(self):
        described = super().todict() | self.moves
        # There is no time between two frames.
        del described["timestep"]
        return described | {
            "temperature_K": self.temperature_K,
            "field_T": self.field,
            "seed": self.seed,
        }
