"""What is said of runs that cannot go on: on which process, of which atom, and why."""

import re

from ase.build import bulk

ATOM = 90


def test_lost_atoms_and_checkpoints_with_nan_are_said_on_all_processes(ranks):
    said = ranks(2, "losses", "lost")
    assert said[0] == said[1]
    whole, damaged, lost = said[0]
    assert whole == [12, None]
    assert damaged[1].startswith("ValueError: run.npz is damaged: its momenta contain NaN")
    assert "first bad row: 3" in damaged[1]
    # In its first step the atom flew by 1.6 cells, and the lists were renewed.
    assert lost[0] == 0
    assert lost[1].startswith("RuntimeError: atom 90 was lost before step 1: in one step they went")


def test_atoms_at_the_same_place_have_their_numbers(ranks):
    done = ranks(2, "losses", "overlap", check=False)
    assert done.returncode != 0
    assert "ValueError: atoms 90 and 91 are at the same place" in done.stderr


def test_forces_that_are_no_numbers_end_the_run_before_the_atoms_go_there(ranks):
    done = ranks(2, "losses", "nan", check=False)
    assert done.returncode != 0
    named = re.search(r"the force of atom (\d+) is not finite at step (\d+): \[nan", done.stderr)
    # The pair of atom 90 that fails gives the same to its other atom.
    atoms = bulk("Fe", a=2.86, cubic=True) * (4, 4, 4)
    assert atoms.get_distance(ATOM, int(named[1]), mic=True) < 5.3
    assert int(named[2]) == 3  # beyond 0.02 angstrom at 0.01 a step


def test_atoms_that_were_changed_between_two_runs_are_refused_on_all_processes(ranks):
    said = ranks(2, "changes")
    assert said[0] == said[1]
    assert said[0][0].startswith("positions, cell of atoms were changed since the simulation")
    assert said[0][1] == 5
