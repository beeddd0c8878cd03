"""Recorded inputs of UppASD: energies from their constants."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import ase_mag
from ase_mag import io, units
from ase_mag.core import get_moments

from .samples import energy

RECORDED = Path(__file__).parents[4] / "shared/data/uppasd_inputs"
needs_recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded inputs are not here")


#: Folder, energy of the ferromagnet along z (mRy per atom), from the listed constants by hand.
FERROMAGNETS = [
    ("tests/HeisChain", -2 * 2.5),
    ("tests/HeisChainAF", -(2 * 0.6 + 2 * 0.2 - 4 * 0.4) / 2),
    ("tests/HeisStripe", -0.5 * (2 + 2 * 9 / 10)),
    ("tests/bccFe/inpsd.dat.base", -12.409800658518272),
    ("tests/Solvers/inpsd.dat.base", -1.0),
    (
        "examples/SimpleSystems/fccCo",
        -(12 * 0.918607 + 6 * 0.069227 + 24 * 0.106665 - 12 * 0.095576 + 24 * 0.029369),
    ),
    ("examples/SimpleSystems/SingleSpin/BASE", -0.001),
    ("examples/PhaseDiagrams/bccFe-Tsweep/Base", -12.409800658518272),
]


@needs_recorded
@pytest.mark.parametrize(("name", "expected"), FERROMAGNETS)
def test_recorded_folders(name, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # templates
        atoms, model, _ = io.read_uppasd(RECORDED / name)
    ase_mag.set_moments(atoms, np.linalg.norm(get_moments(atoms), axis=1))
    assert energy(atoms, model) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@needs_recorded
def test_large_recorded_folders():
    """The cell alone: as many bonds as there are images, with the sum of their constants."""
    for name, count in (("SpecialFeatures/bccFe2TM", 112), ("SpinWaves/bccFe", 16)):
        path = RECORDED / "examples" / name
        model = io.read_uppasd(path)[1]
        exchange = model.terms[0]
        lines = [line.split() for line in (path / _jfile(path)).read_text().splitlines() if line]
        assert len(lines) == count and len(exchange.bonds) >= count
        nearest = np.linalg.norm(exchange.bonds, axis=1).argmin()
        size = float((path / _momfile(path)).read_text().split()[2])
        factor = units.exchange_factor("UppASD", "mRy", (size, size))
        assert exchange.tensors[nearest][0, 0] == pytest.approx(factor * float(lines[0][5]))


def _jfile(path):
    return _word(path, "exchange")


def _momfile(path):
    return _word(path, "momfile")


def _word(path, key):
    lines = (line.split() for line in (path / "inpsd.dat").read_text().splitlines())
    return next(words[1] for words in lines if words and words[0] == key)


@needs_recorded
def test_recorded_restart_file():
    """HeisChain starts from its file: -2 x 2.5 mRy times the mean of e_i.e_(i+1)."""
    atoms, model, settings = io.read_uppasd(RECORDED / "tests/HeisChain")
    e = get_moments(atoms)
    expected = -5.0 * np.einsum("ia,ia->i", e, np.roll(e, 1, axis=0)).mean()
    assert energy(atoms, model) == pytest.approx(expected, rel=1e-6)
    assert settings.q_points.tolist() == [[0, 0, -0.35], [0, 0, 0]]
