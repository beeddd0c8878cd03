"""Which moments have an energy, and whether it keeps their sizes finite."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import eigsh


def with_energy(form, moments):
    """Return a mask of the atoms whose moments change the energy, (N,) bool.

    The others (nonmagnetic species) have neither couplings nor Landau or anisotropy terms; a field
    counts where there is a moment. Thermal sizes leave them as they are.

    Parameters
    ----------
    form : ase_mag.core.BilinearForm, merged.
    moments : (N, 3) float array, mu_B.
    """
    found = np.diff(form.offsets) > 0
    for term in (form.landau, form.quadric, form.cubic):
        if term is not None:
            found |= term.reshape(len(term), -1).any(axis=1)
    if form.field is not None:
        found |= moments.any(axis=1) & form.field.any(axis=1)
    return found


def check_bounded(form, held, labels=None):
    """Raise ValueError unless the energy of a form grows without limit with the moment sizes.

    The highest power of an atom decides: c m^6, then b m^4, each with the least favorable
    direction of the cubic terms; atoms without either need a positive definite quadratic form
    a m^2 + M.Q.M - 1/2 sum_j M_i.(J_ij + T_ij) M_j among themselves.

    Parameters
    ----------
    form : ase_mag.core.BilinearForm, merged.
    held : (N,) bool array, atoms whose moments do not change.
    labels : (N,) int array or None, what errors call the atoms; None: 0, 1, 2, ...

    Raises
    ------
    ValueError
        Naming the first atom whose energy is unbounded, or the loosest one of the quadratic form.
    """
    n = form.n_atoms
    square, quartic, sextic = (np.zeros((n, 3)) if form.landau is None else form.landau).T
    if form.cubic is not None:
        # u^2 v^2 + v^2 w^2 + w^2 u^2 lies in 0 .. 1/3, u^2 v^2 w^2 in 0 .. 1/27 on the sphere.
        quartic = quartic + np.minimum(form.cubic[:, 0], 0) / 3
        sextic = sextic + np.minimum(form.cubic[:, 1], 0) / 27
    bad = ~held & ((sextic < 0) | ((sextic == 0) & (quartic < 0)))
    if bad.any():
        i = int(np.argmax(bad))
        name = i if labels is None else labels[i]
        raise ValueError(
            f"the energy of atom {name} is unbounded below: its highest power of the moment is "
            f"{sextic[i]:g} m^6 eV/mu_B^6 and {quartic[i]:g} m^4 eV/mu_B^4, so moments would grow "
            "without limit; use a Landau term with a positive highest coefficient, or lengths=False"
        )
    loose = ~held & (sextic == 0) & (quartic == 0)
    if loose.any():
        stiffness, i = _softest(_quadratic(form, square, loose), np.flatnonzero(loose))
        if not stiffness > 0:
            raise ValueError(
                f"nothing bounds the moment of atom {i}: it has no m^4 or m^6 term, and its "
                f"quadratic energy has the curvature {2 * stiffness:g} eV/mu_B^2, which is not "
                "positive; add a models.Landau term with b > 0, or use lengths=False"
            )


def _quadratic(form, square, loose):
    """Return the matrix A of E = M.A.M for the moments of ``loose`` atoms, sparse."""
    index = np.full(form.n_atoms, -1)
    index[loose] = np.arange(np.count_nonzero(loose))
    blocks = square[loose, None, None] * np.eye(3)
    if form.quadric is not None:
        blocks = blocks + form.quadric[loose]
    first = index[np.repeat(np.arange(form.n_atoms), np.diff(form.offsets))]
    second = index[form.neighbors]
    pairs = (first >= 0) & (second >= 0)
    couplings = np.zeros((np.count_nonzero(pairs), 3, 3))
    if form.exchange is not None:
        couplings += form.exchange[pairs, None, None] * np.eye(3)
    if form.tensors is not None:
        couplings += form.tensors[pairs]
    rows = np.concatenate([np.arange(len(blocks)), first[pairs]])[:, None, None]
    columns = np.concatenate([np.arange(len(blocks)), second[pairs]])[:, None, None]
    values = np.concatenate([blocks, -0.5 * couplings])
    rows = np.broadcast_to(3 * rows + np.arange(3)[:, None], values.shape)
    columns = np.broadcast_to(3 * columns + np.arange(3), values.shape)
    size = 3 * len(blocks)
    return coo_array((values.ravel(), (rows.ravel(), columns.ravel())), (size, size)).tocsr()


def _softest(matrix, atoms):
    """Return a lower bound of the eigenvalues if that is positive, else the lowest; and its atom.

    ``atoms`` are the numbers of the atoms that own three rows each.
    """
    diagonal = matrix.diagonal()
    gershgorin = diagonal + np.abs(diagonal) - np.abs(matrix).sum(axis=1)
    if gershgorin.min() > 0:
        return gershgorin.min(), int(atoms[np.argmin(gershgorin) // 3])
    if len(diagonal) <= 300:
        values, vectors = np.linalg.eigh(matrix.toarray())
    else:
        start = np.random.default_rng(0).normal(size=len(diagonal))
        values, vectors = eigsh(matrix, k=1, which="SA", v0=start, tol=1e-6)
    return values[0], int(atoms[np.argmax(np.abs(vectors[:, 0])) // 3])
