"""Point groups that UppASD applies to the vectors of an exchange file."""

from itertools import permutations, product

import numpy as np

from ase_mag.io.uppasd.tables import rows


def operations(kind, folder):
    """Return the matrices of ``sym``, (n, 3, 3) float array.

    Parameters
    ----------
    kind : int; 0: identity, 1: the 48 of a cube, 2: the 8 of a square in the xy plane, 3: the 24
        of a hexagonal prism, 4: those of ``sym.mat`` in the folder.
    folder : Path
    """
    if kind == 0:
        return np.eye(3)[None]
    if kind == 1:
        return np.array(
            [
                np.diag(signs) @ np.eye(3)[list(order)]
                for order in permutations(range(3))
                for signs in product((1.0, -1.0), repeat=3)
            ]
        )
    if kind == 2:
        flat = [
            np.diag(signs) @ np.eye(2)[list(order)]
            for order in permutations(range(2))
            for signs in product((1.0, -1.0), repeat=2)
        ]
        return np.array([_in_plane(matrix) for matrix in flat])
    if kind == 3:
        out = []
        for turn in range(6):
            c, s = np.cos(turn * np.pi / 3), np.sin(turn * np.pi / 3)
            for mirror in (1.0, -1.0):
                plane = np.array([[c, -s * mirror], [s, c * mirror]])
                out += [_in_plane(plane, along) for along in (1.0, -1.0)]
        return np.array(out)
    if kind == 4:
        path = folder / "sym.mat"
        (place, (count, *_)), *lines = rows(path, 1, "symmetry operations")
        if len(lines) != 3 * int(count):
            raise ValueError(
                f"{path}, line {place}: {count} operations need {3 * int(count)} lines, but there "
                f"are {len(lines)}"
            )
        return np.array([[float(x) for x in words[:3]] for _, words in lines]).reshape(-1, 3, 3)
    raise ValueError(f"sym is {kind}, but UppASD knows 0 (none), 1 to 3 and 4 (sym.mat) only")


def _in_plane(matrix, along=1.0):
    out = np.diag([0.0, 0.0, along])
    out[:2, :2] = matrix
    return out


def shells(vectors, values, matrices, tolerance=1e-4):
    """Return all images of vectors with their values; images that were found before are left out.

    Parameters
    ----------
    vectors : (n, 3) float array; values : (n, ...) float array; matrices : (m, 3, 3) float array.

    Returns
    -------
    (k, 3) and (k, ...) float arrays
    """
    out, found = np.zeros((0, 3)), []
    for vector, value in zip(vectors, values, strict=True):
        for image in matrices @ vector:
            if len(out) and (np.abs(out - image).max(axis=1) < tolerance).any():
                continue
            out = np.vstack([out, image])
            found.append(value)
    return out, np.array(found).reshape(len(out), *np.shape(values)[1:])
