"""A VASP for the tests: fake pseudopotentials and a fake program."""

import sys
from configparser import ConfigParser
from importlib import util
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.config import cfg

import ase_mag
from ase_mag.reference import ConstrainedVasp

FAKE = Path(__file__).with_name("fake_vasp.py")
RADII = {"Fe": 1.302, "Al": 1.402}


def _fake_vasp():
    spec = util.spec_from_file_location("fake_vasp", FAKE)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fake():
    """The fake program as a module."""
    return _fake_vasp()


@pytest.fixture(autouse=True)
def potcars(tmp_path, monkeypatch):
    """Fake POTCARs of Fe and Al in a configuration of ASE without this machine's VASP."""
    root = tmp_path / "potentials"
    for symbol, radius in RADII.items():
        folder = root / "potpaw_PBE" / symbol
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(
            f"  PAW_PBE {symbol} 06Sep2000\n   8.00000000000000\n parameters from PSCTR are:\n"
            f"   TITEL  = PAW_PBE {symbol} 06Sep2000\n   LEXCH  = PE\n   EATOM  =   594.4687 eV\n"
            f"   POMASS =   55.847; ZVAL   =    8.000    mass and valenz\n"
            f"   RWIGS  =    {radius / 0.529177:.3f}; RWIGS  =    {radius:.3f}    wigner-seitz "
            "radius (au A)\n End of Dataset\n"
        )
    for name in ("VASP_PP_PATH", "ASE_VASP_COMMAND", "VASP_COMMAND", "VASP_SCRIPT", "FAKE_VASP"):
        monkeypatch.delenv(name, raising=False)
    parser = ConfigParser()
    parser.read_dict({"environment": {"VASP_PP_PATH": str(root)}})
    monkeypatch.setattr(cfg, "parser", parser)
    return root


@pytest.fixture
def vasp(fake, tmp_path):
    """A function that returns a ConstrainedVasp whose program runs inside of this process."""

    class Inside(ConstrainedVasp):
        def execute(self, command, folder):
            with (folder / "vasp.out").open("w") as out:
                before, sys.stdout = sys.stdout, out
                try:
                    status = fake.main(folder)
                finally:
                    sys.stdout = before
            assert status == 0

    def make(**settings):
        settings = {"directory": tmp_path / "run", "command": "true"} | settings
        return Inside(xc="PBE", kpts=(2, 2, 2), encut=400.0, **settings)

    return make


@pytest.fixture
def iron():
    """Two displaced iron atoms, moments neither collinear nor of equilibrium size."""
    atoms = bulk("Fe", a=2.85, cubic=True)
    atoms.positions[1] += [0.06, 0.02, -0.04]
    ase_mag.set_moments(atoms, [[0.3, -0.2, 2.4], [1.1, 0.4, 1.5]])
    return atoms


@pytest.fixture
def mixed():
    """Fe, Al, Fe, Al in this order, all different."""
    rng = np.random.default_rng(2)
    cell = [2.9, 2.9, 5.8]
    sites = [[0, 0, 0], [0.5, 0.5, 0.25], [0, 0, 0.5], [0.5, 0.5, 0.75]]
    atoms = Atoms("FeAlFeAl", scaled_positions=sites, cell=cell, pbc=True)
    atoms.positions += rng.normal(scale=0.1, size=(4, 3))
    moments = [[0.1, 0.2, 2.23456789], [0.0, 0.0, 0.3], [1.2, -0.3, 1.87654321], [0.2, 0.1, -0.2]]
    ase_mag.set_moments(atoms, moments)
    return atoms
