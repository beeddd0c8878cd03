# Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11).
#
# The numbers are a pure function of (seed, atom, step, stream), so they do not depend on the
# number of threads, on the order of the loop, or on how a run was cut into pieces.

from libc.math cimport cos, log, sin, sqrt
from libc.stdint cimport uint32_t, uint64_t


cdef inline void philox(uint32_t* c, uint32_t k0, uint32_t k1) noexcept nogil:
    """Replace the counter c[0..3] by four random 32-bit words for the key (k0, k1)."""
    cdef int _turn
    cdef uint64_t p0, p1
    cdef uint32_t a, b
    for _turn in range(10):
        p0 = <uint64_t> 0xD2511F53u * c[0]
        p1 = <uint64_t> 0xCD9E8D57u * c[2]
        a = c[1]
        b = c[3]
        c[0] = (<uint32_t> (p1 >> 32)) ^ a ^ k0
        c[1] = <uint32_t> p1
        c[2] = (<uint32_t> (p0 >> 32)) ^ b ^ k1
        c[3] = <uint32_t> p0
        k0 += 0x9E3779B9u
        k1 += 0xBB67AE85u


cdef inline void normal3(
    uint64_t seed, uint64_t step, uint32_t atom, uint32_t stream, double* out,
) noexcept nogil:
    """Write three independent standard normal numbers (Box-Muller) to out[0..2]."""
    cdef uint32_t c[4]
    cdef double r0, r1, a0, a1
    cdef double unit = 1.0/4294967296.0, two_pi = 6.283185307179586
    c[0] = atom
    c[1] = stream
    c[2] = <uint32_t> step
    c[3] = <uint32_t> (step >> 32)
    philox(c, <uint32_t> seed, <uint32_t> (seed >> 32))
    # (c + 1/2)/2^32 is never 0 or 1.
    r0 = sqrt(-2.0*log((c[0] + 0.5)*unit))
    a0 = two_pi*((c[1] + 0.5)*unit)
    r1 = sqrt(-2.0*log((c[2] + 0.5)*unit))
    a1 = two_pi*((c[3] + 0.5)*unit)
    out[0] = r0*cos(a0)
    out[1] = r0*sin(a0)
    out[2] = r1*cos(a1)
