"""All of ConstrainedAbinit with a model behind ABINIT's files: input and output must agree."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.abinit import AbinitProfile

import ase_mag
from ase_mag import models
from ase_mag.reference import ConstrainedAbinit, ConstrainedModel, check_reference
from ase_mag.reference.abinit import calculator

from .model_program import write_output

ROOT = Path(__file__).parents[3]


@pytest.fixture
def profile(monkeypatch, data_sets):
    """A profile whose program is the model."""

    def execute(words, folder, log):
        text = (folder / words[-1]).read_text(encoding="utf-8")
        (folder / log).write_text("log", encoding="utf-8")
        (folder / "run.abo").write_text(write_output(text), encoding="utf-8")
        return 0, 0.1

    monkeypatch.setattr(calculator, "execute", execute)
    return AbinitProfile("true", pp_paths=[str(data_sets)])


def iron(n, seed):
    atoms = bulk("Fe", a=2.87, cubic=True) * (1, 1, n // 2)
    rng = np.random.default_rng(seed)
    atoms.positions += rng.normal(scale=0.1, size=atoms.positions.shape)
    ase_mag.set_moments(atoms, rng.normal(scale=1.3, size=(n, 3)))
    return atoms


@pytest.mark.parametrize("n", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_results_are_those_of_the_model_in_any_frame(profile, n, seed):
    atoms = iron(n, seed)
    calc, model = ConstrainedAbinit(profile=profile), ConstrainedModel(models.named("FeHL-1"))
    for name, tolerance in {
        "energy": 1e-9,
        "forces": 1e-9,
        "stress": 1e-9,
        "magforces": 1e-8,
        "magmoms": 2e-6,
    }.items():
        np.testing.assert_allclose(
            calc.get_property(name, atoms),
            model.get_property(name, atoms),
            atol=tolerance,
            err_msg=name,
        )
    np.testing.assert_allclose(calc.relax_sizes(atoms), model.relax_sizes(atoms), atol=2e-6)


@pytest.mark.parametrize("noncollinear", [False, True])
def test_check_reference(profile, noncollinear):
    check = check_reference(ConstrainedAbinit(profile=profile), noncollinear=noncollinear)
    assert check.passed, str(check)
    assert check.name == "ABINIT"


@pytest.mark.slow
def test_the_promised_block_runs_unchanged_otherwise(profile, tmp_path, monkeypatch, recwarn):
    """Block 5 of the promised scripts, two atoms instead of 54, ConstrainedAbinit for the model."""
    text = (ROOT / "tests" / "docs" / "api_blocks.txt").read_text(encoding="utf-8")
    block = text.split("## 5.")[1].split("```python\n")[1].split("```")[0]
    old = "reference.ConstrainedModel(models.named('FeHL-1'))"
    assert old in block
    atoms = bulk("Fe", a=2.85, cubic=True)
    ase_mag.set_moments(atoms, 2.2)
    from ase import units

    names = {
        "atoms": atoms,
        "units": units,
        "models": models,
        "profile": profile,
        "model": models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75)),
    }
    monkeypatch.chdir(tmp_path)
    exec(block.replace(old, "reference.ConstrainedAbinit(profile=profile)"), names)
    assert names["dyn"].nsteps == 500
    assert len(names["table"]) == 28
    assert isinstance(names["calc"], ConstrainedAbinit)
    assert abs(names["m"] - 2.02558733512) < 1e-9
