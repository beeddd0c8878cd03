"""Search of neighbor pairs in bins, with all periodic images.

Atoms are given in the order of their bins, which are numbered with the last direction fastest.
Pairs are found twice, first to be counted and then to be listed: no array is larger than the list.
"""

from cython.parallel cimport prange, threadid

cdef extern from *:
    """
    #include <math.h>

    typedef struct {
        const double *x, *y, *z;        /* wrapped coordinates */
        const int *order, *bins, *starts, *wraps;
        const double *box;
        int n[3], reach[3], periodic[3], low[3], extent[3];
        double limit;
    } ase_mag_search;

    static inline int ase_mag_floor_div(int a, int n) {
        return a >= 0 ? a/n : -((n - 1 - a)/n);
    }

    /* Neighbors of the atom in place k: their number and, unless ``keys`` is NULL, their atoms
       times 2^32 plus the codes of their cell translations, in ascending order. */
    static long ase_mag_row(const ase_mag_search *s, long k, long long *keys) {
        const int *n = s->n;
        int bin = s->bins[k], home[3] = {bin/(n[1]*n[2]), bin/n[2]%n[1], bin%n[2]};
        double x = s->x[k], y = s->y[k], z = s->z[k], d2[32];
        long found = 0;
        for (int a = home[0] - s->reach[0]; a <= home[0] + s->reach[0]; a++) {
            int ta = ase_mag_floor_div(a, n[0]);
            if (ta && !s->periodic[0]) continue;
            for (int b = home[1] - s->reach[1]; b <= home[1] + s->reach[1]; b++) {
                int tb = ase_mag_floor_div(b, n[1]), end = home[2] + s->reach[2], next;
                if (tb && !s->periodic[1]) continue;
                int plane = ((a - ta*n[0])*n[1] + b - tb*n[1])*n[2];
                for (int c = home[2] - s->reach[2]; c <= end; c = next) {
                    int tc = ase_mag_floor_div(c, n[2]);
                    next = (tc + 1)*n[2] <= end ? (tc + 1)*n[2] : end + 1;
                    if (tc && !s->periodic[2]) continue;
                    double u = ta*s->box[0] + tb*s->box[3] + tc*s->box[6];
                    double v = ta*s->box[1] + tb*s->box[4] + tc*s->box[7];
                    double w = ta*s->box[2] + tb*s->box[5] + tc*s->box[8];
                    long q = s->starts[plane + c - tc*n[2]];
                    long last = s->starts[plane + next - tc*n[2]];
                    int here = !(ta || tb || tc);
                    for (; q < last; q += 32) {
                        long m = last - q < 32 ? last - q : 32;
                        for (long l = 0; l < m; l++) {
                            /* The opposite pair has exactly the opposite vector. */
                            double dx = (s->x[q + l] - x) + u;
                            double dy = (s->y[q + l] - y) + v;
                            double dz = (s->z[q + l] - z) + w;
                            d2[l] = dx*dx + dy*dy + dz*dz;
                        }
                        if (here && k >= q && k < q + m) d2[k - q] = INFINITY;
                        if (!keys) {
                            for (long l = 0; l < m; l++) found += d2[l] < s->limit;
                            continue;
                        }
                        for (long l = 0; l < m; l++) {
                            if (!(d2[l] < s->limit)) continue;
                            const int *wi = s->wraps + 3*k, *wj = s->wraps + 3*(q + l);
                            long code = ta + wi[0] - wj[0] - s->low[0];
                            code = code*s->extent[1] + tb + wi[1] - wj[1] - s->low[1];
                            code = code*s->extent[2] + tc + wi[2] - wj[2] - s->low[2];
                            keys[found++] = ((long long) s->order[q + l] << 32) | code;
                        }
                    }
                }
            }
        }
        if (keys) {
            static const int gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
            for (int g = 0; g < 9; g++) {
                for (long i = gaps[g]; i < found; i++) {
                    long long key = keys[i];
                    long j = i;
                    for (; j >= gaps[g] && keys[j - gaps[g]] > key; j -= gaps[g])
                        keys[j] = keys[j - gaps[g]];
                    keys[j] = key;
                }
            }
        }
        return found;
    }
    """
    ctypedef struct Search "ase_mag_search":
        const double* x
        const double* y
        const double* z
        const int* order
        const int* bins
        const int* starts
        const int* wraps
        const double* box
        int n[3]
        int reach[3]
        int periodic[3]
        int low[3]
        int extent[3]
        double limit
    long ase_mag_row(const Search* s, long k, long long* keys) noexcept nogil


