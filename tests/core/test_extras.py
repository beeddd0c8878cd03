"""Optional packages: what a user reads when one is missing."""

import sys
from pathlib import Path

import pytest

from ase_mag.core.extras import ELSEWHERE, require


def test_an_installed_module_is_returned():
    assert require("json.decoder", extra="plot") is sys.modules["json.decoder"]


def test_a_missing_module_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"matplotlib is needed .* \"ase-mag\[plot\]\""):
        require("matplotlib", extra="plot")


def test_a_missing_submodule_of_a_missing_package_names_the_package():
    with pytest.raises(ImportError, match=r"no_such_package is needed here but not installed"):
        require("no_such_package.part", extra="dask")


def test_qml_lightning_is_not_on_the_index_and_the_message_says_where_it_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "qml_lightning", None)
    with pytest.raises(
        ImportError, match=r"ase-mag\[gpu\].*git\+https://github\.com/.*qml-lightning"
    ):
        require("qml_lightning", extra="gpu")


def test_an_error_inside_an_installed_package_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import a_dependency_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_dependency_that_is_missing"):
        require("broken_package", extra="plot")


def test_packages_from_elsewhere_are_not_in_the_metadata():
    tomllib = pytest.importorskip("tomllib")
    path = Path(__file__).parents[2] / "pyproject.toml"
    if not path.exists():
        pytest.skip("the tests run without the source tree")
    extras = tomllib.loads(path.read_text())["project"]["optional-dependencies"]
    assert {"plot", "torch", "lammps", "dask", "gpu", "dev", "docs", "test"} <= set(extras)
    for name in ELSEWHERE:
        assert not any(name.replace("_", "-") in r for group in extras.values() for r in group)
