# Exchange fields on a perfect lattice: a stencil that reads rows of moments, without indices.
#
# Moments are stored as columns: array[row][component][halo + k], where row = (basis atom b, cell
# i, cell j), k counts the cells along the third direction, and the halo on both sides holds
# periodic images, so that a shift along k is a shift of the address.
#
#   B_b(i, j, k) = sum_groups sum_taps J_t S_g(k + z_t)
#   S_g(k) = sum_rows M_r(i + di_r, j + dj_r, k)
#
# A group holds the rows that are coupled by one and the same function of z: these are added up
# first, so that a shell of eight rows with three couplings takes eight sums and three products.

from onsite cimport onsite_energy
from precession cimport LANES, Block

cdef extern from *:
    """
    #include <string.h>

    #define ASE_MAG_SOURCES 96
    #define ASE_MAG_SUMS 6144

    typedef struct {
        int n_basis, n1, n2, n;     /* basis atoms and cells; n along the rows */
        int padded, halo, stride;   /* n up to a multiple of 8; entries per component of a row */
        int chunk;                  /* entries whose sums are held at a time, a multiple of 8 */
        const int *groups;          /* (n_basis + 1,) first group of each basis atom */
        const int *rows;            /* (n_groups + 1,) first row of each group */
        const int *taps;            /* (n_groups + 1,) first tap of each group */
        const int *row;             /* (n_rows, 3) basis atom, di, dj */
        const int *z;               /* (n_taps,) */
        const double *exchange;     /* (n_taps,) */
        const int *wrap1, *wrap2;   /* cell i + di in 0 .. n1 - 1, at the address of i + di */
    } ase_mag_stencil;

    typedef struct {
        const double *source[ASE_MAG_SOURCES];
        long step[ASE_MAG_SOURCES]; /* from component to component */
        double sums[ASE_MAG_SUMS];
    } ase_mag_sources;

    #if defined(__GNUC__)
    typedef double ase_mag_four __attribute__((vector_size(32), aligned(8), may_alias));
    #define ASE_MAG_FOUR(p) (*(const ase_mag_four *) (p))
    #endif

    /* out[z] = sum_r start[r][shift + z], by pairs of rows; width is a multiple of 8. */
    static inline void ase_mag_sum(const double *const *start, const int count, long shift,
                                   int width, double *out) {
    #if defined(__GNUC__)
        for (int z = 0; z < width; z += 8) {
            const long at = shift + z;
            ase_mag_four a = ASE_MAG_FOUR(start[0] + at) + ASE_MAG_FOUR(start[1] + at);
            ase_mag_four b = ASE_MAG_FOUR(start[0] + at + 4) + ASE_MAG_FOUR(start[1] + at + 4);
            for (int r = 2; r < count - 1; r += 2) {
                a += ASE_MAG_FOUR(start[r] + at) + ASE_MAG_FOUR(start[r + 1] + at);
                b += ASE_MAG_FOUR(start[r] + at + 4) + ASE_MAG_FOUR(start[r + 1] + at + 4);
            }
            if (count & 1) {
                a += ASE_MAG_FOUR(start[count - 1] + at);
                b += ASE_MAG_FOUR(start[count - 1] + at + 4);
            }
            *(ase_mag_four *) (out + z) = a;
            *(ase_mag_four *) (out + z + 4) = b;
        }
    #else
        for (int z = 0; z < width; z++) {
            double a = start[0][shift + z] + start[1][shift + z];
            for (int r = 2; r < count - 1; r += 2) {
                a += start[r][shift + z] + start[r + 1][shift + z];
            }
            if (count & 1) a += start[count - 1][shift + z];
            out[z] = a;
        }
    #endif
    }

    /* Sums over the rows of each group of the row ``index``, for entries z0 .. z0 + length. */
    static inline void ase_mag_gather(const ase_mag_stencil *s, const double *moments, long index,
                                      int z0, int length, ase_mag_sources *out) {
        const int b = (int) (index/((long) s->n1*s->n2));
        const int i = (int) (index/s->n2%s->n1), j = (int) (index%s->n2);
        const int first = s->groups[b], last = s->groups[b + 1], width = length + 2*s->halo;
        double *sums = out->sums;
        for (int g = first; g < last; g++) {
            const double *start[ASE_MAG_SOURCES];
            const int count = s->rows[g + 1] - s->rows[g];
            for (int r = 0; r < count; r++) {
                const int *row = s->row + 3*(s->rows[g] + r);
                long place = ((long) row[0]*s->n1 + s->wrap1[i + row[1]])*s->n2;
                start[r] = moments + (place + s->wrap2[j + row[2]])*3*s->stride + z0;
            }
            if (count == 1) {
                out->source[g - first] = start[0] + s->halo;
                out->step[g - first] = s->stride;
                continue;
            }
            for (int c = 0; c < 3; c++) {
                const long shift = (long) c*s->stride;
                /* Shells of two, four and eight rows are common: unrolled. */
                if (count == 4) ase_mag_sum(start, 4, shift, width, sums + c*width);
                else if (count == 8) ase_mag_sum(start, 8, shift, width, sums + c*width);
                else if (count == 2) ase_mag_sum(start, 2, shift, width, sums + c*width);
                else ase_mag_sum(start, count, shift, width, sums + c*width);
            }
            out->source[g - first] = sums + s->halo;
            out->step[g - first] = width;
            sums += 3*width;
        }
    }

    /* Fields of eight moments of basis atom b, from entry z of what was gathered on. */
    static inline void ase_mag_stencil_fields(const ase_mag_stencil *s, const ase_mag_sources *from,
                                              int b, int z, double *bx, double *by, double *bz) {
        const int first = s->groups[b], last = s->groups[b + 1];
    #if defined(__GNUC__)
        ase_mag_four x0 = {0.0, 0.0, 0.0, 0.0}, x1 = x0, y0 = x0, y1 = x0, z0 = x0, z1 = x0;
        for (int g = first; g < last; g++) {
            const double *source = from->source[g - first] + z;
            const long step = from->step[g - first];
            for (int t = s->taps[g]; t < s->taps[g + 1]; t++) {
                const double *p = source + s->z[t], J = s->exchange[t];
                x0 += J*ASE_MAG_FOUR(p);
                x1 += J*ASE_MAG_FOUR(p + 4);
                y0 += J*ASE_MAG_FOUR(p + step);
                y1 += J*ASE_MAG_FOUR(p + step + 4);
                z0 += J*ASE_MAG_FOUR(p + 2*step);
                z1 += J*ASE_MAG_FOUR(p + 2*step + 4);
            }
        }
        *(ase_mag_four *) bx = x0;
        *(ase_mag_four *) (bx + 4) = x1;
        *(ase_mag_four *) by = y0;
        *(ase_mag_four *) (by + 4) = y1;
        *(ase_mag_four *) bz = z0;
        *(ase_mag_four *) (bz + 4) = z1;
    #else
        for (int k = 0; k < 8; k++) bx[k] = by[k] = bz[k] = 0.0;
        for (int g = first; g < last; g++) {
            const double *source = from->source[g - first] + z;
            const long step = from->step[g - first];
            for (int t = s->taps[g]; t < s->taps[g + 1]; t++) {
                const double *p = source + s->z[t], J = s->exchange[t];
                for (int k = 0; k < 8; k++) {
                    bx[k] += J*p[k];
                    by[k] += J*p[step + k];
                    bz[k] += J*p[2*step + k];
                }
            }
        }
    #endif
    }

    /* Copy eight numbers, by whole vectors: halves would have to be stored before they are used. */
    static inline void ase_mag_eight(const double *from, double *to) {
    #if defined(__GNUC__)
        ase_mag_four a = ASE_MAG_FOUR(from), b = ASE_MAG_FOUR(from + 4);
        *(ase_mag_four *) to = a;
        *(ase_mag_four *) (to + 4) = b;
    #else
        memcpy(to, from, 8*sizeof(double));
    #endif
    }

    /* Periodic images on both sides of a row, three components. */
    static inline void ase_mag_halo(const ase_mag_stencil *s, double *row) {
        for (int c = 0; c < 3; c++, row += s->stride) {
            double *inside = row + s->halo;
            const int after = s->stride - s->halo - s->n;
            if (s->n >= s->halo && s->n >= after) {
                memcpy(row, inside + s->n - s->halo, s->halo*sizeof(double));
                memcpy(inside + s->n, inside, after*sizeof(double));
            } else {
                for (int k = 0; k < s->halo; k++) inside[-1 - k] = inside[s->n - 1 - k%s->n];
                for (int k = 0; k < after; k++) inside[s->n + k] = inside[k%s->n];
            }
        }
    }
    """
    enum: ASE_MAG_SOURCES
    enum: ASE_MAG_SUMS

    ctypedef struct ase_mag_stencil:
        int n_basis, n1, n2, n, padded, halo, stride, chunk
        const int* groups
        const int* rows
        const int* taps
        const int* row
        const int* z
        const double* exchange
        const int* wrap1
        const int* wrap2

    ctypedef struct ase_mag_sources:
        const double* source[96]

    void ase_mag_gather(
        const ase_mag_stencil* s, const double* moments, long index, int z0, int length,
        ase_mag_sources* out
    ) noexcept nogil
    void ase_mag_stencil_fields(
        const ase_mag_stencil* s, const ase_mag_sources* source, int b, int z,
        double* bx, double* by, double* bz
    ) noexcept nogil
    void ase_mag_eight(const double* from_, double* to) noexcept nogil
    void ase_mag_halo(const ase_mag_stencil* s, double* row) noexcept nogil


