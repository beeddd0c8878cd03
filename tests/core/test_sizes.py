"""Models of directions alone: their sizes are refused where they may change, and held elsewhere."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT

import ase_mag
from ase_mag import analysis, models, optimize
from ase_mag.core import PairGraph
from ase_mag.core.sizes import check_sizes
from ase_mag.dynamics import MonteCarlo, SpinDynamics, SpinLatticeDynamics
from ase_mag.fitting import Ensemble
from ase_mag.fitting.held import Held
from ase_mag.optimize import MagneticCellFilter
from ase_mag.reference import ConstrainedModel

LANDAU = models.Landau("Fe", a=-0.3, b=0.03)


def directional(species="Fe"):
    """Ferromagnetic exchange of directions, by one feature."""
    potential = models.SpinOrientationPotential(species, 4.0, 3, 1)
    parameters = np.zeros(potential.n_parameters)
    parameters[2] = -0.01
    potential.parameters = parameters
    return potential


def iron(model=None, species="Fe", moments="fixed"):
    atoms = bulk("Fe", a=2.83, cubic=True) * 2
    atoms.symbols[1] = species
    directions = np.random.default_rng(0).normal(size=(16, 3))
    ase_mag.set_moments(atoms, 2.2 * directions / np.linalg.norm(directions, axis=1)[:, None])
    if model is not None:
        atoms.calc = ase_mag.MagneticCalculator(model, moments=moments)
    return atoms


def check(model, atoms=None, **options):
    atoms = iron() if atoms is None else atoms
    geometry = (atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers)
    graph = PairGraph.build(*geometry, max(model.cutoff, 3.0))
    check_sizes(model, graph, ase_mag.get_moments(atoms), **options)


@pytest.mark.parametrize(
    "others",
    [
        None,
        models.mendelev_2003(),
        models.NonMagnetic("Fe"),
        models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)),
        models.Zeeman("Fe", (0, 0, 50)),
    ],
    ids=["alone", "lattice", "nonmagnetic", "exchange", "field"],
)
def test_nothing_holds_the_sizes(others):
    model = directional() if others is None else others + directional()
    with pytest.raises(ValueError, match=r"nothing bounds the moment of atom \d+.*models.Landau"):
        check(model)
    check(model, free=np.zeros(16, dtype=bool))


@pytest.mark.parametrize(
    "others",
    [
        LANDAU,
        LANDAU + models.mendelev_2003(),
        models.Landau("Fe", a=0.1, b=0.0, allow_unbounded=True),
        models.named("Fe-MSLP-FeHL1"),
        models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)) + LANDAU,
    ],
    ids=["Landau", "lattice", "quadratic", "network", "exchange"],
)
def test_another_term_holds_them(others):
    check(others + directional())
    check(Ensemble([others + directional(), others + directional()]))


def test_what_has_no_directional_term_is_left_alone():
    check(models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)))
    check(models.named("Fe-MSLP-FeHL1"))


def test_wrapped_terms_are_found():
    """Ensembles, held models: the sum of what they are made of."""
    for model in (Held(directional()), Ensemble([directional(), directional()])):
        assert model.directional and (model + directional()).directional
        with pytest.raises(ValueError, match="SpinOrientationPotential knows directions of moment"):
            check(models.mendelev_2003() + model)
    assert not (directional() + LANDAU).directional


def test_every_species_for_itself():
    both = directional(("Fe", "Co")) + LANDAU + models.NonMagnetic("Co")
    with pytest.raises(ValueError, match=r"atom 1 \(Co\)"):
        check(both, iron(species="Co"))
    atoms = iron(species="Co")
    moments = ase_mag.get_moments(atoms)
    moments[1] = 0.0
    ase_mag.set_moments(atoms, moments)
    check(both, atoms)


REFUSED = {
    "spins": lambda atoms: SpinDynamics(
        atoms, units.fs, temperature_K=300, longitudinal=True, rng=1, progress=False
    ).run(1),
    "field in time": lambda atoms: SpinDynamics(
        atoms,
        units.fs,
        temperature_K=300,
        longitudinal=True,
        field=lambda time: (0, 0, 1),
        rng=1,
        progress=False,
    ).run(1),
    "spins and lattice": lambda atoms: SpinLatticeDynamics(
        atoms, units.fs, temperature_K=300, longitudinal=True, rng=1, progress=False
    ).run(1),
    "moments": optimize.relax_moments,
    "moments on lines": lambda atoms: optimize.relax_moments(atoms, directions=False),
    "structure": optimize.relax,
    "filter": MagneticCellFilter,
}


@pytest.mark.parametrize("use", REFUSED)
def test_refused_where_sizes_change(use):
    with pytest.raises(ValueError, match=r"nothing bounds the moment of atom 0 \(Fe\).*Landau"):
        REFUSED[use](iron(models.mendelev_2003() + directional()))


def test_refused_by_calculators_and_phases():
    model = models.mendelev_2003() + directional()
    with pytest.raises(ValueError, match="nothing bounds the moment of atom 0"):
        iron(model, moments="relaxed").get_potential_energy()
    with pytest.raises(ValueError, match="nothing bounds the moment of atom 0"):
        ConstrainedModel(model).relax_sizes(iron())
    with pytest.raises(ValueError, match="nothing bounds the moment of atom 0"):
        analysis.phase_table(model, [("bcc", "FM")])
    with pytest.raises(ValueError, match="Monte Carlo needs a model with a bilinear form"):
        MonteCarlo(iron(model), temperature_K=300, lengths=True, rng=1, progress=False).run(1)


def test_what_goes_on():
    """With a Landau term, sizes relax to its minimum; at fixed sizes nothing is refused."""
    alone, held = iron(directional()), iron(directional() + LANDAU, moments="relaxed")
    optimize.relax_moments(alone, sizes=False, check_minimum=False)
    assert np.linalg.norm(ase_mag.get_moments(alone), axis=1) == pytest.approx(2.2)
    SpinDynamics(iron(directional()), units.fs, temperature_K=300, damping=0.1, rng=1).run(1)
    held.get_potential_energy()
    # dE/dm = 2 a m + 4 b m^3: the directional energy changes the size by (softness/M)^2 only.
    sizes = np.linalg.norm(held.get_magnetic_moments(), axis=1)
    assert sizes == pytest.approx(np.sqrt(0.3 / 0.06), rel=1e-2)
    moving = iron(directional() + LANDAU)
    SpinDynamics(moving, units.fs, temperature_K=300, longitudinal=True, rng=1).run(2)
    assert np.linalg.norm(ase_mag.get_moments(moving), axis=1).max() < 3.5


def test_on_top_of_another_calculator():
    """A lattice calculator that knows nothing of moments does not hold them; one that does may."""
    atoms = iron()
    atoms.calc = ase_mag.add(EMT(), directional())
    with pytest.raises(ValueError, match="nothing bounds the moment of atom 0"):
        atoms.calc.check_sizes(atoms)
    atoms.calc = ase_mag.add(EMT(), directional(), lattice_moments=True)
    atoms.calc.check_sizes(atoms)