cdef Search make_search(
    const double[:, ::1] wrapped,
    const int[::1] order,
    const int[::1] bins,
    const int[::1] starts,
    const int[:, ::1] wraps,
    const double[:, ::1] box,
    const int[:, ::1] grid,
    double cutoff,
) noexcept:
    cdef Search s
    cdef int c
    s.x = &wrapped[0, 0]
    s.y = &wrapped[1, 0]
    s.z = &wrapped[2, 0]
    s.order = &order[0]
    s.bins = &bins[0]
    s.starts = &starts[0]
    s.wraps = &wraps[0, 0]
    s.box = &box[0, 0]
    for c in range(3):
        s.n[c] = grid[0, c]
        s.reach[c] = grid[1, c]
        s.periodic[c] = grid[2, c]
        s.low[c] = grid[3, c]
        s.extent[c] = grid[4, c]
    s.limit = cutoff*cutoff
    return s


def count(
    const double[:, ::1] wrapped,
    const int[::1] order,
    const int[::1] bins,
    const int[::1] starts,
    const int[:, ::1] wraps,
    const double[:, ::1] box,
    const int[:, ::1] grid,
    double cutoff,
    int[::1] counts,
    int threads,
):
    """Numbers of neighbors of all atoms.

    ``wrapped`` are three rows x, y, z in the order of the bins, ``order`` the atoms in that order,
    ``bins`` their bins, ``starts`` the first place of every bin (and the number of atoms),
    ``wraps`` the cells out of which they were wrapped; ``grid`` has the rows number of bins, reach
    in bins, periodic or not, lowest cell translation, and number of cell translations.
    """
    cdef Search s = make_search(wrapped, order, bins, starts, wraps, box, grid, cutoff)
    cdef Py_ssize_t k
    with nogil:
        for k in prange(order.shape[0], schedule="static", num_threads=threads):
            counts[s.order[k]] = <int> ase_mag_row(&s, k, NULL)


def fill(
    const double[:, ::1] wrapped,
    const int[::1] order,
    const int[::1] bins,
    const int[::1] starts,
    const int[:, ::1] wraps,
    const double[:, ::1] box,
    const int[:, ::1] grid,
    double cutoff,
    const int[::1] offsets,
    long long[:, ::1] keys,
    int[::1] neighbors,
    int[::1] translation,
    int threads,
):
    """Neighbors of all atoms, sorted, and codes of their cell translations.

    The code of a translation t is ((t_0 - low_0) extent_1 + t_1 - low_1) extent_2 + t_2 - low_2.
    ``keys`` has one row for each thread, as long as the longest list.
    """
    cdef Search s = make_search(wrapped, order, bins, starts, wraps, box, grid, cutoff)
    cdef Py_ssize_t k, p, n, first
    cdef long long* row
    with nogil:
        for k in prange(order.shape[0], schedule="static", num_threads=threads):
            row = &keys[threadid(), 0]
            n = ase_mag_row(&s, k, row)
            first = offsets[s.order[k]]
            for p in range(n):
                neighbors[first + p] = <int> (row[p] >> 32)
                translation[first + p] = <int> (row[p] & 0x7fffffff)


def renumber(int[::1] codes, int[::1] rows, int threads):
    """Replace codes, in place, by their rank among those that occur.

    ``rows`` has an entry for every possible code; it becomes their rank, or -1.
    """
    cdef Py_ssize_t p, next = 0
    with nogil:
        for p in range(rows.shape[0]):
            rows[p] = -1
        for p in range(codes.shape[0]):
            rows[codes[p]] = 0
        for p in range(rows.shape[0]):
            if rows[p] == 0:
                rows[p] = <int> next
                next += 1
        for p in prange(codes.shape[0], schedule="static", num_threads=threads):
            codes[p] = rows[codes[p]]
