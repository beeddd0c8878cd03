"""Landau-Lifshitz-Gilbert dynamics on a perfect lattice, many steps in one call."""

from cython.parallel cimport prange
from crystal cimport (
    Crystal,
    ase_mag_gather,
    ase_mag_halo,
    ase_mag_sources,
    ase_mag_stencil,
    block_fields,
    make_crystal,
    put,
    take,
)
from libc.math cimport fabs
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from philox cimport ase_mag_normal_columns
from precession cimport (
    LANES,
    MIDPOINT,
    Block,
    block_axis,
    correct,
    predict,
)


cdef enum:
    CACHED = 300_000      # entries of moments above which both stages go through them together


cdef struct Run:
    # What all steps of one call share.
    Crystal crystal
    int scheme
    double dt
    const double* rate          # gamma/(1 + alpha^2)
    const double* ratio         # alpha/|M|
    const double* deviation     # of the noise in B
    bint uniform                # these three are (n_basis, 8) instead of (rows, padded)
    bint noisy
    uint64_t seed
    uint32_t stream
    const uint32_t* atoms       # (rows, padded)
    bint iterated               # the corrector is repeated
    double* moments             # at the start of the step
    double* trial               # at its end, so far (the moments themselves, unless iterated)
    double* point               # where the corrector takes the fields
    double* first               # axes at the start of the step
    double* noise