cdef struct Crystal:
    # The stencil and the on-site terms of each basis atom (NULL where a term is absent).
    ase_mag_stencil stencil
    Py_ssize_t rows             # of the moments: basis atoms times cells across
    const double* field         # (n_basis, 3)
    const double* landau        # (n_basis, 3)
    const double* quadric       # (n_basis, 9)
    const double* cubic         # (n_basis, 2)
    const double* axes          # (n_basis, 9)


cdef inline Crystal make_crystal(tuple arrays) except *:
    """Gather the arrays of ase_mag.core.LatticeForm (None where a term is absent)."""
    cdef const int[::1] sizes = arrays[0], groups = arrays[1], rows = arrays[2], taps = arrays[3]
    cdef const int[:, ::1] row = arrays[4]
    cdef const int[::1] z = arrays[5], wrap1 = arrays[7], wrap2 = arrays[8]
    cdef const double[::1] exchange = arrays[6]
    cdef const double[:, ::1] field = arrays[9], landau = arrays[10], cubic = arrays[12]
    cdef const double[:, :, ::1] quadric = arrays[11], axes = arrays[13]
    cdef Crystal c
    c.stencil.n_basis = sizes[0]
    c.stencil.n1 = sizes[1]
    c.stencil.n2 = sizes[2]
    c.stencil.n = sizes[3]
    c.stencil.padded = sizes[4]
    c.stencil.halo = sizes[5]
    c.stencil.stride = sizes[6]
    c.stencil.chunk = sizes[7]
    c.stencil.groups = &groups[0]
    c.stencil.rows = &rows[0]
    c.stencil.taps = &taps[0]
    c.stencil.row = &row[0, 0]
    c.stencil.z = &z[0]
    c.stencil.exchange = &exchange[0]
    c.stencil.wrap1 = &wrap1[(wrap1.shape[0] - sizes[1])//2]
    c.stencil.wrap2 = &wrap2[(wrap2.shape[0] - sizes[2])//2]
    c.rows = <Py_ssize_t> sizes[0]*sizes[1]*sizes[2]
    c.field = NULL if field is None else &field[0, 0]
    c.landau = NULL if landau is None else &landau[0, 0]
    c.quadric = NULL if quadric is None else &quadric[0, 0, 0]
    c.cubic = NULL if cubic is None else &cubic[0, 0]
    c.axes = NULL if axes is None else &axes[0, 0, 0]
    return c


cdef inline double onsite(
    const Crystal* c, int b, double x, double y, double z, double* gx, double* gy, double* gz,
) noexcept nogil:
    """On-site energy of a moment of basis atom b; its gradient is added to gx, gy, gz."""
    return onsite_energy(
        NULL if c.landau == NULL else c.landau + 3*b,
        NULL if c.quadric == NULL else c.quadric + 9*b,
        NULL if c.cubic == NULL else c.cubic + 2*b,
        NULL if c.axes == NULL else c.axes + 9*b,
        x, y, z, gx, gy, gz,
    )


cdef inline void block_fields(
    const Crystal* crystal, const ase_mag_sources* sources, int b, int z, const Block* m, Block* f,
) noexcept nogil:
    """Fields -dE/dM of eight moments m of basis atom b."""
    cdef int k
    cdef double gx, gy, gz
    ase_mag_stencil_fields(&crystal.stencil, sources, b, z, f.x, f.y, f.z)
    if crystal.field != NULL:
        for k in range(LANES):
            f.x[k] += crystal.field[3*b]
            f.y[k] += crystal.field[3*b + 1]
            f.z[k] += crystal.field[3*b + 2]
    if crystal.landau != NULL or crystal.quadric != NULL or crystal.cubic != NULL:
        for k in range(LANES):
            gx = gy = gz = 0.0
            onsite(crystal, b, m.x[k], m.y[k], m.z[k], &gx, &gy, &gz)
            f.x[k] -= gx
            f.y[k] -= gy
            f.z[k] -= gz


cdef inline void take(const double* row, long step, Block* v) noexcept nogil:
    """Eight vectors from a row of columns."""
    ase_mag_eight(row, v.x)
    ase_mag_eight(row + step, v.y)
    ase_mag_eight(row + 2*step, v.z)


cdef inline void put(const Block* v, long step, double* row) noexcept nogil:
    """Eight vectors to a row of columns."""
    ase_mag_eight(v.x, row)
    ase_mag_eight(v.y, row + step)
    ase_mag_eight(v.z, row + 2*step)
