"""Figures measured elsewhere, of programs that are not on the package index.

ns per atom and step, one thread of a 4.1 GHz Zen 5 machine, double precision: another machine than
the one of a run, so only the order of magnitude can be compared.
"""

#: Case -> list of (program, fastest, slowest).
PUBLISHED = {
    "LLG 50": [
        ("UppASD, semi-implicit midpoint", 148, 179),
        ("UppASD, Depondt", 196, 243),
        ("SPILADY", 3233, 4043),
    ],
    "LLG 88": [  # 96 neighbors
        ("UppASD, semi-implicit midpoint (96 neighbors)", 219, 259),
        ("UppASD, Depondt (96 neighbors)", 270, 329),
    ],
    "54 atoms": [("UppASD, 50 neighbors", 253.7, 253.7)],
    "coupled 14": [("SPILADY", 7200, 11900)],
    "coupled with Landau terms": [("SPILADY", 10500, 14900)],
}
