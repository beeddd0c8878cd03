"""The dynamics object that sections [dynamics], [exchange] and [output] describe."""

from inspect import signature

from ase_mag import MagneticCalculator, lsf, reference
from ase_mag.bridges import LammpsSimulation
from ase_mag.cli.job.errors import InputError, wrong_input
from ase_mag.cli.job.keys import arguments, rules
from ase_mag.cli.job.references import make_reference
from ase_mag.cli.job.sections import Dynamics
from ase_mag.cli.job.system import make_atoms, make_model
from ase_mag.dynamics import AsdAimd, SpinDynamics, SpinLatticeDynamics

CLASSES = {"spin": SpinDynamics, "spin-lattice": SpinLatticeDynamics, "asd-aimd": AsdAimd}
#: What makes the steps: this process, or all processes of an MPI job.
ENGINES = ("serial", "lammps")
#: Keys that are no arguments of the class.
_OWN = ("kind", "steps", "predictor")


class Setup:
    """Everything that a run needs, checked; :meth:`make` makes the dynamics.

    Parameters
    ----------
    job : Job with the sections structure, model and dynamics.
    engine : str, one of ``ENGINES``.
    """

    def __init__(self, job, engine="serial"):
        job.require("structure", "dynamics")
        self.job, self.section, self.engine = job, job["dynamics"], engine
        self.seed = job.random_seed("a run has noise")
        options_of = _options_of_lammps if engine == "lammps" else _options
        self.options = options_of(job, self.section)
        self.atoms = make_atoms(job)
        if self.section.kind == "asd-aimd":
            self._calculator = make_reference(job)
        else:
            if job["reference"] is not None:
                raise InputError(
                    f"{job.place('reference')}: a code gives forces in kind asd-aimd only; kind is "
                    f"{self.section.kind}: leave [reference] out"
                )
            job.require("model")
            self._calculator = MagneticCalculator(make_model(job))
        self.model = getattr(self._calculator, "model", self._calculator)
        if self.section.kind == "asd-aimd":
            if job["exchange"] is not None:
                self.options["exchange"] = make_model(job, "exchange")
            if self.section.predictor is not None:
                path = job.file("dynamics", "predictor")
                with wrong_input(job.place("dynamics", "predictor")):
                    self.options["lsf"] = lsf.LsfPredictor.load(path)
        elif job["exchange"] is not None:
            raise InputError(
                f"{job.place('exchange')}: only kind asd-aimd has an exchange model beside [model];"
                f" kind is {self.section.kind}: put it into [model], whose terms add up"
            )

    def make(self, **options):
        """Return new dynamics of new atoms; ``options``: of files, progress and restart.

        Raises
        ------
        InputError
            If the class refuses the keys, or the calculator the first configuration.
        """
        atoms = self.atoms.copy()
        with wrong_input(self.job.place("dynamics")):
            if self.engine == "lammps":
                # The command has compared processes and cores already.
                options |= self.options | {"rng": self.seed, "oversubscribe": True}
                return LammpsSimulation(atoms, self.model, **options)
            atoms.calc = self._fresh()
            atoms.get_potential_energy()
            return CLASSES[self.section.kind](atoms, rng=self.seed, **self.options, **options)

    def _fresh(self):
        """Return a calculator that has computed nothing yet."""
        calculator = self._calculator
        if isinstance(calculator, reference.ConstrainedModel):
            return reference.ConstrainedModel(self.model)
        if isinstance(calculator, MagneticCalculator):
            return MagneticCalculator(self.model)
        return make_reference(self.job)


def _options(job, section):
    """Return the arguments of the class; refuse keys that it does not have."""
    takes = {kind: set(signature(cls.__init__).parameters) for kind, cls in CLASSES.items()}
    takes["asd-aimd"].add("predictor")
    own = {name: rule.argument or name for name, (rule, _) in rules(Dynamics).items()}
    for name, argument in own.items():
        if name in ("kind", "steps") or getattr(section, name) is None:
            continue
        if argument not in takes[section.kind]:
            fits = [kind for kind, known in takes.items() if argument in known]
            raise InputError(
                f"{job.place('dynamics', name)}: {name} does not belong to kind {section.kind}, "
                f"only to {', '.join(fits)}"
            )
    if section.kind == "spin" and section.longitudinal == "inertial":
        raise InputError(
            f"{job.place('dynamics', 'longitudinal')}: inertial sizes belong to kind spin-lattice; "
            "kind spin has true or false"
        )
    return arguments(section, [name for name in own if name not in _OWN])


def _options_of_lammps(job, section):
    """Return the arguments of LammpsSimulation; refuse what it cannot do."""
    if section.kind != "spin-lattice":
        raise InputError(
            f"{job.place('dynamics', 'kind')}: kind is {section.kind}, but --engine lammps runs "
            "kind spin-lattice only: leave it out for a run on one process"
        )
    options = _options(job, section)
    if options.get("method", "implicit") != "implicit":
        raise InputError(
            f"{job.place('dynamics', 'method')}: method is {section.method}, but --engine lammps "
            "has implicit only, at constant energy: write that, or leave the key out"
        )
    return options
