"""What all codes share: targets, frames, attempts, errors, provenance; run with a model as code."""

import json
import pickle

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed

import ase_mag
from ase_mag import models
from ase_mag.reference import ConstrainedModel
from ase_mag.reference.base import ConstrainedDFT, NotConverged, Solution


class ModelCode(ConstrainedDFT):
    """A 'code' that knows FeHL-1 and only converges with the settings it is told to."""

    code = "model"

    def __init__(self, converges_with=("fast", "safe"), offset=0.0, **options):
        self.jobs = []
        super().__init__(converges_with=list(converges_with), offset=offset, **options)

    def attempts(self, job):
        return [{"mixing": "fast"}, {"mixing": "safe"}]

    def run(self, job, attempt):
        self.jobs.append(job)
        if attempt["mixing"] not in self.parameters["converges_with"]:
            raise NotConverged(f"residual 0.1 with {attempt['mixing']} mixing")
        atoms = job.atoms.copy()
        ase_mag.set_moments(atoms, job.targets)
        calc = ConstrainedModel(models.named("FeHL-1"))
        moments = job.targets
        if "direction" in job.kinds:
            moments = calc.relax_sizes(atoms)
            ase_mag.set_moments(atoms, moments)
        atoms.calc = calc
        return Solution(
            energy=atoms.get_potential_energy(),
            forces=atoms.get_forces(),
            stress=atoms.get_stress(),
            moments=moments + self.parameters["offset"],
            magforces=calc.get_property("magforces", atoms),
            version="1.0",
            iterations=1,
            seconds=0.1,
            settings=attempt,
        )


def iron(moments, seed=0):
    atoms = bulk("Fe", a=2.85, cubic=True)
    atoms.rattle(0.1, seed=seed)
    ase_mag.set_moments(atoms, moments)
    return atoms


NONCOLLINEAR = np.array([[0.3, 2.0, 0.4], [-1.0, 0.5, 1.5]])


@pytest.mark.parametrize("moments", [NONCOLLINEAR, np.outer([2.2, 1.8], [0.6, 0, 0.8]), 2.2])
def test_results_are_turned_back(moments):
    atoms = iron(moments)
    expected = atoms.copy()
    expected.calc = ConstrainedModel(models.named("FeHL-1"))
    calc = atoms.calc = ModelCode()
    for name in ("energy", "free_energy", "forces", "stress", "magmoms", "magforces"):
        np.testing.assert_allclose(
            calc.get_property(name, atoms),
            expected.calc.get_property(name, expected),
            atol=1e-12,
            err_msg=name,
        )
    np.testing.assert_allclose(calc.get_property("moment_error", atoms), 0, atol=1e-14)
    assert len(calc.jobs) == 1  # one run for all of it
    job = calc.jobs[0]
    assert job.noncollinear is bool(
        np.ndim(moments) == 2 and np.shares_memory(moments, NONCOLLINEAR)
    )
    if job.noncollinear:
        np.testing.assert_allclose(job.targets.sum(axis=0)[:2], 0, atol=1e-14)
    else:
        np.testing.assert_array_equal(job.targets[:, :2], 0)


def test_safer_settings_follow_and_are_kept_in_the_provenance():
    atoms = iron(2.2)
    atoms.calc = ModelCode(converges_with=["safe"])
    atoms.get_potential_energy()
    provenance = json.loads(json.dumps(atoms.calc.provenance))
    assert provenance["failed_attempts"] == ["residual 0.1 with fast mixing"]
    assert provenance["settings"] == {"mixing": "safe"}
    assert provenance["constraint"] == ["vector", "vector"]
    assert (provenance["code"], provenance["version"]) == ("model", "1.0")


def test_never_converged_is_an_error_and_leaves_no_numbers():
    atoms = iron(2.2)
    atoms.calc = ModelCode(converges_with=[])
    with pytest.raises(NotConverged, match=r"in 2 attempts: .*fast mixing \| .*safe mixing"):
        atoms.get_potential_energy()
    assert atoms.calc.results == {}
    assert issubclass(NotConverged, CalculationFailed)


def test_moments_off_their_targets_are_an_error():
    atoms = iron(2.2)
    atoms.calc = ModelCode(offset=0.01)
    with pytest.raises(NotConverged, match=r"atom 0 \(Fe\) has the moment .*0.017 mu_B away"):
        atoms.get_forces()
    atoms.calc = ModelCode(offset=0.01, moment_tolerance=0.02)
    atoms.get_forces()


def test_free_atoms_have_no_moment_error():
    atoms = iron(2.2)
    atoms.calc = ModelCode(offset=0.01, constraint="free")
    np.testing.assert_array_equal(atoms.calc.get_property("moment_error", atoms), 0)


def test_noncollinear_target_with_a_collinear_setting():
    atoms = iron(NONCOLLINEAR)
    atoms.calc = ModelCode(noncollinear=False)
    with pytest.raises(ValueError, match=r"not collinear.*but noncollinear=False"):
        atoms.get_potential_energy()
    assert atoms.calc.jobs == []
    atoms = iron(2.2)
    atoms.calc = ModelCode(noncollinear=True)
    atoms.get_potential_energy()
    assert atoms.calc.jobs[0].noncollinear


def test_no_moments_at_all():
    atoms = bulk("Fe", cubic=True)
    atoms.set_initial_magnetic_moments(None)
    atoms.calc = ModelCode()
    with pytest.raises(ValueError, match="the atoms have no moments, which are the targets"):
        atoms.get_potential_energy()


def test_relaxed_sizes_are_those_of_the_model():
    atoms = iron(NONCOLLINEAR)
    calc = ModelCode()
    expected = ConstrainedModel(models.named("FeHL-1")).relax_sizes(atoms)
    np.testing.assert_allclose(calc.relax_sizes(atoms), expected, atol=1e-6)
    np.testing.assert_array_equal(ase_mag.get_moments(atoms), NONCOLLINEAR)
    assert calc.jobs[0].kinds == ("direction", "direction")


class Turning(ModelCode):
    """The second moment turns over when only directions are constrained."""

    def run(self, job, attempt):
        solution = super().run(job, attempt)
        if job.kinds[1] == "direction":
            solution.moments[1] = -0.1 * job.targets[1]
        return solution


def test_a_moment_that_turns_over_relaxes_to_zero():
    atoms = iron([[0, 0, 2.2], [0, 0, -1.0]])
    calc = Turning()
    sizes = calc.relax_sizes(atoms)
    assert sizes[0, 2] > 1 and (sizes[1] == 0).all()
    assert [job.kinds for job in calc.jobs] == [("direction",) * 2, ("direction", "vector")]
    assert calc.relax_sizes(iron(0.0)).tolist() == np.zeros((2, 3)).tolist()
    atoms.calc = Turning(constraint="direction")
    with pytest.raises(NotConverged, match=r"atom 1 \(Fe\) has the moment"):
        atoms.get_potential_energy()


def test_pickled_and_described():
    calc = ModelCode(constraint={"Fe": "vector"})
    again = pickle.loads(pickle.dumps(calc))
    assert json.loads(json.dumps(again.todict())) == json.loads(json.dumps(calc.todict()))
    assert calc.todict()["constraint"] == {"Fe": "vector"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noncollinear": "yes"}, "noncollinear must be True, False or None, got 'yes'"),
        ({"moment_tolerance": 0}, "moment_tolerance must be positive, in mu_B, got 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ModelCode(**options)
