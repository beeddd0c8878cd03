"""Build the compiled kernels: cython_kernels/*.pyx -> ase_mag._kernels.*.

Every kernel is compiled twice on x86-64: once portably and once for AVX2 + FMA (x86-64-v3).
``ase_mag._kernels`` chooses between the two at import by asking the processor, so one wheel runs
everywhere. OpenMP is used when the compiler has it; without it the kernels run on one thread.
"""

import copy
import os
import platform
import sys
import tempfile
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
}
# Cython's memoryview code, compiled once for all kernels (a sixth of the compile time).
SHARED = "ase_mag._kernels._cyutility"
X86 = platform.machine().lower() in ("x86_64", "amd64")


class BuildKernels(build_ext):
    """Choose compiler flags for the compiler that is really used."""

    def finalize_options(self):
        super().finalize_options()
        if not self.parallel:
            self.parallel = os.cpu_count()

    def accepts(self, *flags):
        """Return whether the compiler builds a program with these flags."""
        source = "#include <math.h>\nint main(void) { return (int) floor(0.5); }\n"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "probe.c")
            path.write_text(source)
            try:
                objects = self.compiler.compile(
                    [str(path)], output_dir=folder, extra_postargs=list(flags)
                )
                self.compiler.link_executable(
                    objects, str(Path(folder, "probe")), extra_postargs=list(flags)
                )
            except Exception as error:
                print(f"the C compiler refuses {' '.join(flags)}: {error}", file=sys.stderr)
                return False
        return True

    def build_extensions(self):
        openmp = next((f for f in (["-fopenmp"], ["/openmp"]) if self.accepts(*f)), [])
        if not openmp:
            print("OpenMP was not found: kernels run on one thread", file=sys.stderr)
        # No -ffast-math: results stay IEEE; contraction to FMA is only possible in the AVX2 build.
        # Without errno and traps loops with roots and choices become vectors.
        common = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math"]
        if self.compiler.compiler_type == "msvc":
            common = []
        fast = ["-march=x86-64-v3"]
        if not (X86 and self.accepts(*fast)):
            self.extensions = [e for e in self.extensions if "._avx2." not in e.name]
        for extension in self.extensions:
            extension.extra_compile_args += common + openmp
            extension.extra_link_args += openmp
            if "._avx2." in extension.name:
                extension.extra_compile_args += fast
        super().build_extensions()

    def build_extension(self, ext):
        # The two variants share one C file: without a folder of their own their objects would
        # have one name, and a parallel build could link AVX2 code into the portable module.
        command = copy.copy(self)
        command.build_temp = str(Path(self.build_temp, ext.name))
        super(BuildKernels, command).build_extension(ext)


def extensions():
    """One extension per kernel file and instruction set."""
    names = sorted(path.stem for path in Path("cython_kernels").glob("*.pyx"))
    kernels = [Extension(f"ase_mag._kernels.{n}", [f"cython_kernels/{n}.pyx"]) for n in names]
    portable = cythonize(
        [*kernels, Extension(SHARED, ["cython_kernels/_cyutility.c"])],
        shared_utility_qualified_name=SHARED,
        compiler_directives=DIRECTIVES,
        include_path=["cython_kernels"],
    )
    fast = [
        Extension(f"ase_mag._kernels._avx2.{n}", [f"cython_kernels/{n}.c"]) for n in names if X86
    ]
    return portable + fast


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildKernels})
