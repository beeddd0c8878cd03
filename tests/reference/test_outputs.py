"""Outputs of ABINIT as frames (those of VASP: tests/reference/vasp/test_outputs.py)."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from ase.units import Bohr, Hartree

from ase_mag import fitting, reference
from ase_mag.core import get_moments

DATA = Path(__file__).parent / "data"


def test_output_of_abinit():
    """Numbers of the file, converted by hand."""
    (atoms,) = reference.read_outputs(DATA / "abinit_collinear.abo")
    assert atoms.get_chemical_formula() == "Fe2" and atoms.pbc.all()
    np.testing.assert_allclose(atoms.cell.array, 5.3479249361 * Bohr * np.eye(3), rtol=1e-9)
    magforces = atoms.calc.results["magforces"]
    assert magforces[0, 2] == pytest.approx(8.7528908069e-3 * Hartree, rel=1e-9)
    assert atoms.get_stress()[0] == pytest.approx(3.3028203624e-4 * Hartree / Bohr**3, rel=1e-9)
    np.testing.assert_allclose(get_moments(atoms), [[0, 0, 2.2], [0, 0, 1.8]], atol=1e-3)


def test_a_folder_of_runs_is_a_data_set(tmp_path):
    for name in ("abinit_collinear", "abinit_fealfeal"):
        (tmp_path / name).mkdir()
        shutil.copy(DATA / f"{name}.abo", tmp_path / name / "run.abo")
    frames = reference.read_outputs(tmp_path)
    assert [len(atoms) for atoms in frames] == [2, 4]
    data = fitting.read(frames)
    assert data.labels == ("energy", "forces", "stress", "magforces")
    assert data.symbols == ("Al", "Fe")
    np.testing.assert_array_equal(data[1].labels["forces"], frames[1].get_forces())


def test_bad_outputs(tmp_path):
    with pytest.raises(reference.NotConverged, match="not converged after"):
        reference.read_outputs(DATA / "abinit_unconverged.abo")
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        reference.read_outputs(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="has no outputs: neither"):
        reference.read_outputs(tmp_path)
