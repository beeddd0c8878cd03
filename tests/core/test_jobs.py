import pytest
from ase.calculators.abinit import AbinitProfile
from ase.calculators.lj import LennardJones

import ase_mag
from ase_mag import models
from ase_mag.core.jobs import calculator_identity
from ase_mag.reference import ConstrainedAbinit, ConstrainedModel


class Unknown(models.Heisenberg):
    """A model that cannot be saved."""


def exchange(slope, kind=models.Heisenberg):
    return kind("Fe", models.cubic(slope, cutoff=3.75))


def data_sets(folder):
    return ConstrainedAbinit(profile=AbinitProfile("abinit", pp_paths=[folder]))


@pytest.mark.parametrize(
    "make",
    [
        lambda x: ConstrainedModel(exchange(x)),
        lambda x: ConstrainedModel(exchange(x, Unknown)),
        lambda x: ConstrainedModel(exchange(x, Unknown) + models.Landau("Fe", a=-0.1, b=0.02)),
        lambda x: ase_mag.add(LennardJones(epsilon=x, sigma=2.0), exchange(0.2)),
        lambda x: data_sets(f"/data/{x}"),
    ],
    ids=["model", "model that cannot be saved", "sum with it", "lattice calculator", "data sets"],
)
def test_other_energies_are_another_calculator(make):
    assert calculator_identity(make(0.19)) == calculator_identity(make(0.19))
    assert calculator_identity(make(0.19)) != calculator_identity(make(0.25))
