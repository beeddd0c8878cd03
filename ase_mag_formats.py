"""What ASE is told about the package: formats of other spin codes, calculators, the viewer.

ASE loads this module when ``ase.io`` is imported (entry points ``ase.ioformats``), and for viewers
(``ase.visualize``) and the command ``ase info --plugins`` (``ase.plugins``). It lies outside the
package, so that this neither imports it (which takes a second) nor meets a half imported
``ase.io``; readers and writers are in ``ase_mag.io.formats``, calculators in
``ase_mag.calculators.named``, loaded when they are used.
"""

from ase.calculators.calculator import external_calculators, register_calculator_class
from ase.io.formats import ExternalIOFormat
from ase.utils.plugins import ExternalViewer

_MODULE = "ase_mag.io.formats"

viewer = ExternalViewer(desc="ase gui with vector moments", module="ase_mag.gui")
uppasd = ExternalIOFormat(
    desc="UppASD input folder, by its inpsd.dat", code="1S", module=_MODULE, glob=["inpsd.dat"]
)
uppasd_moments = ExternalIOFormat(
    desc="UppASD restart and moment files, beside their inpsd.dat",
    code="+S",
    module=_MODULE,
    magic=b"#" * 80 + b"\n# File type: ",
)
lammps_spin_data = ExternalIOFormat(
    desc="LAMMPS data file, atom style spin",
    code="1S",
    module=_MODULE,
    magic_regex=rb".*?^Atoms *# *spin$",
)
lammps_spin_dump = ExternalIOFormat(
    desc="LAMMPS dump file with spins (give the format: ASE's own reader drops them)",
    code="+S",
    module=_MODULE,
)
tb2j = ExternalIOFormat(
    desc="TB2J exchange.out, the cell with its moments",
    code="1S",
    module=_MODULE,
    magic_regex=rb"=+\s+Information: .*?Exchange parameters .*?TB2J",
)
vampire = ExternalIOFormat(
    desc="VAMPIRE unit cell file, with its .mat", code="1S", module=_MODULE, ext=["ucf"]
)
ovf = ExternalIOFormat(
    desc="OVF 2.0 vector field, text (Spirit, OOMMF, mumax)",
    code="+S",
    module=_MODULE,
    ext=["ovf", "omf"],
    magic=b"# OOMMF OVF 2.0",
)
mcif = ExternalIOFormat(desc="Magnetic CIF file", code="1S", module=_MODULE, ext=["mcif"])
spirit = ExternalIOFormat(
    desc="Spirit config file (give the format: its name is free)", code="1S", module=_MODULE
)

#: Calculators of ``ase run NAME file`` with the parameter set of each; None: ``-p model=...``.
CALCULATORS = {
    "ase-mag": None,
    "ase-mag-fehl1": "FeHL-1",
    "ase-mag-fealhl1": "FeAlHL-1",
    "ase-mag-fe-mendelev2003": "Fe-Mendelev2003",
    "ase-mag-fe-dudarevderlet2005": "Fe-DudarevDerlet2005",
    "ase-mag-fe-uppasd": "Fe-UppASD",
    "ase-mag-co-uppasd": "Co-UppASD",
    "ase-mag-fe-spilady-exchange": "Fe-SPILADY-exchange",
    "ase-mag-fe-spilady-landau": "Fe-SPILADY-Landau",
    "ase-mag-fe-lammps": "Fe-LAMMPS",
    "ase-mag-soso-eq43": "SOSO-eq43",
    "ase-mag-fe-mslp-fehl1": "Fe-MSLP-FeHL1",
    "ase-mag-fe-mslp-abinit": "Fe-MSLP-ABINIT",
}


def _lazy_class(parameter_set):
    def make(cls, **parameters):
        from ase_mag.calculators.named import named_calculator

        return named_calculator(parameter_set, **parameters)

    # ASE's way to say that the calculator writes no files.
    return type("NamedMagneticCalculator", (), {"__new__": make, "nolabel": True})


for _name, _set in CALCULATORS.items():
    if _name not in external_calculators:  # the module may be reloaded
        register_calculator_class(_name, _lazy_class(_set))


def _plugins():
    from functools import partial

    from ase._4.plugins.plugin import CalculatorPlugin

    def implementation(parameter_set):
        from ase_mag.calculators.named import named_class

        return named_class(parameter_set)

    return {
        CalculatorPlugin(name, implementation=partial(implementation, parameter_set))
        for name, parameter_set in CALCULATORS.items()
    }


def __getattr__(name):
    if name.startswith(("read_", "write_")):
        # ``ase info --formats`` looks for readers and writers here.
        from ase_mag.io import formats

        return getattr(formats, name)
    if name != "__ase_plugins__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return _plugins()
    except (ImportError, TypeError):  # a preview of ASE 4, which may move
        return set()


# The name of the distribution, whose metadata ``ase info --plugins`` shows (ASE would look for a
# distribution called like this module, and fail).
__name__ = "ase_mag"
