"""Saved models: one npz file with a json description and arrays; never pickle."""

import hashlib
import json
from importlib import import_module
from pathlib import Path

import numpy as np

FORMAT = 1
_classes = {}
#: Modules of storable classes that are imported when a file holds one, by name of the class.
_modules = {}


def storable(cls):
    """Register a class for saving (decorator).

    The class has ``to_dict()``, which returns its constructor arguments (numbers, strings, lists,
    dicts, numpy arrays, None and other storable objects), and optionally a classmethod
    ``from_dict``; without it ``cls(**arguments)`` is called.
    """
    name = cls.__name__
    if _classes.setdefault(name, cls) is not cls:
        raise ValueError(f"two storable classes are called {name!r}")
    return cls


def storable_in(module, *names):
    """Say in which module storable classes are that importing ``ase_mag`` does not import."""
    _modules.update(dict.fromkeys(names, module))


def encode(value, arrays):
    """Return a JSON-able description of ``value``; arrays are put into the dict ``arrays``."""
    if isinstance(value, np.ndarray):
        key = f"array{len(arrays)}"
        arrays[key] = value
        return {"__array__": key}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [encode(item, arrays) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"keys of a stored dict must be strings, got {list(value)}")
        return {key: encode(item, arrays) for key, item in value.items()}
    name = type(value).__name__
    if _classes.get(name) is not type(value):
        raise TypeError(
            f"an object of type {type(value).__module__}.{name} cannot be saved: decorate its "
            "class with ase_mag.core.storable and give it to_dict()"
        )
    return {"__class__": name, "arguments": encode(value.to_dict(), arrays)}


def decode(description, arrays):
    """Return the value that :func:`encode` described."""
    if isinstance(description, list):
        return [decode(item, arrays) for item in description]
    if not isinstance(description, dict):
        return description
    if "__array__" in description:
        key = description["__array__"]
        if key not in arrays:
            raise ValueError(f"the file is damaged: its array {key!r} is missing")
        return arrays[key]
    if "__class__" in description:
        name = description["__class__"]
        if name not in _classes and name in _modules:
            import_module(_modules[name])
        if name not in _classes:
            raise ValueError(
                f"the file holds an object of class {name!r}, which this version of ase_mag does "
                "not know; install the version or plug-in that wrote it"
            )
        cls = _classes[name]
        arguments = decode(description["arguments"], arrays)
        return cls.from_dict(arguments) if hasattr(cls, "from_dict") else cls(**arguments)
    return {key: decode(item, arrays) for key, item in description.items()}


def digest(obj):
    """Return a hexadecimal digest of a storable object: equal objects, equal digests."""
    arrays = {}
    text = json.dumps(encode(obj, arrays), sort_keys=True)
    total = hashlib.sha256(text.encode())
    for array in arrays.values():
        total.update(f"{array.dtype}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def save(obj, path, **metadata):
    """Write a storable object (and JSON-able metadata) to ``path`` (npz)."""
    arrays = {}
    header = {
        "format": FORMAT,
        "object": encode(obj, arrays),
        "metadata": encode(metadata, arrays),
    }
    text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    path = Path(path)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, header=text, **arrays)
    temporary.replace(path)


def reason(path, error):
    """Return what is wrong with a file that numpy refuses: not its advice to unpickle it."""
    if isinstance(error, OSError):
        return f": {error}"
    with path.open("rb") as stream:
        if stream.read(2) != b"PK":
            return " (it is no npz archive): give the path of a saved one"
    return f": {error}"


def load(path):
    """Return (object, metadata) from a file of :func:`save`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not one of ours, is damaged, or was written by a newer version.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        header = json.loads(arrays.pop("header").tobytes())
        version, described, metadata = (header[k] for k in ("format", "object", "metadata"))
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is not a file that ase_mag saved, or it is damaged{reason(path, error)}"
        ) from error
    if not isinstance(version, int) or version > FORMAT:
        raise ValueError(
            f"{path} has format {version!r}, but this version of ase_mag reads up to {FORMAT}: "
            "install a newer one"
        )
    try:
        return decode(described, arrays), decode(metadata, arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} does not describe an object of ase_mag: {error!r}") from error
