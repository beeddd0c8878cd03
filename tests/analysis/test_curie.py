import contextlib
import os
import re
import signal
import warnings
from functools import partial

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from tqdm import tqdm

import ase_mag
from ase_mag import models, units
from ase_mag.analysis import CurieTemperature, curie_temperature
from ase_mag.analysis.curie_input import inspect
from ase_mag.analysis.curie_runs import Run, collinear_signs
from ase_mag.core import set_threads
from ase_mag.models import Heisenberg, shells

J = 0.01
#: kB Tc = 1.4429 J of the simple cubic lattice with nearest neighbors, moments of 1 mu_B.
TC = 1.4429 * J / units.kB
WINDOW = (0.8 * TC, 1.25 * TC)
#: Where sizes 4 and 8 cross: finite-size effects, the mean of 40 long searches was 0.9959(4) Tc.
CROSSING = 0.9959 * TC


@pytest.fixture(autouse=True)
def one_thread():
    set_threads(1)
    yield
    set_threads(None)


def simple_cubic(moment=1.0):
    atoms = bulk("Fe", "sc", a=1.0)
    ase_mag.set_moments(atoms, moment)
    return atoms


def model(exchange=J, atoms=None):
    return Heisenberg(
        "Fe", shells([exchange], reference=simple_cubic() if atoms is None else atoms)
    )


def search(atoms=None, terms=None, **options):
    options = {
        "sizes": (4, 8),
        "temperatures_K": WINDOW,
        "sweeps": 600,
        "rng": 1,
        "progress": False,
    } | options
    return curie_temperature(
        simple_cubic() if atoms is None else atoms, model() if terms is None else terms, **options
    )


@pytest.fixture(scope="module")
def result():
    """Finite-size effects shift this crossing by -0.1 %, its error is 0.15 %."""
    set_threads(1)
    return search(sizes=(7, 14), sweeps=2000)


def test_simple_cubic_lattice(result):
    assert isinstance(result, CurieTemperature)
    assert result.error < 0.002 * TC
    assert abs(result.value - TC) < 3 * result.error
    assert abs(result.value - TC) < 0.005 * TC
    assert result.binder_error < 0.003
    assert abs(result.binder - 0.622) < 3 * result.binder_error


def test_table_and_figure(result):
    text = str(result)
    assert text.startswith(f"Curie temperature {result.value:.1f}"[:21])
    assert "+-" in text
    assert "    7      343" in text
    assert "   14     2744" in text
    assert "7, 14" in text
    assert "wall time" in text
    figure = result.plot()
    whole, near = figure.axes
    assert len(whole.get_legend().get_texts()) == 2
    assert near.get_xlabel() == "temperature (K)"
    steps = sum(run.steps for run in result.runs if run.size == 14)
    assert steps > 6000
    # The large system is more ordered below and less ordered above.
    curves = result.curves
    assert curves.sizes == [7, 14]
    assert curves.values[1, 0] > curves.values[0, 0]
    assert curves.values[1, -1] < curves.values[0, -1]


def test_wide_window_and_three_sizes():
    found = search(temperatures_K=(20, 900), sizes=(8, 4, 6), sweeps=2000)
    assert [c.sizes for c in found.crossings] == [(4, 6), (4, 8), (6, 8)]
    assert found.error < 0.01 * TC
    assert abs(found.value - CROSSING) < 3 * found.error


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ((0.3, 0.6), r"U4 rises with the size.*lies above it. Move temperatures_K up, for insta"),
        ((0.9, 0.97), r"lies above it"),
        ((1.04, 1.2), r"lies below it"),
        ((2.0, 6.0), r"U4 falls with the size.*lies below it. Move temperatures_K down"),
    ],
)
def test_crossing_outside_of_the_window(window, message):
    with pytest.raises(ValueError, match=message):
        search(temperatures_K=np.array(window) * TC)


def test_antiferromagnet():
    """On a lattice of two sublattices J -> -J changes nothing when one sublattice is turned."""
    atoms = simple_cubic() * 2
    signs = np.where(np.rint(atoms.positions).sum(axis=1) % 2 == 0, 1.0, -1.0)
    ase_mag.set_moments(atoms, signs)
    found = search(atoms, model(-J), sizes=(2, 4), sweeps=2000)
    assert found.error < 0.005 * TC
    assert abs(found.value - CROSSING) < 3 * found.error
    # The total moment is no order parameter of it.
    ase_mag.set_moments(atoms, 1.0)
    with pytest.raises(ValueError, match=r"the moments of atoms are not the order that this model"):
        search(atoms, model(-J), sizes=(2, 4))


def test_moments_whose_size_hardly_changes():
    """A deep well at 1 mu_B, 8 b m0^2 / kT = 2800: the Curie temperature of fixed sizes."""
    b = 5.0
    terms = model() + models.Landau("Fe", -2 * b, b)
    found = search(terms=terms, lengths=True, sweeps=3000)
    assert found.error < 0.005 * TC
    assert abs(found.value - CROSSING) < 3 * found.error
    fixed = search(terms=terms)
    assert fixed.value == pytest.approx(search().value, rel=1e-9)


