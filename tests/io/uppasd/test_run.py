"""Runs of UppASD: a stand-in that leaves recorded files, and the program where it is installed."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed

import ase_mag
from ase_mag import analysis, io, models
from ase_mag.core import config, get_moments
from ase_mag.dynamics import SpinDynamics

PROGRAM = shutil.which("uppasd")
needs_program = pytest.mark.skipif(PROGRAM is None, reason="uppasd is not in the PATH")


def crystal():
    cell = bulk("Fe", a=2.87, cubic=True)
    cell.symbols[1] = "Co"
    ase_mag.set_moments(cell, [[0, 0, 2.2], [0, 0, 1.7]])
    shells = models.shells([1.3, 0.7], reference=cell, unit="mRy", convention="UppASD", moment=2.2)
    return cell, models.Heisenberg(("Fe", "Co"), shells)


def stand_in(folder, text):
    """A program that runs Python code in the folder of the run, as a command."""
    path = folder / "program.py"
    path.write_text("from pathlib import Path\nimport sys, time\n" + text)
    return f"{sys.executable} {path}"


#: Leaves the files of a run of two steps of two atoms.
GOOD = """
rows = lambda step, z: "".join(f" {step} 1 {k} {m} 0.0 {(1 - z * z) ** 0.5} {z}\\n"
                               for k, m in ((1, 2.2), (2, 1.7)))
Path("moment.ase_mag.out").write_text("# iter ens\\n" + rows(0, 1.0) + rows(5, 0.8))
Path("restart.ase_mag.out").write_text("# iter ens\\n" + rows(10, 0.6))
Path("averages.ase_mag.out").write_text(
    "  #Iter <M>_x <M>_y <M>_z <M> M_{stdv}\\n 0 0 0 1.95 1.95 0\\n 5 0.0 1.17 1.56 1.95 0\\n")
