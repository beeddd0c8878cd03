"""Fields, energies and the order of the moments on a perfect lattice."""

from cython.parallel cimport prange
from libc.stdint cimport uint32_t
from precession cimport LANES, Block
from crystal cimport (
    ASE_MAG_SOURCES,
    ASE_MAG_SUMS,
    Crystal,
    ase_mag_gather,
    ase_mag_halo,
    ase_mag_sources,
    ase_mag_stencil,
    ase_mag_stencil_fields,
    block_fields,
    make_crystal,
    onsite,
    take,
)

#: Largest number of groups of one basis atom or of rows in a group, and of sums held at a time.
LARGEST = (ASE_MAG_SOURCES, ASE_MAG_SUMS)


def evaluate(
    tuple crystal,
    const double[:, :, ::1] moments,
    const uint32_t[:, ::1] atoms,
    double[::1] energies,
    double[:, ::1] magforces,
    int threads,
):
    """Site energies and magforces of the atoms, in their own order."""
    cdef Crystal c = make_crystal(crystal)
    cdef Py_ssize_t row
    with nogil:
        for row in prange(c.rows, schedule="static", num_threads=threads):
            evaluate_row(&c, row, &moments[0, 0, 0], &atoms[0, 0], &energies[0], &magforces[0, 0])


cdef void evaluate_row(
    const Crystal* c, Py_ssize_t row, const double* moments, const uint32_t* atoms,
    double* energies, double* magforces,
) noexcept nogil:
    cdef ase_mag_sources sources
    cdef const ase_mag_stencil* s = &c.stencil
    cdef int b = <int> (row//(s.n1*s.n2)), piece, block, z0, z, k, length
    cdef Block m, f, whole
    cdef double x, y, w
    cdef Py_ssize_t atom
    for piece in range((s.padded + s.chunk - 1)//s.chunk):
        z0 = piece*s.chunk
        length = min(s.chunk, s.padded - z0)
        ase_mag_gather(s, moments, row, z0, length, &sources)
        for block in range(length//LANES):
            z = block*LANES
            take(moments + 3*row*s.stride + s.halo + z0 + z, s.stride, &m)
            ase_mag_stencil_fields(s, &sources, b, z, f.x, f.y, f.z)
            block_fields(c, &sources, b, z, &m, &whole)
            for k in range(min(LANES, s.n - z0 - z)):
                atom = atoms[row*s.padded + z0 + z + k]
                x = y = w = 0.0
                energies[atom] = onsite(c, b, m.x[k], m.y[k], m.z[k], &x, &y, &w) - 0.5*(
                    m.x[k]*f.x[k] + m.y[k]*f.y[k] + m.z[k]*f.z[k]
                )
                if c.field != NULL:
                    energies[atom] -= (m.x[k]*c.field[3*b] + m.y[k]*c.field[3*b + 1]
                                       + m.z[k]*c.field[3*b + 2])
                magforces[3*atom] = whole.x[k]
                magforces[3*atom + 1] = whole.y[k]
                magforces[3*atom + 2] = whole.z[k]


def pack(
    const int[::1] sizes, const double[:, ::1] vectors, const uint32_t[:, ::1] atoms,
    double[:, :, ::1] out, int threads,
):
    """Vectors (n_atoms, 3) to rows of columns, with their halos."""
    cdef ase_mag_stencil s
    cdef Py_ssize_t row, k, c
    s.n = sizes[3]
    s.halo = sizes[5]
    s.stride = sizes[6]
    with nogil:
        for row in prange(out.shape[0], schedule="static", num_threads=threads):
            for k in range(s.n):
                for c in range(3):
                    out[row, c, s.halo + k] = vectors[atoms[row, k], c]
            ase_mag_halo(&s, &out[row, 0, 0])


def unpack(
    const int[::1] sizes, const double[:, :, ::1] rows, const uint32_t[:, ::1] atoms,
    double[:, ::1] out, int threads,
):
    """Rows of columns to vectors (n_atoms, 3)."""
    cdef Py_ssize_t row, k, c, n = sizes[3], halo = sizes[5]
    with nogil:
        for row in prange(rows.shape[0], schedule="static", num_threads=threads):
            for k in range(n):
                for c in range(3):
                    out[atoms[row, k], c] = rows[row, c, halo + k]


def expand(
    const int[:, :, :, ::1] atoms,
    const int[::1] pair_offsets,
    const int[:, ::1] pairs,
    const double[::1] values,
    int[::1] neighbors,
    double[::1] exchange,
    const int[::1] offsets,
    int threads,
):
    """Write the pairs of every atom of a crystal, in the order of those of its basis atom.

    ``pairs`` (k, 4) are the neighbor's basis atom and cell (in 0 .. n - 1, relative) of the pairs
    of the unit cell, grouped by basis atom; ``offsets`` (n_atoms + 1,) is where those of the atoms
    of the structure start.
    """
    cdef Py_ssize_t b, i, j, k, p, q, n1 = atoms.shape[1], n2 = atoms.shape[2], n3 = atoms.shape[3]
    cdef Py_ssize_t plane
    with nogil:
        for plane in prange(atoms.shape[0]*n1, schedule="static", num_threads=threads):
            b = plane//n1
            i = plane % n1
            for j in range(n2):
                for k in range(n3):
                    q = offsets[atoms[b, i, j, k]]
                    for p in range(pair_offsets[b], pair_offsets[b + 1]):
                        neighbors[q] = atoms[
                            pairs[p, 0], (i + pairs[p, 1]) % n1, (j + pairs[p, 2]) % n2,
                            (k + pairs[p, 3]) % n3,
                        ]
                        exchange[q] = values[p]
                        q = q + 1
