"""Settings of ABINIT that a user chooses: checked when the calculator is made."""

from collections.abc import Mapping

import numpy as np

#: Keywords that the calculator writes itself; the value names the option to use instead.
OWNED = {
    "natom": "the atoms",
    "ntypat": "the atoms",
    "typat": "the atoms",
    "znucl": "the atoms",
    "acell": "the atoms",
    "rprim": "the atoms",
    "angdeg": "the atoms",
    "scalecart": "the atoms",
    "xred": "the atoms",
    "xcart": "the atoms",
    "xangst": "the atoms",
    "spinat": "the moments of the atoms",
    "constraint_kind": "constraint",
    "magconon": "constraint",
    "magcon_lambda": "magcon_lambda",
    "nsppol": "noncollinear",
    "nspden": "noncollinear",
    "nspinor": "noncollinear",
    "pawspnorb": "nothing (spin-orbit coupling would break the turning of the spin frame)",
    "ecut": "ecut",
    "pawecutdg": "pawecutdg",
    "occopt": "smearing",
    "tsmear": "smearing",
    "ngkpt": "kpts",
    "kptrlatt": "kpts",
    "kptopt": "kpts",
    "nshiftk": "kpts",
    "shiftk": "kpts",
    "kpt": "kpts",
    "nkpt": "kpts",
    "ratsph": "sphere_radius",
    "ratsm": "nothing (its default; with 0.4 bohr dE/dm is 19 % wrong)",
    "nstep": "max_iterations",
    "tolvrs": "tolerance",
    "toldfe": "tolerance",
    "toldff": "tolerance",
    "tolrff": "tolerance",
    "tolwfr": "tolerance",
    "pseudos": "pseudopotentials",
    "pp_dirpath": "pseudopotentials",
    "getden_filepath": "reuse_density",
    "irdden": "reuse_density",
    "nsym": "nothing (symmetries fight the constraint)",
    "ndtset": "nothing (one calculation per run)",
}

#: Kinds of smearing and their occopt.
SMEARING = {"fermi-dirac": 3, "cold": 4, "methfessel-paxton": 6, "gaussian": 7}


def check_settings(settings):
    """Raise ValueError or TypeError for settings that cannot be; see ConstrainedAbinit."""
    for name in ("ecut", "pawecutdg", "tolerance", "magcon_lambda", "max_iterations"):
        value = settings[name]
        if isinstance(value, bool) or not np.isreal(value) or not value > 0:
            raise ValueError(f"{name} must be a positive number, got {value!r}")
    if settings["pawecutdg"] < settings["ecut"]:
        raise ValueError(
            f"pawecutdg is {settings['pawecutdg']:g} eV, less than ecut "
            f"({settings['ecut']:g} eV): the fine grid must not be coarser (2.5 x ecut is usual)"
        )
    kpts = settings["kpts"]
    if np.shape(kpts) != (3,) or not all(int(k) == k and k > 0 for k in kpts):
        raise ValueError(f"kpts must be three positive integers, e.g. (4, 4, 4), got {kpts!r}")
    smearing = settings["smearing"]
    if len(smearing) != 2 or smearing[0] not in SMEARING or not smearing[1] > 0:
        raise ValueError(
            f"smearing must be (kind, width in eV) with a kind of {', '.join(SMEARING)}, "
            f"got {smearing!r}"
        )
    extra = settings["extra"]
    if not isinstance(extra, Mapping):
        raise TypeError(f"extra must be a dict of ABINIT keywords, got {extra!r}")
    for name in extra:
        if name.lower() in OWNED:
            raise ValueError(
                f"the keyword {name} is written by the calculator: use {OWNED[name.lower()]} "
                "instead of extra"
            )


def sphere_radii(given, pseudopotentials):
    """Return a dict symbol -> radius (angstrom) of the spheres that moments are integrated in.

    Parameters
    ----------
    given : None, float or dict symbol -> float, angstrom
        None (or species that are missing): the PAW radius, rounded up to 0.1 bohr.
    pseudopotentials : dict symbol -> Pseudopotential.

    Raises
    ------
    ValueError
        For a radius below the PAW radius of the pseudopotential.
    """
    from ase.units import Bohr

    radii = {}
    for symbol, pseudopotential in pseudopotentials.items():
        smallest = pseudopotential.radius
        radius = given.get(symbol) if isinstance(given, Mapping) else given
        if radius is None:
            radius = np.ceil(10 * smallest / Bohr) / 10 * Bohr
        if radius < smallest:
            raise ValueError(
                f"the sphere of {symbol} (ratsph) has a radius of {radius:.4f} angstrom "
                f"({radius / Bohr:.4f} bohr), less than the PAW radius {smallest:.4f} angstrom "
                f"({smallest / Bohr:.4f} bohr) of {pseudopotential.path.name}: use at least that"
            )
        radii[symbol] = float(radius)
    return radii