Path("totenergy.ase_mag.out").write_text(" #Iter Tot Exc\\n 0 -1.0 -1.0\\n 5 -0.5 -0.5\\n")
print(" Simulation finished")
"""


def test_what_a_run_left_is_read(tmp_path):
    cell, model = crystal()
    command = stand_in(tmp_path, GOOD)
    run = io.run_uppasd(
        tmp_path / "run",
        cell,
        model,
        command=command,
        steps=10,
        every=5,
        timestep=2.0,
        damping=0.1,
        temperature_K=50.0,
    )
    text = (tmp_path / "run" / "inpsd.dat").read_text().split("\n")
    assert "tottraj_step 5" in text and "avrg_step    5" in text
    assert run.model is model
    assert str(run.atoms.symbols) == "FeCo"
    np.testing.assert_allclose(get_moments(run.atoms), [[0, 1.76, 1.32], [0, 1.36, 1.02]])
    np.testing.assert_array_equal(run.steps, [0, 5])
    np.testing.assert_allclose(run.moments[1, 0], [[0, 1.32, 1.76], [0, 1.02, 1.36]])
    np.testing.assert_allclose(run.magnetization, [[0, 0, 1.95], [0, 1.17, 1.56]])
    # mRy per atom: 2 atoms, 13.6056980 meV
    np.testing.assert_allclose(run.energies, [-2 * 0.0136056931, -0.0136056931], rtol=1e-7)
    assert run.tables["averages"]["M_{stdv}"].tolist() == [0, 0]
    frames = list(run.frames())
    assert [atoms.info["step"] for atoms in frames] == [0, 5]
    run.write_trajectory(tmp_path / "run.traj")
    again = analysis.read(tmp_path / "run.traj")
    assert again.time_fs == pytest.approx([0, 10.0 / ase_units.fs])
    np.testing.assert_allclose(again.magnetization, run.magnetization)
    with pytest.raises(ValueError, match="from 0 to 0, got 1"):
        next(run.frames(ensemble=1))


def test_a_folder_is_run_as_it_is(tmp_path):
    cell, model = crystal()
    io.write_uppasd(tmp_path / "run", cell, model)
    text = (tmp_path / "run" / "inpsd.dat").read_text()
    run = io.run_uppasd(tmp_path / "run", command=stand_in(tmp_path, GOOD), species=("Ni", "Co"))
    assert (tmp_path / "run" / "inpsd.dat").read_text() == text
    assert str(run.atoms.symbols) == "NiCo"
    with pytest.raises(ValueError, match="steps would be written into an input"):
        io.run_uppasd(tmp_path / "run", command=stand_in(tmp_path, GOOD), steps=10)
    with pytest.raises(ValueError, match="give the model beside the cell"):
        io.run_uppasd(tmp_path / "run", cell, command=stand_in(tmp_path, GOOD))
    with pytest.raises(ValueError, match="every must be a positive whole number"):
        io.run_uppasd(tmp_path / "run", cell, model, command=stand_in(tmp_path, GOOD), every=0)


@pytest.mark.parametrize(
    "text, message",
    [
        ("print('some words')\nsys.exit(3)", "exit status 3(.|\n)*some words"),
        ("print('ERROR: Restartfile')", "did not finish(.|\n)*ERROR: Restartfile"),
        ("print(' Simulation finished')", "no restart file(.|\n)*Simulation finished"),
        (GOOD + "\nPath('restart.ase_mag.out').write_text(' 1 1 2 1.7 0 0 1\\n')", "not complete"),
        (
            GOOD + "\nPath('averages.ase_mag.out').write_text(' #Iter Tot\\n 1\\n')",
            "2 finite numbers",
        ),
        (GOOD + "\nPath('averages.ase_mag.out').write_text('')", "line of column names"),
        (GOOD + "\nPath('averages.ase_mag.out').write_text('#a b\\n')", "has no rows"),
        (GOOD + "\nPath('averages.ase_mag.out').write_text('#a b\\n1 NaN\\n')", "2 finite numbers"),
        (GOOD + "\nPath('averages.ase_mag.out').write_text('#a b\\n1 **\\n')", "not numbers"),
        (
            GOOD + "\nfor k in ('restart', 'moment'):\n"
            "    Path(k + '.ase_mag.out').write_text(' 1 1 1 1.7 0 0 1\\n')",
            "wrote 1 moments",
        ),
    ],
)
def test_failures_name_what_is_wrong(tmp_path, text, message):
    cell, model = crystal()
    with pytest.raises(CalculationFailed, match=message):
        io.run_uppasd(tmp_path / "run", cell, model, command=stand_in(tmp_path, text))


def test_a_run_that_takes_too_long(tmp_path):
    cell, model = crystal()
    command = stand_in(tmp_path, "print('step 1', flush=True)\ntime.sleep(60)")
    with pytest.raises(TimeoutError, match=r"within 3 s(.|\n)*step 1"):
        io.run_uppasd(tmp_path / "run", cell, model, command=command, timeout=3)


def test_files_of_an_earlier_run_do_not_count(tmp_path):
    cell, model = crystal()
    io.run_uppasd(tmp_path / "run", cell, model, command=stand_in(tmp_path, GOOD))
    with pytest.raises(CalculationFailed, match="no restart file"):
        io.run_uppasd(
            tmp_path / "run",
            cell,
            model,
            command=stand_in(tmp_path, "print(' Simulation finished')"),
        )


def test_no_program(tmp_path, monkeypatch):
    cell, model = crystal()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(config, "configured", lambda key: None)
    with pytest.raises(FileNotFoundError, match=r"section \[ase_mag\] of ASE's configuration"):
        io.run_uppasd(tmp_path / "run", cell, model)


def test_tables_of_nothing(tmp_path):
    cell, model = crystal()
    text = GOOD + "\nfor k in ('averages', 'totenergy'):\n    Path(k + '.ase_mag.out').unlink()"
    run = io.run_uppasd(tmp_path / "run", cell, model, command=stand_in(tmp_path, text))
    with pytest.raises(ValueError, match="the run needs the line 'plotenergy 1'"):
        run.energies  # noqa: B018
    with pytest.raises(ValueError, match="the run needs the line 'do_avrg Y'"):
        run.magnetization  # noqa: B018
    with pytest.raises(FileNotFoundError):
        io.read_uppasd_table(Path(tmp_path / "none"))


@needs_program
def test_the_program_itself(tmp_path):
    """Energy of the printed steps beside that of the printed moments, to the digits."""
    cell, model = crystal()
    run = io.run_uppasd(
        tmp_path,
        cell,
        model,
        repeat=(3, 2, 4),
        temperature_K=200.0,
        damping=0.2,
        steps=100,
        every=20,
        timestep=0.1 * ase_units.fs,
    )
    calc = ase_mag.MagneticCalculator(model)
    energies = [calc.get_property("energy", atoms) for atoms in run.frames()]
    np.testing.assert_allclose(run.energies[: len(energies) - 1], energies[:-1], rtol=3e-7)
    assert run.steps.tolist() == [0, 20, 40, 60, 80, 100]


@needs_program
@pytest.mark.slow
def test_magnetization_at_a_temperature(tmp_path, record_property):
    """M of short Langevin runs, UppASD beside SpinDynamics: six runs each, four standard errors."""
    cell = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(cell, 2.2)
    shells = models.shells([1.3, 0.7], reference=cell, unit="mRy", convention="UppASD", moment=2.2)
    model = models.Heisenberg("Fe", shells)
    settings = {"temperature_K": 600.0, "damping": 0.5, "timestep": 0.1 * ase_units.fs}
    found = {"UppASD": [], "here": []}
    for seed in range(1, 7):
        run = io.run_uppasd(
            tmp_path,
            cell,
            model,
            repeat=(6, 6, 6),
            steps=12000,
            every=20,
            keywords={"tseed": seed, "do_tottraj": "N"},
            **settings,
        )
        found["UppASD"].append(np.linalg.norm(run.magnetization[200:], axis=1).mean())
        atoms = cell * 6
        atoms.calc = ase_mag.MagneticCalculator(model)
        dynamics = SpinDynamics(atoms, rng=seed, **settings)
        dynamics.run(4000)
        values = []
        for _ in range(400):
            dynamics.run(20)
            values.append(np.linalg.norm(get_moments(atoms).mean(axis=0)))
        found["here"].append(np.mean(values))
    means = {name: np.mean(values) for name, values in found.items()}
    error = np.sqrt(sum(np.var(values, ddof=1) / 6 for values in found.values()))
    record_property("means", list(means.values()))
    record_property("error", error)
    assert error < 0.02
    assert abs(means["UppASD"] - means["here"]) < 4 * error


#: Wave vectors in reciprocal lattice vectors, and both branches that UppASD 6.1 prints, meV.
MAGNONS = {
    (0.5, 0.0, 0.0): (268.065885400463, 310.794508073355),
    (0.25, 0.25, 0.0): (174.352608167614, 404.507785306204),
    (0.1, 0.2, 0.3): (190.957280286414, 399.628378103776),
    (0.0, 0.0, 0.0): (0.0, 456.071825161190),
}


@pytest.mark.parametrize("source", ["recorded", pytest.param("program", marks=needs_program)])
def test_magnons(tmp_path, source):
    """Adiabatic magnons of two species (do_ams) beside linear spin-wave theory with g = 2."""
    cell, model = crystal()
    points = np.array(list(MAGNONS))
    printed = np.array(list(MAGNONS.values()))
    if source == "program":
        lines = [f"{len(points)}", *(" ".join(map(str, point)) for point in points)]
        (tmp_path / "qfile").write_text("\n".join(lines) + "\n")
        keywords = {"do_ams": "Y", "qpoints": "D", "qfile": "./qfile", "do_tottraj": "N"}
        io.run_uppasd(tmp_path, cell, model, repeat=(8, 8, 8), steps=2, keywords=keywords)
        path = next(tmp_path.glob("ams.*out"))
        printed = np.array([line.split()[1:3] for line in path.read_text().splitlines()], float)
    energies = analysis.spin_waves(cell, model, points, g=2.0).energies
    # The constants of nature differ in the eighth digit.
    np.testing.assert_allclose(1000 * energies, printed, rtol=3e-8, atol=1e-6)
