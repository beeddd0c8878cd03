"""What the Monte Carlo dynamics share: sweeps in the place of time, and the moves they make."""

from ase_mag.dynamics.frozen_lattice import FrozenLattice
from ase_mag.dynamics.logger import MagneticLogger
from ase_mag.dynamics.spin import described, spin_surface


class SweepLogger(MagneticLogger):
    """The log of a Monte Carlo run: :class:`MagneticLogger` with sweeps in the place of time."""

    clock = "Sweep"

    def time(self):
        return f"{self.dynamics.nsteps:11d}"


class SampledMoments(FrozenLattice):
    """Base of the dynamics whose steps are sweeps of a :class:`ase_mag.dynamics.Sampler`.

    Parameters
    ----------
    atoms : ase.Atoms with a calculator whose model has a bilinear form.
    lengths, method, measure, over_relaxation, tuning : see :class:`ase_mag.dynamics.Sampler`.
    field : three floats or None, an additional magnetic field in tesla.
    loginterval : int, sweeps between two frames or log lines.
    **options : see :class:`MagneticDynamics`.

    Raises
    ------
    ValueError
        For a field that is not three numbers.
    """

    logger = SweepLogger

    def __init__(
        self,
        atoms,
        *,
        lengths=False,
        method="heat bath",
        measure=2,
        over_relaxation=0,
        tuning=500,
        field=None,
        loginterval=100,
        **options,
    ):
        if callable(field):
            raise ValueError(
                "field is a function of the time, but Monte Carlo has no time: give three numbers "
                "in tesla, or use SpinDynamics"
            )
        self.field = described(field)
        self.moves = {
            "lengths": lengths,
            "method": method,
            "measure": measure,
            "over_relaxation": over_relaxation,
            "tuning": tuning,
        }
        self.surface = None if atoms.calc is None else spin_surface(atoms, field, frozen=True)
        super().__init__(atoms, 1.0, loginterval=loginterval, **options)

    def todict(self):
        described = super().todict() | self.moves
        # There is no time between two frames.
        del described["timestep"]
        return described | {"field_T": self.field, "seed": self.seed}
