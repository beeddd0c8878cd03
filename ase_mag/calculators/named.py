"""Calculators by name, for the command ``ase run`` and for ASE's list of plugins."""

from functools import cache
from pathlib import Path

from ase_mag import models
from ase_mag.calculators.magnetic import MagneticCalculator
from ase_mag.core.config import configured


def named_calculator(parameter_set=None, *, model=None, **parameters):
    """Return a :class:`MagneticCalculator` of a named or saved model.

    Parameters
    ----------
    parameter_set : str or None, a name of :func:`ase_mag.models.named`.
    model : str, without a parameter set: such a name, the path of a saved model, or its name in the
        folder ``models`` of the section [ase_mag] of ASE's configuration.
    **parameters : of :class:`MagneticCalculator`.

    Raises
    ------
    TypeError
        For an unknown parameter; with a parameter set, for ``model``.
    ValueError
        Without a model, or for one that does not exist.
    """
    if parameter_set is not None:
        if model is not None:
            raise TypeError(
                f"the calculator of {parameter_set} has its model: leave out model={model!r}, or "
                "use the calculator ase-mag"
            )
        return MagneticCalculator(models.named(parameter_set), **parameters)
    return MagneticCalculator(find_model(model), **parameters)


def find_model(model):
    """Return the model of a name or path, see :func:`named_calculator`."""
    if model is None:
        raise ValueError(
            "the calculator ase-mag needs a model: -p model=FeHL-1, or the path of a saved one, "
            f"-p model=my.npz; names are {', '.join(models.named())}"
        )
    text = str(model)
    if text in models.named():
        return models.named(text)
    folder = configured("models")
    places = [Path(text).expanduser()]
    if folder is not None:
        places += [folder / text, folder / f"{text}.npz"]
    for path in places:
        if path.is_file():
            return models.load(path)
    looked = ", ".join(str(path) for path in places)
    raise ValueError(
        f"there is no model {text!r}: looked for the file {looked} and the names "
        f"{', '.join(models.named())}"
    )


@cache
def named_class(parameter_set):
    """Return the class of the calculators of a parameter set (None: with the argument ``model``).

    Its instances are made without a model; it is what ASE calls an implementation.
    """

    class NamedMagneticCalculator(MagneticCalculator):
        """A :class:`MagneticCalculator` of one parameter set."""

        def __init__(self, *, model=None, **parameters):
            made = named_calculator(parameter_set, model=model, **parameters)
            super().__init__(made.model, **parameters)

    return NamedMagneticCalculator
