"""Tables of phases against the exact minima of FeHL-1 and closed forms."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.analysis import formation_energies, phase_table
from ase_mag.build import PHASES
from ase_mag.core import Model
from ase_mag.models import EmbeddedAtom, Heisenberg, Landau, PiecewisePolynomial, cubic


def test_the_phases_of_fehl1():
    """The numbers of the set's own documentation, found by another minimization."""
    table = phase_table(models.named("FeHL-1"))
    expected = {"FM": (2.84939, 2.1449, 0.0), "SL-AFM": (2.83706, 1.7079, 0.2332)}
    expected["NM"] = (2.75456, 0.0, 0.3589)
    for order, (a, moment, difference) in expected.items():
        phase = table["bcc", order]
        assert phase.exists
        assert phase.a == pytest.approx(a, abs=6e-6)
        assert phase.moment == pytest.approx(moment, abs=6e-5)
        assert phase.difference == pytest.approx(difference, abs=6e-5)
        assert abs(phase.atoms.get_stress()).max() < 1e-7
    assert [(phase.structure, phase.order) for phase in table] == list(PHASES)
    lines = str(table).splitlines()
    assert len(lines) == 8
    assert "a0 (angstrom)" in lines[0] and "dE (eV/atom)" in lines[0]
    assert lines[1].split() == ["bcc", "FM", "2.84939", "2.1449", "0.0000"]


def test_against_ase_relaxing_the_cell():
    """c/a of bcc phases is 1 by symmetry: ASE's filter with relaxed moments finds the same."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    model = models.named("FeHL-1")
    atoms = bulk("Fe", "bcc", a=2.9, cubic=True)
    ase_mag.set_moments(atoms, [2.0, -2.0])
    atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed")
    assert BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-6, steps=100)
    (phase,) = phase_table(model, [("bcc", "SL-AFM")])
    np.testing.assert_allclose(phase.a, atoms.cell.lengths(), rtol=1e-6)
    assert phase.energy == pytest.approx(atoms.get_potential_energy() / 2, abs=1e-8)


def test_tetragonal_antiferromagnets_against_ase():
    """a and c of layers in fcc, with moments that relax, from another minimization of the cell."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    from ase_mag.build import magnetic_phase

    model = models.named("FeHL-1")
    names = [("fcc", "FM"), ("fcc", "SL-AFM")]
    ferromagnet, phase = table = phase_table(model, names, tetragonal=True)
    assert (ferromagnet.ratio, phase.exists) == (1.0, True)
    assert ferromagnet.a == phase_table(model, names[:1])["fcc", "FM"].a
    atoms = magnetic_phase("fcc", "SL-AFM", 3.7, moment=2.2)
    atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed")
    cell = FrechetCellFilter(atoms, mask=[1, 1, 1, 0, 0, 0])
    assert BFGS(cell, logfile=None).run(fmax=1e-6, steps=200)
    width, _, height = atoms.cell.lengths()
    assert phase.a == pytest.approx(width * np.sqrt(2), rel=1e-5)
    assert phase.ratio == pytest.approx(height / (width * np.sqrt(2)), rel=1e-5)
    assert abs(phase.ratio - 1) > 0.01
    assert phase.energy == pytest.approx(atoms.get_potential_energy() / 2, abs=1e-8)
    assert phase.energy < phase_table(model, names)["fcc", "SL-AFM"].energy - 1e-4
    assert abs(phase.atoms.get_stress()).max() < 1e-6
    assert str(table).splitlines()[0].split()[:4] == ["phase", "a0", "(angstrom)", "c/a"]
    assert f"{phase.ratio:.5f}" in str(table)


