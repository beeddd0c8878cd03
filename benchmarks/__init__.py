"""Timings of ase_mag beside its public peers, in one run: ``python -m benchmarks --help``."""