def test_sizes_without_bounds_are_refused():
    with pytest.raises(ValueError, match=r"nothing bounds the moment of atom.*models.Landau"):
        search(lengths=True)
    assert abs(search(lengths=False).value / search().value - 1) < 1e-12


def test_resumes_exactly(tmp_path, monkeypatch):
    whole = search()
    path = tmp_path / "tc.npz"
    advance = Run.advance

    for stop in (1, 7, 30, 20, 10):
        left = [stop]

        def interrupted(self, *arguments, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return advance(self, *arguments)

        monkeypatch.setattr(Run, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            search(checkpoint=path)
        assert path.exists()
    monkeypatch.setattr(Run, "advance", advance)
    # The seed may be left to the checkpoint.
    found = search(checkpoint=path, rng=None)
    assert (found.value, found.error) == (whole.value, whole.error)
    for ours, theirs in zip(found.runs, whole.runs, strict=True):
        np.testing.assert_array_equal(ours.energies, theirs.energies)
        np.testing.assert_array_equal(ours.squares, theirs.squares)
    before = path.read_bytes()
    again = search(checkpoint=path)
    assert again.value == whole.value
    assert not list(tmp_path.glob("*.part"))
    for options in ({"sweeps": 601}, {"rng": 2}, {"terms": model(1.1 * J)}):
        with pytest.raises(ValueError, match="is the checkpoint of another Curie temperature"):
            search(checkpoint=path, **options)
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(ValueError, match="damaged"):
        search(checkpoint=path)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_sigterm_writes_the_checkpoint(tmp_path, monkeypatch):
    path, advance, count = tmp_path / "tc.npz", Run.advance, [0]

    def killed(self, *arguments):
        count[0] += 1
        if count[0] == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return advance(self, *arguments)

    monkeypatch.setattr(Run, "advance", killed)
    with pytest.raises(SystemExit) as info:
        search(checkpoint=path)
    assert info.value.code == 143
    monkeypatch.undo()
    assert search(checkpoint=path).value == search().value


def square_lattice(moment=1.0):
    atoms = Atoms("Fe", cell=[1.0, 1.0, 6.0], pbc=True)
    ase_mag.set_moments(atoms, moment)
    return atoms


EASY_PLANE = models.UniaxialAnisotropy("Fe", -0.2 * J, (1, 0, 1), 1.0)
EASY_AXIS = models.UniaxialAnisotropy("Fe", 0.2 * J, (1, 0, 1), 1.0)
MERMIN_WAGNER = r"two dimensions.*no order at any temperature.*Mermin and Wagner.*add an easy axis"


@pytest.mark.parametrize("terms", [model(), model() + EASY_PLANE], ids=["isotropic", "easy plane"])
def test_layers_that_turn_freely_are_warned_about(terms):
    options = {"temperatures_K": (0.3 * TC, TC), "sweeps": 200}
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.suppress(ValueError, RuntimeError),
    ):
        warnings.simplefilter("always")
        search(square_lattice(), terms, **options)
    assert re.search(MERMIN_WAGNER, str(caught[0].message))
    assert caught[0].filename == __file__


def test_freedom_of_ordered_states():
    """Of layers with exchange of the x and y or the z components, with cubic and other axes."""
    atoms = square_lattice()

    def warned(terms):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            inspect(atoms, terms, False)
        return len(caught) == 1

    pairs = models.shells([0.1 * J], reference=atoms)
    assert warned(model() + models.TensorExchange("Fe", pairs, np.diag([1, 1, 0])))
    assert warned(model() + models.DzyaloshinskiiMoriya("Fe", pairs))
    assert not warned(model() + models.TensorExchange("Fe", pairs, np.diag([0, 0, 1])))
    assert not warned(model() + models.CubicAnisotropy("Fe", 0.1 * J, 0.0, 1.0))
    assert not warned(model() + EASY_AXIS)
    assert warned(model() + EASY_PLANE)
    atoms = simple_cubic()
    assert not warned(model())


def test_short_runs_are_warned_about(monkeypatch):
    """Blocks must hold three correlation times of the order parameter."""
    monkeypatch.setattr("ase_mag.analysis.curie.correlation_time", lambda series: 20.0)
    with pytest.warns(UserWarning, match=r"size 8 are short.*over 20 steps.*sweeps=2400 or more"):
        search()


def test_progress_is_shown(capfd, monkeypatch):
    # A bar that is drawn at every update, however fast the machine.
    monkeypatch.setattr("ase_mag.analysis.curie.tqdm", partial(tqdm, mininterval=0, miniters=1))
    search(progress=True)
    shown = capfd.readouterr().err
    assert re.search(r"scan 1: size [48], \d+", shown)
    assert re.search(r"crossing: size 8, \d+\.?\d* K: 100%", shown)
    search(progress=False)
    assert not capfd.readouterr().err


@pytest.mark.slow
def test_the_promised_line():
    """FeHL-1 as in the promised scripts; its sizes stay those in atoms.

    At a = 2.877 angstrom and 2.2 mu_B an independent program found about 1075 K.
    """
    atoms = bulk("Fe", a=2.877)
    ase_mag.set_moments(atoms, 2.2)
    model = models.named("FeHL-1")
    tc = curie_temperature(atoms, model, sizes=(6, 10), temperatures_K=(900, 1200), rng=1)
    assert tc.error < 2
    assert abs(tc.value - 1075) < 10


def test_anisotropic_layers_order():
    """An easy axis gives a layer a Curie temperature below that of Ising spins, 2.269 J."""
    terms = model() + models.UniaxialAnisotropy("Fe", J, (0, 0, 1), 1.0)
    found = search(
        square_lattice(), terms, temperatures_K=(0.3 * TC, 1.5 * TC), sizes=(8, 16), sweeps=2000
    )
    assert found.n_atoms == {8: 64, 16: 256}
    assert found.error < 0.02 * found.value
    assert 0.5 < found.value * units.kB / J < 1.5


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms("Fe", cell=[1, 6, 6], pbc=True), "no network in two or three dimensions"),
        (Atoms("Fe", cell=[1, 1, 1], pbc=False), "no network in two or three dimensions"),
        (
            Atoms("Fe2", positions=[[0, 0, 0], [0, 0, 3]], cell=[1, 1, 6], pbc=True),
            "several networks that do not feel each other",
        ),
        (
            make_supercell(square_lattice(), [[1, 0, 0], [0, 1, 1], [0, 0, 1]]),
            "several networks that do not feel each other",
        ),
    ],
    ids=["chain", "molecule", "layers", "tilted"],
)
def test_networks_that_cannot_order(atoms, message):
    ase_mag.set_moments(atoms, 1.0)
    with pytest.raises(ValueError, match=message):
        search(atoms)


