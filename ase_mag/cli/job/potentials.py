"""The potential that section [potential] describes."""

from inspect import signature

from ase_mag import models
from ase_mag.cli.job.errors import InputError, wrong_input
from ase_mag.cli.job.keys import arguments, rules
from ase_mag.cli.job.sections import Potential

CLASSES = {
    "collinear": models.MomentTensorPotential,
    "noncollinear": models.NoncollinearMomentTensorPotential,
    "spin-lattice": models.SpinLatticePotential,
    "spin-orientation": models.SpinOrientationPotential,
}
_SPECIES = 'the chemical symbols that the potential describes, as ["Fe", "Al"]'


def make_potential(job):
    """Return a new or a saved potential.

    Raises
    ------
    InputError
        For keys that the potential does not have, and what its class refuses.
    """
    section = job["potential"]
    if (section.file is None) == (section.kind is None):
        raise InputError(
            f"{job.place('potential')}: one of file (a saved model) and kind (a new potential) "
            "says what is fitted"
        )
    if section.file is not None:
        path = job.file("potential", "file")
        new = [name for name in arguments(section) if name != "file"]
        if new:
            raise InputError(
                f"{job.place('potential')}: {', '.join(new)} are for new potentials (kind), not "
                "for one from a file"
            )
        with wrong_input(job.place("potential", "file")):
            return models.load(path)
    if section.species is None:
        raise InputError(f"{job.place('potential')}: species is missing: {_SPECIES}")
    takes = {kind: set(signature(cls.__init__).parameters) for kind, cls in CLASSES.items()}
    own = {name: rule.argument or name for name, (rule, _) in rules(Potential).items()}
    for name in job.given["potential"]:
        if name not in ("kind", "file") and own[name] not in takes[section.kind]:
            fits = [kind for kind, known in takes.items() if own[name] in known]
            raise InputError(
                f"{job.place('potential', name)}: {name} does not belong to kind {section.kind}, "
                f"only to {', '.join(fits)}"
            )
    options = arguments(section)
    options["species"] = tuple(section.species)
    for name in ("rng", "seed"):
        if name in takes[section.kind]:
            options[name] = job.random_seed("a new potential has random parameters")
    with wrong_input(job.place("potential")):
        return CLASSES[options.pop("kind")](**options)
