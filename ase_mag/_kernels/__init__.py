"""The compiled kernels, chosen for this processor.

Each file of ``cython_kernels/`` is compiled portably (``ase_mag._kernels.NAME``) and, on x86-64,
for AVX2 + FMA (``ase_mag._kernels._avx2.NAME``). ``from ase_mag._kernels import NAME`` gives the
fastest variant that this processor runs. The environment variable ``ASE_MAG_KERNELS`` (``portable``
or ``avx2``) overrides the choice; results of the two agree to rounding, not bit for bit.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from ase_mag._kernels.cpu import supports_avx2

__all__ = ["instruction_set"]


def _choose():
    wanted = os.environ.get("ASE_MAG_KERNELS")
    if wanted not in (None, "", "portable", "avx2"):
        raise ImportError(
            f"ASE_MAG_KERNELS is {wanted!r}; allowed are 'portable' and 'avx2' (or unset it)"
        )
    built = find_spec("ase_mag._kernels._avx2.cpu") is not None
    if wanted == "avx2" and not (built and supports_avx2()):
        raise ImportError(
            "ASE_MAG_KERNELS is 'avx2', but "
            + ("this processor lacks AVX2 or FMA" if built else "only portable kernels were built")
            + "; unset it"
        )
    return "avx2" if wanted != "portable" and built and supports_avx2() else "portable"


#: Name of the instruction set in use, ``"avx2"`` or ``"portable"``.
instruction_set = _choose()

_package = __name__ + ("._avx2" if instruction_set == "avx2" else "")
for _module in iter_modules(__path__):
    if not _module.name.startswith("_"):
        globals()[_module.name] = import_module(f"{_package}.{_module.name}")
