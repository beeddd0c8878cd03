"""Saved objects: everything that goes in comes out, and what cannot be read says why."""

import json

import numpy as np
import pytest

from ase_mag import models
from ase_mag.core import storable, storage


@storable
class Stored:
    """An object with other storable objects, arrays and plain values inside."""

    def __init__(self, values, name="x", child=None):
        self.values, self.name, self.child = values, name, child

    def to_dict(self):
        return {"values": self.values, "name": self.name, "child": self.child}


@storable
class FromDict(Stored):
    """An object whose constructor does not take its arguments."""

    def __init__(self):
        self.made = True

    def to_dict(self):
        return {"anything": 1.5}

    @classmethod
    def from_dict(cls, arguments):
        assert arguments == {"anything": 1.5}
        return cls()


def test_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    values = {"a": rng.normal(size=(2, 3)), "b": [1, 2.5, None, True, "text", {"c": np.arange(3)}]}
    saved = Stored(values, "name", Stored([np.float64(0.1), np.int64(7)], child=FromDict()))
    path = tmp_path / "object.npz"
    storage.save(saved, path, version="1.0", rmse=np.array([0.1, 0.2]))
    loaded, metadata = storage.load(path)
    assert loaded.values["a"].tobytes() == values["a"].tobytes()
    assert loaded.values["b"][:5] == [1, 2.5, None, True, "text"]
    np.testing.assert_array_equal(loaded.values["b"][5]["c"], np.arange(3))
    assert (loaded.name, loaded.child.values) == ("name", [0.1, 7])
    assert type(loaded.child.child) is FromDict
    assert metadata["version"] == "1.0"
    np.testing.assert_array_equal(metadata["rmse"], [0.1, 0.2])
    assert [p.name for p in tmp_path.iterdir()] == ["object.npz"]


def test_no_pickle(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, header=np.array([{"format": 1}], dtype=object))
    with pytest.raises(ValueError, match=r"evil\.npz is not a file that ase_mag saved"):
        storage.load(path)


@pytest.mark.parametrize("cut", [0, 10, -30])
def test_damaged_file(tmp_path, cut):
    path = tmp_path / "model.npz"
    storage.save(Stored(np.arange(1000)), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match=r"model\.npz is not a file that ase_mag saved, or it is"):
        storage.load(path)


def test_flipped_bits(tmp_path):
    path = tmp_path / "model.npz"
    storage.save(Stored(np.random.default_rng(0).normal(size=1000)), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        storage.load(path)


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        storage.load(tmp_path / "missing.npz")
    text = tmp_path / "text.npz"
    text.write_text("not a model")
    array = tmp_path / "array.npz"
    np.savez(array, x=np.arange(3))
    single = tmp_path / "single.npz"
    with single.open("wb") as file:
        np.save(file, np.arange(3))
    for path in (text, array, single):
        with pytest.raises(ValueError, match="is not a file that ase_mag saved") as caught:
            storage.load(path)
        assert "pickle" not in str(caught.value)


def rewritten(tmp_path, **changes):
    path = tmp_path / "model.npz"
    storage.save(Stored(np.arange(3)), path)
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(arrays["header"].tobytes()) | changes
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


def test_newer_format(tmp_path):
    path = rewritten(tmp_path, format=storage.FORMAT + 1)
    with pytest.raises(ValueError, match=r"has format 2, but this version .* reads up to 1"):
        storage.load(path)


def test_unknown_class(tmp_path):
    path = rewritten(tmp_path, object={"__class__": "FromTheFuture", "arguments": {}})
    with pytest.raises(ValueError, match="of class 'FromTheFuture', which this version"):
        storage.load(path)


def test_missing_array(tmp_path):
    path = rewritten(tmp_path, object={"__array__": "array7"})
    with pytest.raises(ValueError, match="damaged"):
        storage.load(path)


def test_objects_that_cannot_be_saved(tmp_path):
    path = tmp_path / "model.npz"
    storage.save(Stored(1), path)
    before = path.read_bytes()

    class Subclass(Stored):
        pass

    for value, message in (
        (object(), "an object of type builtins.object cannot be saved: decorate"),
        (Subclass(1), "Subclass cannot be saved"),
        ({1: 2}, r"keys of a stored dict must be strings, got \[1\]"),
        (1j, "complex cannot be saved"),
    ):
        with pytest.raises(TypeError, match=message):
            storage.save(Stored(value), path)
    assert path.read_bytes() == before


def test_two_classes_of_one_name():
    with pytest.raises(ValueError, match="two storable classes are called 'Stored'"):
        storable(type("Stored", (), {}))
    assert storable(Stored) is Stored


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["object"].update({"arguments": {"nonsense": 1}}),
        lambda header: header["object"].update({"arguments": [1, 2]}),
        lambda header: header["object"].pop("arguments"),
        lambda header: header["object"].update({"__class__": ["Zeeman"]}),
        lambda header: header.update({"format": "1"}),
    ],
)
def test_descriptions_that_fit_nothing_are_value_errors(change, tmp_path):
    path = tmp_path / "model.npz"
    storage.save(models.Zeeman("Fe", (0, 0, 1.0)), path)
    with np.load(path) as file:
        arrays = {key: file[key] for key in file.files}
    header = json.loads(arrays.pop("header").tobytes())
    change(header)
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    np.savez(path, header=text, **arrays)
    with pytest.raises(ValueError, match=r"describe an object of ase_mag|has format '1'"):
        storage.load(path)


def test_digests_tell_parameters_apart():
    one, same, other = (models.Landau("Fe", a, 0.02) for a in (-0.15, -0.15, -0.3))
    assert storage.digest(one) == storage.digest(same) != storage.digest(other)
    spline = models.tabulated([1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 0.0])
    twin = models.tabulated([1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.1, 0.0])
    assert storage.digest(spline) != storage.digest(twin)
