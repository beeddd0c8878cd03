"""DeltaSpin: a recorded output, and a fake one with exact values."""

from pathlib import Path

import numpy as np
import pytest

import ase_mag
from ase_mag.reference import BadOutput, NotConverged
from ase_mag.reference.vasp import read_deltaspin

RECORDED = (
    Path(__file__).parents[4] / "shared" / "data" / "vasp_deltaspin_log" / "tmp_log.head_tail"
)
recorded = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded log is not here")


@recorded
def test_the_recorded_log_of_nickel_oxide():
    log = read_deltaspin(RECORDED)
    lines = RECORDED.read_text().splitlines()
    block = lines[lines.index("Magnetic Force:") + 1]
    printed = np.array(block.split(), dtype=float).reshape(-1, 3)
    assert printed.shape == (32, 3)
    # All digits that are printed (eight).
    np.testing.assert_allclose(log.magforces, printed, rtol=6e-8, atol=1e-12)
    np.testing.assert_allclose(log.magforces[0], [-3.7436735e-3, 1.8505613e-3, -1.5903942e-3])
    np.testing.assert_array_equal(log.magforces[16:], 0.0)  # oxygen is free
    np.testing.assert_array_equal(log.targets[0], [0.79192, -0.8051, 0.58906])
    np.testing.assert_array_equal(log.moments[0], [0.791471276, -0.804859626, 0.58889843])
    assert np.abs(log.moments[:16] - log.targets[:16]).max() < 5e-4


@recorded
def test_parts_of_the_recorded_log_are_refused(tmp_path):
    text, path = RECORDED.read_text(), tmp_path / "log"
    path.write_text(text[: text.rindex("final optimal lambda") - 10])
    with pytest.raises(BadOutput, match="no 'final optimal lambda'"):
        read_deltaspin(path)
    path.write_text(text[: text.rindex("final optimal lambda") + 400])
    with pytest.raises(BadOutput, match=r"have 5, 32 and 32 atoms; the file is incomplete"):
        read_deltaspin(path)
    path.write_text(text.replace("-0.37436735E-02", "0.37436735E-02"))
    with pytest.raises(BadOutput, match=r"'Magnetic Force' is not minus 'final optimal lambda'"):
        read_deltaspin(path)
    path.write_text(text.replace("Meet convergence", "Missed convergence"))
    with pytest.raises(NotConverged, match="the last optimization of lambda did not converge"):
        read_deltaspin(path)


@pytest.mark.parametrize("mood", ["", "tail"])
def test_results_are_exact(vasp, mixed, fake, monkeypatch, mood, tmp_path):
    monkeypatch.setenv("FAKE_VASP", mood)
    mixed.calc = calc = vasp(deltaspin=True, constraint={"Fe": "vector", "Al": "free"})
    energy = mixed.get_potential_energy()
    incar = fake.read_incar(tmp_path / "run" / "INCAR")
    assert incar["CONSTRL"].split() == ["1"] * 6 + ["0"] * 6 and incar["SCTYPE"] == "1"
    assert incar["LAMBDA"].split() == ["0.00000000"] * 12
    moments = calc.results["magmoms"]
    target = ase_mag.get_moments(mixed)
    np.testing.assert_allclose(moments[[0, 2]], target[[0, 2]], atol=1e-7)
    from ase_mag.reference import ConstrainedModel

    copy = mixed.copy()
    ase_mag.set_moments(copy, moments)
    copy.calc = ConstrainedModel(fake.model_of(["Fe", "Al"]))
    assert energy == pytest.approx(copy.get_potential_energy(), abs=2e-8)
    np.testing.assert_allclose(mixed.get_forces(), copy.get_forces(), atol=1e-7)
    magforces = calc.get_property("magforces", mixed)
    expected = copy.calc.get_property("magforces", copy)
    np.testing.assert_allclose(magforces, expected, atol=1e-7)
    assert np.abs(magforces[[0, 2]]).max() > 0.05
    assert calc.results["moment_error"].max() < 1e-6


def test_zero_targets_are_possible(vasp, iron):
    ase_mag.set_moments(iron, [[0, 0, 2.0], [0, 0, 0]])
    iron.calc = vasp(deltaspin=True)
    iron.get_potential_energy()
    np.testing.assert_allclose(iron.calc.results["magmoms"][1], 0.0, atol=1e-12)


def test_bad_runs_and_constraints(vasp, iron, monkeypatch):
    iron.calc = vasp(deltaspin=True, constraint="direction")
    with pytest.raises(ValueError, match="DeltaSpin constrains Cartesian components"):
        iron.get_potential_energy()
    monkeypatch.setenv("FAKE_VASP", "stubborn")
    iron.calc = vasp(deltaspin=True)
    with pytest.raises(NotConverged, match="2 attempts"):
        iron.get_potential_energy()


def test_a_plain_vasp_is_recognized(tmp_path):
    path = tmp_path / "vasp.out"
    with pytest.raises(BadOutput, match=r"DeltaSpin has not written .*vasp\.out"):
        read_deltaspin(path)
    path.write_text("DAV:   1    -0.1E+02\n   1 F= -.1E+02\n")
    with pytest.raises(BadOutput, match="this VASP is not DeltaSpin"):
        read_deltaspin(path)