def test_nonmagnetic_atoms_take_no_part():
    atoms = bulk("Fe", "sc", a=1.0) + Atoms("C", positions=[[0.5, 0.5, 0.5]])
    ase_mag.set_moments(atoms, [1.0, 0.0])
    found = search(atoms, model() + models.NonMagnetic("C"))
    assert found.n_atoms == {4: 128, 8: 1024}
    assert abs(found.value - CROSSING) < 3 * found.error


def test_models_that_are_refused(ring_like):
    with pytest.raises(ValueError, match="has an external field, in which there is no phase"):
        search(terms=model() + models.Zeeman("Fe", (0, 0, 1.0)))
    with pytest.raises(ValueError, match=r"has no bilinear form.*ase_mag.analysis.heat runs"):
        search(terms=ring_like)
    with pytest.raises(ValueError, match=r"model must be an ase_mag model, got NoneType"):
        curie_temperature(simple_cubic(), temperatures_K=WINDOW)
    with pytest.raises(ValueError, match=r"the structure holds Co"):
        search(Atoms("Co", cell=[1, 1, 1], pbc=True))


@pytest.fixture
def ring_like():
    class Opaque(Heisenberg):
        def bilinear(self, graph):
            return None

    return Opaque("Fe", shells([J], reference=simple_cubic()))


def test_the_model_of_the_calculator_is_taken():
    atoms = simple_cubic()
    atoms.calc = ase_mag.MagneticCalculator(model())
    found = curie_temperature(
        atoms, sizes=(4, 8), temperatures_K=WINDOW, sweeps=600, rng=1, progress=False
    )
    assert found.value == search().value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": (6,)}, "sizes must be at least two different integers"),
        ({"sizes": (6, 6)}, "sizes must be at least two different integers"),
        ({"sizes": (1, 6)}, "sizes must be at least two different integers from 2 on"),
        ({"sizes": (4.5, 6)}, "sizes must be at least two different integers"),
        ({"temperatures_K": 300}, "must be two rising temperatures above 0 K, got 300"),
        ({"temperatures_K": (300, 200)}, "must be two rising temperatures"),
        ({"temperatures_K": (0, 200)}, "must be two rising temperatures"),
        ({"temperatures_K": (100, np.inf)}, "must be two rising temperatures"),
        ({"sweeps": 10}, "sweeps must be an integer of at least 200, got 10"),
        ({"measure": 5}, "measure is 5; allowed are 0, 1 and 2"),
        ({"over_relaxation": -1}, "over_relaxation must be an integer >= 0, got -1"),
    ],
    ids=str,
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        search(**options)


def test_moments_that_show_no_collinear_order():
    with pytest.raises(ValueError, match="all moments of atoms are zero"):
        collinear_signs(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="are not collinear"):
        collinear_signs(np.array([[0, 0, 1.0], [0, 1.0, 0]]))
    moments = np.outer([2.0, -1.0, 0.0], [1.0, 2.0, -2.0])
    assert collinear_signs(moments).tolist() == [1, -1, 0]
    with pytest.raises(ValueError, match="couplings of the moments form no network"):
        search(simple_cubic(0.0))
