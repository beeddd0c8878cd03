"""What a fit is: the form of the potential and the options, and what differs between two."""

import copy
import hashlib

import numpy as np

from ase_mag.core import storage

#: Arrays up to this size are compared, and shown, number by number.
_SHORT = 16
#: So many differences are named.
_NAMED = 5


def form(potential):
    """Return all that a potential is made of but its parameters, a dict from path to value.

    Activations, centers, widths, cutoffs, scales of features, ... under names such as
    ``network.function.activation``; the values are JSON-able.

    Parameters
    ----------
    potential : storable object with ``parameters``. It is left as it is.
    """
    model, arrays = copy.deepcopy(potential), {}
    model.parameters = np.zeros(len(model.parameters))
    return dict(_entries(storage.encode(model, arrays), arrays, ""))


def digest(array):
    """Return a short hexadecimal digest of an array."""
    array = np.ascontiguousarray(array)
    text = f"{array.dtype}{array.shape}".encode()
    return hashlib.sha256(text + array.tobytes()).hexdigest()[:16]


def differences(known, present):
    """Return a clause that names what differs between two identities, '' if nothing does.

    Parameters
    ----------
    known, present : dict of JSON-able values and dicts, of an earlier fit and of this one.
    """
    known, present = (dict(_leaves(identity, "")) for identity in (known, present))
    found = []
    for name in [*known, *(name for name in present if name not in known)]:
        before, now = (_shown(values, name) for values in (known, present))
        if before != now:
            found.append(f"{name} was {before} and is {now}")
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return "; ".join([*found[:_NAMED], *more])


def _entries(value, arrays, path):
    """Yield (path, JSON-able value) of everything in the description of a stored object."""
    if isinstance(value, dict) and "__array__" in value:
        array = arrays[value["__array__"]]
        yield path, array.tolist() if array.size <= _SHORT else f"{array.shape} {digest(array)}"
    elif isinstance(value, dict) and "__class__" in value:
        yield _joined(path, "class"), value["__class__"]
        yield from _entries(value["arguments"], arrays, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _entries(inner, arrays, _joined(path, key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for k, item in enumerate(value):
            yield from _entries(item, arrays, _joined(path, str(k)))
    else:
        yield path, value


def _leaves(identity, path):
    for key, value in identity.items():
        name = _joined(path, key)
        if isinstance(value, dict):
            yield from _leaves(value, name)
        else:
            yield name, value


def _joined(path, key):
    return f"{path}.{key}" if path else key


def _shown(values, name):
    return repr(values[name]) if name in values else "not there"