cdef void first_stage(const Run* r, Py_ssize_t row, uint64_t step) noexcept nogil:
    """Predictor of one row of moments."""
    cdef ase_mag_sources sources
    cdef const ase_mag_stencil* s = &r.crystal.stencil
    cdef int b = <int> (row//(s.n1*s.n2)), piece, block, z0, z, k, length
    cdef Py_ssize_t origin = 3*row*s.stride + s.halo, place, site
    cdef Block now, f, a, new, noise
    for piece in range((s.padded + s.chunk - 1)//s.chunk):
        z0 = piece*s.chunk
        length = min(s.chunk, s.padded - z0)
        ase_mag_gather(s, r.moments, row, z0, length, &sources)
        for block in range(length//LANES):
            z = block*LANES
            place = origin + z0 + z
            site = LANES*b if r.uniform else row*s.padded + z0 + z
            take(r.moments + place, s.stride, &now)
            block_fields(&r.crystal, &sources, b, z, &now, &f)
            if r.noisy:
                ase_mag_normal_columns(
                    r.seed, step, r.stream, r.atoms + row*s.padded + z0 + z,
                    noise.x, noise.y, noise.z,
                )
                for k in range(LANES):
                    noise.x[k] *= r.deviation[site + k]
                    noise.y[k] *= r.deviation[site + k]
                    noise.z[k] *= r.deviation[site + k]
                    f.x[k] += noise.x[k]
                    f.y[k] += noise.y[k]
                    f.z[k] += noise.z[k]
                put(&noise, s.stride, r.noise + place)
            block_axis(&now, &f, r.rate + site, r.ratio + site, &a)
            predict(r.scheme, &now, &a, r.dt, &new)
            if r.iterated:
                put(&new, s.stride, r.trial + place)
            if r.scheme == MIDPOINT:
                for k in range(LANES):
                    new.x[k] = 0.5*(now.x[k] + new.x[k])
                    new.y[k] = 0.5*(now.y[k] + new.y[k])
                    new.z[k] = 0.5*(now.z[k] + new.z[k])
            else:
                put(&a, s.stride, r.first + place)
            put(&new, s.stride, r.point + place)
    ase_mag_halo(s, r.point + 3*row*s.stride)


cdef double second_stage(const Run* r, Py_ssize_t row) noexcept nogil:
    """Corrector of one row of moments; returns the largest change, if iterated."""
    cdef ase_mag_sources sources
    cdef const ase_mag_stencil* s = &r.crystal.stencil
    cdef int b = <int> (row//(s.n1*s.n2)), piece, block, z0, z, k, length
    cdef Py_ssize_t origin = 3*row*s.stride + s.halo, place, site
    cdef Block now, at, start, f, a, new, noise
    cdef double worst = 0.0
    for piece in range((s.padded + s.chunk - 1)//s.chunk):
        z0 = piece*s.chunk
        length = min(s.chunk, s.padded - z0)
        ase_mag_gather(s, r.point, row, z0, length, &sources)
        for block in range(length//LANES):
            z = block*LANES
            place = origin + z0 + z
            site = LANES*b if r.uniform else row*s.padded + z0 + z
            take(r.moments + place, s.stride, &now)
            take(r.point + place, s.stride, &at)
            if r.scheme != MIDPOINT:
                take(r.first + place, s.stride, &start)
            block_fields(&r.crystal, &sources, b, z, &at, &f)
            if r.noisy:
                take(r.noise + place, s.stride, &noise)
                for k in range(LANES):
                    f.x[k] += noise.x[k]
                    f.y[k] += noise.y[k]
                    f.z[k] += noise.z[k]
            block_axis(&at, &f, r.rate + site, r.ratio + site, &a)
            correct(r.scheme, &now, &start, &a, &at, r.dt, &new)
            if r.iterated:
                take(r.trial + place, s.stride, &at)
                for k in range(min(LANES, s.n - z0 - z)):
                    worst = max(worst, fabs(new.x[k] - at.x[k]))
                    worst = max(worst, fabs(new.y[k] - at.y[k]))
                    worst = max(worst, fabs(new.z[k] - at.z[k]))
            put(&new, s.stride, r.trial + place)
    ase_mag_halo(s, r.trial + 3*row*s.stride)
    return worst


cdef void first_stages(const Run* r, uint64_t step, int threads) noexcept nogil:
    cdef Py_ssize_t row
    if threads > 1:
        for row in prange(r.crystal.rows, schedule="static", num_threads=threads):
            first_stage(r, row, step)
    else:
        for row in range(r.crystal.rows):
            first_stage(r, row, step)


cdef void second_stages(const Run* r, double* change, int threads) noexcept nogil:
    cdef Py_ssize_t row
    if threads > 1:
        for row in prange(r.crystal.rows, schedule="static", num_threads=threads):
            change[row] = second_stage(r, row)
    else:
        for row in range(r.crystal.rows):
            change[row] = second_stage(r, row)


cdef void plane(
    const Run* r, Py_ssize_t i, bint corrector, uint64_t step, double* change, int threads,
) noexcept nogil:
    """One stage of the rows in plane i of cells."""
    cdef const ase_mag_stencil* s = &r.crystal.stencil
    cdef Py_ssize_t k, row
    for k in prange(s.n_basis*s.n2, schedule="static", num_threads=threads):
        row = (k//s.n2*s.n1 + i)*s.n2 + k % s.n2
        if corrector:
            change[row] = second_stage(r, row)
        else:
            first_stage(r, row, step)


cdef void wave(
    const Run* r, Py_ssize_t reach, uint64_t step, double* change, int threads,
) noexcept nogil:
    """Both stages of all rows, the corrector some planes behind the predictor.

    What a plane needs is then still in the cache. The corrector of plane i takes the points of
    i - reach .. i + reach, and overwrites moments that the predictor of i + reach was the last to
    need; the first planes, which the last ones need, come at the end.
    """
    cdef Py_ssize_t i, n = r.crystal.stencil.n1
    for i in range(n):
        plane(r, i, False, step, change, threads)
        if i >= 2*reach:
            plane(r, i - reach, True, step, change, threads)
    for i in range(n, n + 2*reach):
        plane(r, (i - reach) % n, True, step, change, threads)


def advance(
    tuple crystal,
    double[:, :, ::1] moments,
    const uint32_t[:, ::1] atoms,
    const double[:, ::1] rate,
    const double[:, ::1] ratio,
    const double[:, ::1] deviation,
    bint noisy,
    int scheme,
    int iterations,
    double tolerance,
    double dt,
    uint64_t seed,
    uint64_t first_step,
    uint32_t stream,
    Py_ssize_t n_steps,
    double[:, :, ::1] trial,
    double[:, :, ::1] point,
    double[:, :, ::1] first,
    double[:, :, ::1] noise,
    double[::1] change,
    int threads,
):
    """Advance ``moments`` in place by ``n_steps`` steps; see ``llg.advance``.

    ``crystal`` holds the arguments of ``make_crystal``. Moments and the scratch arrays after
    ``n_steps`` are (rows, 3, stride); ``trial``, ``first`` and ``noise`` may have no rows where
    they are not needed. ``rate``, ``ratio`` and ``deviation`` are (rows, padded), or (n_basis, 8)
    where they are the same for all cells. ``atoms`` (rows, padded) are the numbers of the atoms,
    to which the noise belongs. Returns the number of steps that did not converge.
    """
    cdef Run r
    cdef Py_ssize_t s, k, i, total = moments.shape[0]*moments.shape[1]*moments.shape[2]
    cdef Py_ssize_t failed = 0
    cdef int _turn
    cdef double worst = 0.0
    cdef double* swap
    cdef Py_ssize_t reach
    cdef bint waves
    r.crystal = make_crystal(crystal)
    r.scheme = scheme
    r.dt = dt
    r.rate = &rate[0, 0]
    r.ratio = &ratio[0, 0]
    r.deviation = &deviation[0, 0]
    r.uniform = rate.shape[0] != moments.shape[0]
    r.noisy = noisy
    r.seed = seed
    r.stream = stream
    r.atoms = &atoms[0, 0]
    r.moments = &moments[0, 0, 0]
    r.iterated = iterations > 1
    r.trial = &trial[0, 0, 0] if r.iterated else r.moments
    r.point = &point[0, 0, 0]
    r.first = NULL if scheme == MIDPOINT else &first[0, 0, 0]
    r.noise = &noise[0, 0, 0] if noisy else NULL
    reach = (len(crystal[7]) - r.crystal.stencil.n1)//2
    waves = total > CACHED and not r.iterated and r.crystal.stencil.n1 > 2*reach
    with nogil:
        for s in range(n_steps):
            if waves:
                wave(&r, reach, first_step + s, &change[0], threads)
                continue
            first_stages(&r, first_step + s, threads)
            for _turn in range(iterations):
                second_stages(&r, &change[0], threads)
                if not r.iterated:
                    break
                worst = 0.0
                for k in range(r.crystal.rows):
                    worst = max(worst, change[k])
                if worst <= tolerance:
                    break
                for i in range(total):
                    r.point[i] = 0.5*(r.moments[i] + r.trial[i])
            if worst > tolerance:
                failed += 1
            swap = r.moments
            r.moments = r.trial
            r.trial = swap
        if r.moments != &moments[0, 0, 0]:
            memcpy(&moments[0, 0, 0], r.moments, total*sizeof(double))
    return failed
