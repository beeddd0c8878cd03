"""Folders of DeePMD-kit with spins."""

from pathlib import Path

import numpy as np
import pytest

from ase_mag import fitting
from ase_mag.core import get_moments

NIO = Path(__file__).parents[3] / "shared" / "data" / "nio_magnetic_forces"


def write_folder(path, frames=3):
    """Write two sets of a cell with one Fe and one O; only Fe has spins."""
    rng = np.random.default_rng(1)
    arrays = {
        "box": np.tile(4.0 * np.eye(3).ravel(), (frames, 1)),
        "coord": rng.uniform(0, 4, size=(frames, 6)),
        "energy": rng.normal(size=frames),
        "force": rng.normal(size=(frames, 6)),
        "virial": rng.normal(size=(frames, 9)),
        "spin": np.column_stack([rng.normal(size=(frames, 3)), np.zeros((frames, 3))]),
        "force_mag": np.column_stack([rng.normal(size=(frames, 3)), np.zeros((frames, 3))]),
    }
    for name in ("set.000", "set.001"):
        (path / name).mkdir(parents=True)
        for key, array in arrays.items():
            np.save(path / name / f"{key}.npy", array + (0.1 if key == "coord" else 0))
        arrays = {**arrays, "coord": arrays["coord"] + 0.2}
    (path / "type.raw").write_text("0\n1\n")
    (path / "type_map.raw").write_text("Fe\nO\n")
    return arrays


def test_two_sets(tmp_path):
    arrays = write_folder(tmp_path / "data")
    data = fitting.read(tmp_path / "data")
    assert len(data) == 6 and data.symbols == ("Fe", "O")
    frame = data[1]
    assert frame.labels["energy"] == arrays["energy"][1]
    np.testing.assert_array_equal(frame.labels["forces"].ravel(), arrays["force"][1])
    np.testing.assert_array_equal(get_moments(frame.atoms).ravel(), arrays["spin"][1])
    virial = arrays["virial"][1].reshape(3, 3)
    stress = -(virial + virial.T) / 2 / 64.0
    np.testing.assert_allclose(frame.labels["stress"][[0, 5]], stress[0, :2], rtol=1e-13)
    # Oxygen has no spins, so its magnetic forces are not known, whatever the zeros in the file say.
    magforces = frame.labels["magforces"]
    np.testing.assert_array_equal(magforces[0], arrays["force_mag"][1, :3])
    assert np.isnan(magforces[1]).all()
    assert len(fitting.read(tmp_path)) == 6  # a folder of such folders


def test_not_periodic(tmp_path):
    write_folder(tmp_path)
    (tmp_path / "nopbc").touch()
    with pytest.raises(ValueError, match="so it has no volume: remove that label"):
        fitting.read(tmp_path)
    assert not fitting.read(tmp_path, keys={"virial": None})[0].atoms.pbc.any()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: (p / "type_map.raw").unlink(), "has no type_map.raw: write one symbol per line"),
        (lambda p: (p / "type_map.raw").write_text("Fe\n"), "has the types .0, 1., type_map.raw t"),
        (lambda p: (p / "set.001" / "box.npy").unlink(), r"set\.001 has no box\.npy"),
        (lambda p: (p / "set.000" / "spin.npy").write_bytes(b"x"), r"spin\.npy is damaged"),
        (
            lambda p: np.save(p / "set.000" / "force.npy", np.zeros((3, 5))),
            r"force\.npy has shape \(3, 5\), not \(frames, 6\)",
        ),
        (
            lambda p: np.save(p / "set.000" / "energy.npy", np.zeros(2)),
            r"have different numbers of frames: .*'energy': 2",
        ),
    ],
)
def test_damaged(tmp_path, spoil, message):
    write_folder(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message):
        fitting.read(tmp_path)


def test_no_sets(tmp_path):
    (tmp_path / "type.raw").write_text("0\n")
    (tmp_path / "type_map.raw").write_text("Fe\n")
    with pytest.raises(ValueError, match=r"but no folders set\.000"):
        fitting.read(tmp_path)


def test_nickel_oxide():
    """151 frames of constrained density-functional theory; numbers of their description."""
    if not NIO.exists():
        pytest.skip("the NiO data are not beside this tree")
    data = fitting.read(NIO)
    assert len(data) == 151 and data.symbols == ("Ni", "O")
    sizes = np.array([np.linalg.norm(get_moments(f.atoms), axis=1) for f in data])
    assert sizes[:, :16].min() > 1.273 and sizes[:, :16].max() < 1.2825 and not sizes[:, 16:].any()
    magforces = np.array([f.labels["magforces"] for f in data])
    assert np.isnan(magforces[:, 16:]).all() and np.isfinite(magforces[:, :16]).all()
    units = np.array([get_moments(f.atoms)[:16] for f in data]) / sizes[:, :16, None]
    along = np.einsum("kia,kia->ki", magforces[:, :16], units)
    across = magforces[:, :16] - along[:, :, None] * units
    assert 0.018 < np.sqrt(np.mean(along**2)) < 0.023
    assert 0.012 < np.sqrt(np.mean(np.sum(across**2, axis=2))) < 0.020