def test_tetragonal_against_a_closed_form():
    """With nearest neighbors only both distances of an fcc antiferromagnet are free.

    Parallel neighbors sit where V - J m^2 is lowest and antiparallel ones where V + J m^2 is.
    """
    stiffness, r0, slope, j0, cutoff = 4.0, 2.6, 0.03, 0.02, 3.2
    shape = PiecewisePolynomial([0.0, cutoff], [[j0 + slope * r0, -slope]], step=True)
    parabola = [0.5 * stiffness * r0**2, -stiffness * r0, 0.5 * stiffness]
    spring = PiecewisePolynomial([0.0, cutoff], [parabola], step=True)
    m = 1.5
    sizes = Landau("Fe", a=-2e4 * m**2, b=1e4)  # moments of 1.5 mu_B
    model = EmbeddedAtom("Fe", pair=spring) + Heisenberg("Fe", shape) + sizes
    options = {"start": {"fcc": 3.7}, "moment": m, "tetragonal": True}
    (phase,) = phase_table(model, [("fcc", "SL-AFM")], **options)
    shift = slope * m**2 / stiffness
    parallel, across = r0 - shift, r0 + shift
    a = np.sqrt(2) * parallel
    c = np.sqrt(4 * across**2 - a**2)
    assert phase.a == pytest.approx(a, rel=1e-6)
    assert phase.ratio == pytest.approx(c / a, rel=1e-6)
    near = options | {"start": {"fcc": 3.685}, "reach": 0.012}
    (lost,) = phase_table(model, [("fcc", "SL-AFM")], **near)
    assert (lost.exists, lost.ratio) == (False, 1.0)
    assert "no minimum with a and c within 1.2 % of the cubic a = 3." in lost.message


class WithoutForm(Model):
    """A model that answers energies and gradients only, as a learned one."""

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)

    def to_dict(self):
        return {"model": self.model}


def test_models_without_a_bilinear_form():
    model = models.named("FeHL-1")
    pairs = zip(phase_table(model), phase_table(WithoutForm(model)), strict=True)
    for phase, other in pairs:
        assert other.a == pytest.approx(phase.a, abs=1e-6)
        assert other.energy == pytest.approx(phase.energy, abs=1e-9)
        assert other.moment == pytest.approx(phase.moment, abs=1e-5)
    found, other = (
        formation_energies(m, ["vacancy", "<110>"], sizes=3) for m in (model, WithoutForm(model))
    )
    for kind in ("vacancy", "<110>"):
        assert other[kind].energy == pytest.approx(found[kind].energy, abs=1e-4)
        assert other[kind].moments == pytest.approx(found[kind].moments, abs=1e-3)


def test_moments_that_collapse_and_energies_without_minimum():
    """With a > 0 moments live of their neighbors: in the ferromagnet, not with them reversed."""
    lattice = models.named("Fe-Mendelev2003")
    exchange = Heisenberg("Fe", cubic(0.9, cutoff=3.2))
    table = phase_table(lattice + exchange + Landau("Fe", a=0.02, b=0.02), PHASES[:3])
    assert table["bcc", "FM"].exists and table["bcc", "NM"].exists
    gone = table["bcc", "SL-AFM"]
    assert not gone.exists and gone.moment < 0.01
    assert "bcc SL-AFM    does not exist: the moments collapse to 0.000 mu_B" in str(table)
    assert table["bcc", "FM"].difference == 0.0 < table["bcc", "NM"].difference
    (lost,) = phase_table(lattice, [("bcc", "FM")], start={"bcc": 3.4}, reach=0.05)
    assert not lost.exists and np.isnan(lost.a)
    assert "no minimum of the energy within 5 % of a = 3.4 angstrom" in lost.message


def test_bad_input():
    model = models.named("FeHL-1")
    with pytest.raises(ValueError, match="there are no phases"):
        phase_table(model, [])
    with pytest.raises(ValueError, match="structure must be one of bcc, fcc, got 'hcp'"):
        phase_table(model, [("hcp", "FM")])
    with pytest.raises(ValueError, match="order must be one of FM, NM, SL-AFM, DL-AFM"):
        phase_table(model, [("bcc", "AFM")])
    with pytest.raises(ValueError, match="say which one with symbol='Fe'"):
        phase_table(models.named("FeAlHL-1"), [("bcc", "FM")])
    with pytest.raises(KeyError, match="there is no phase"):
        phase_table(model, [("bcc", "NM")])["bcc", "FM"]
    with pytest.raises(TypeError, match="a calculator needs a model"):
        phase_table("FeHL-1", [("bcc", "FM")])
