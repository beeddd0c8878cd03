"""Physical constants and the only unit conversions of the package.

Inside ``ase_mag`` everything is in eV, angstrom, amu, ASE time (``ase.units.fs``), K and mu_B.
ASE has no Bohr magneton and no gyromagnetic ratio; they are defined here.

The constants are CODATA 2018 values (exact where the SI fixes them); ``kB`` agrees with
``ase.units.kB`` to 4e-7 relative (ASE 3.29 defaults to CODATA 2014).
"""

from ase import units as _ase

#: Boltzmann constant, eV/K.
kB = 8.617333262e-5
#: Electron g-factor (absolute value).
g_electron = 2.00231930436256
#: Bohr magneton, eV/T.
mu_B = 5.7883818060e-5
#: Reduced Planck constant, eV s.
hbar_eV_s = 6.582119569e-16
#: Rydberg energy, eV.
Ry = 13.605693123
#: One tesla as a magnetic force -dE/dM, eV/mu_B (1 eV/mu_B = 17276 T).
tesla = mu_B
#: Gyromagnetic ratio g mu_B / hbar, rad/(s T).
gamma_SI = g_electron * mu_B / hbar_eV_s
#: Gyromagnetic ratio g / hbar for fields in eV/mu_B, rad/(ASE time eV/mu_B).
gamma = g_electron / (hbar_eV_s * _ase.s)

#: Energy units a user may name, in eV.
ENERGY = {
    "eV": 1.0,
    "meV": 1e-3,
    "Ry": Ry,
    "mRy": 1e-3 * Ry,
    "Ha": 2.0 * Ry,
    "J": 1.0 / 1.602176634e-19,
    "K": kB,
}


def energy_unit(name):
    """Return the energy unit called ``name`` in eV.

    Raises
    ------
    ValueError
        For a name that is not in :data:`ENERGY`.
    """
    try:
        return ENERGY[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"energy unit {name!r} is unknown; use one of {', '.join(sorted(ENERGY))}"
        ) from None


#: Exchange conventions: name -> (pair energy in units of J, what J multiplies).
#: The pair energy of two parallel moments is -factor * J * (unit vectors or moments or spins).
CONVENTIONS = {
    "inside": (1.0, "moments"),  # -1/2 sum_ij J M_i.M_j, both orders
    "UppASD": (2.0, "unit vectors"),  # -sum_{i!=j} J e_i.e_j, both orders
    "TB2J": (2.0, "unit vectors"),
    "LAMMPS": (2.0, "unit vectors"),
    "SPILADY": (1.0, "spins"),  # -1/2 sum_ij J S_i.S_j, S = -M/(g mu_B)
    "MSLP": (1.0, "moments"),
}


def exchange_factor(convention, unit="eV", moments=None):
    """Return x such that J_inside = x J, for E = -1/2 sum_ij J_inside M_i.M_j (eV/mu_B^2).

    Parameters
    ----------
    convention : str
        A key of :data:`CONVENTIONS`. ``"UppASD"``, ``"TB2J"`` and ``"LAMMPS"`` mean
        H = -sum_{i!=j} J e_i.e_j with unit vectors, both orders counted, so that
        J_inside = 2 J / (m_i m_j); ``"SPILADY"`` means H = -1/2 sum_ij J S_i.S_j with
        S = -M/(g mu_B), so that J_inside = J / g^2; ``"inside"`` and ``"MSLP"`` mean J_inside = J.
    unit : str
        Energy unit of J, see :func:`energy_unit`.
    moments : tuple of two float, optional
        Moment sizes (m_i, m_j) in mu_B that the unit vectors stand for.

    Raises
    ------
    ValueError
        For an unknown convention or unit, for missing or non-positive ``moments`` with a
        unit-vector convention, and for ``moments`` given where they mean nothing.
    """
    if convention not in CONVENTIONS:
        raise ValueError(
            f"exchange convention {convention!r} is unknown; use one of "
            f"{', '.join(sorted(CONVENTIONS))}"
        )
    factor, variable = CONVENTIONS[convention]
    factor *= energy_unit(unit)
    if variable == "unit vectors":
        if moments is None:
            raise ValueError(
                f"convention {convention!r} has unit vectors in its Hamiltonian: give the moment "
                "size in mu_B that they stand for (moment=...)"
            )
        if not (moments[0] > 0 and moments[1] > 0):
            raise ValueError(f"moment sizes must be positive, got {moments} mu_B")
        return factor / (moments[0] * moments[1])
    if moments is not None:
        raise ValueError(
            f"convention {convention!r} has {variable} in its Hamiltonian, so moment={moments} "
            "would have no effect: leave it out, or choose 'UppASD', 'TB2J' or 'LAMMPS'"
        )
    return factor / g_electron**2 if variable == "spins" else factor
