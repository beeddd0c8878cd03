"""check_reference finds right references right and wrong ones wrong."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.cli import main
from ase_mag.reference import ConstrainedModel, check_reference


class Wrong(ConstrainedModel):
    """A reference with mistakes: factors of its results."""

    factors = {}  # noqa: RUF012
    error = 0.0

    def calculate(self, *arguments, **options):
        super().calculate(*arguments, **options)
        for name, factor in self.factors.items():
            if name in self.results:
                self.results[name] = self.results[name] * factor
        self.results["moment_error"] = self.results["moment_error"] + self.error


def wrong(error=0.0, **factors):
    calc = Wrong(models.named("FeHL-1"))
    calc.factors, calc.error = factors, error
    return calc


@pytest.mark.parametrize("noncollinear", [False, True])
def test_model_passes(noncollinear):
    check = check_reference(ConstrainedModel(models.named("FeHL-1")), noncollinear=noncollinear)
    assert check.passed
    assert len(check.compared) == 2 + noncollinear
    assert max(c.error for c in check.compared) < 2e-3
    assert check.evaluations == 5 + 2 * noncollinear
    text = str(check)
    assert "FeHL-1 (synthetic) on Fe2" in text and "verdict: PASSED" in text
    for word in ("eV/mu_B", "eV/angstrom", "s per evaluation", "steps 0.02 mu_B"):
        assert word in text


@pytest.mark.parametrize("factor", [-1.0, 0.98, 0.5])
def test_wrong_magnetic_forces_are_found(factor):
    check = check_reference(wrong(magforces=factor), noncollinear=True)
    assert [c.passed for c in check.compared] == [False, False, True]
    assert "FAILED, do not learn from this reference" in str(check)


def test_wrong_forces_and_moments_are_found():
    check = check_reference(wrong(forces=1.02))
    assert [c.passed for c in check.compared] == [True, False]
    check = check_reference(wrong(error=1e-3))
    assert all(c.passed for c in check.compared) and not check.passed
    assert check.moment_error == 1e-3


def test_derivatives_are_those_of_the_energy():
    """Against the derivative along a line, by a step of a different size."""
    atoms = bulk("Fe", a=2.9, cubic=True)
    atoms.rattle(0.05, seed=2)
    ase_mag.set_moments(atoms, [[0.5, 1.0, 2.0], [1.5, -0.2, 1.0]])
    calc = ConstrainedModel(models.named("FeHL-1"))
    check = check_reference(calc, atoms, lattice_step=1e-4, magnetic_step=1e-4)
    for compared in check.compared:
        assert compared.differences == pytest.approx(compared.printed, rel=1e-5)


def test_bad_input():
    calc = ConstrainedModel(models.named("FeHL-1"))
    with pytest.raises(ValueError, match="lattice_step must be positive, got 0"):
        check_reference(calc, lattice_step=0)
    atoms = bulk("Fe", cubic=True)
    ase_mag.set_moments(atoms, np.zeros(2))
    with pytest.raises(ValueError, match="the first moment is zero"):
        check_reference(calc, atoms)
    from ase.calculators.emt import EMT

    with pytest.raises(TypeError, match="EMT is no reference: it lacks magforces, moment_error"):
        check_reference(EMT())


def test_command(capsys):
    assert main(["check-reference", "model", "--noncollinear"]) == 0
    assert "verdict: PASSED" in capsys.readouterr().out


def test_command_fails_with_a_wrong_reference(monkeypatch, capsys):
    from ase_mag.cli import check_reference as command

    monkeypatch.setattr(command.reference, "ConstrainedModel", lambda model: wrong(magforces=-1.0))
    assert main(["check-reference", "model"]) == 1
    assert "verdict: FAILED" in capsys.readouterr().out
