"""Monte Carlo of the moments at fixed positions."""

from ase_mag.dynamics.sampled import SampledMoments
from ase_mag.dynamics.sampler import Sampler
from ase_mag.dynamics.splitting import Splitting


class MonteCarlo(SampledMoments):
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
    lengths : bool, whether the sizes of the moments change too (the energy must bound them);
        default False.
    method : ``"heat bath"`` (default) or ``"metropolis"``.
    measure : int, power of m in the phase-space measure (0, 1 or 2) with ``lengths``; default 2.
    over_relaxation : int, sweeps of energy-conserving reflections in each step; default 0.
    tuning : int, number of first sweeps in which step widths are tuned (Metropolis moves); they do
        not sample exactly. ``dyn.sampler.freeze()`` ends it earlier. Default 500.
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

    def __init__(self, atoms, *, temperature_K, **options):
        self.temperature_K = temperature_K
        super().__init__(atoms, **options)

    def build(self):
        self.sampler = Sampler(self.surface, self.temperature_K, self.noise(), **self.moves)
        self.sampler.check(self.state)
        return Splitting([(self.sampler, 1.0)])

    def advance(self, n_steps):
        self.sampler.run(self.state, n_steps * self.dt, n_steps)

    def parts(self):
        return super().parts() | {"sampler": self.sampler}

    def todict(self):
        """Return the settings as a JSON-able dict, which goes into the trajectory."""
        return super().todict() | {"temperature_K": self.temperature_K}
