"""What this processor can do."""

cdef extern from *:
    """
    #if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
    static int ase_mag_has_avx2(void) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
            && __builtin_cpu_supports("bmi2");
    }
    #else
    static int ase_mag_has_avx2(void) { return 0; }
    #endif
    #if defined(_OPENMP)
    #include <omp.h>
    static int ase_mag_max_threads(void) { return omp_get_max_threads(); }
    static int ase_mag_has_openmp(void) { return 1; }
    #else
    static int ase_mag_max_threads(void) { return 1; }
    static int ase_mag_has_openmp(void) { return 0; }
    #endif
    """
    int ase_mag_has_avx2() nogil
    int ase_mag_max_threads() nogil
    int ase_mag_has_openmp() nogil


def supports_avx2():
    """Return whether AVX2, FMA and BMI2 instructions run here."""
    return bool(ase_mag_has_avx2())


def has_openmp():
    """Return whether the kernels were built with OpenMP."""
    return bool(ase_mag_has_openmp())


def max_threads():
    """Return the number of threads OpenMP would use (OMP_NUM_THREADS or the core count)."""
    return ase_mag_max_threads()
