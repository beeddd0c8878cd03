"""Kernels compiled for AVX2 + FMA; see :mod:`ase_mag._kernels`."""
