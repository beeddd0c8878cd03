"""Trajectory files with a time axis."""

import gc
import re
import weakref

import ase.io
import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.trajectory import Trajectory
from ase.md.verlet import VelocityVerlet

from ase_mag import MagneticCalculator, analysis, models, set_moments
from ase_mag.analysis import frame_source
from ase_mag.analysis.panels import PANELS
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics


@pytest.fixture
def trajectory(tmp_path):
    """Ten steps of 2 fs in copper with made-up moments, every second frame written."""
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    set_moments(atoms, np.linspace(0.0, 1.0, len(atoms)))
    atoms.calc = EMT()
    atoms.set_momenta(np.random.default_rng(1).normal(size=(len(atoms), 3)))
    path = tmp_path / "run.traj"
    with VelocityVerlet(atoms, 2.0 * units.fs, trajectory=str(path), loginterval=2) as dyn:
        dyn.run(10)
    return path


def test_a_trajectory_knows_its_times(trajectory):
    run = analysis.read(trajectory)
    assert len(run) == 6
    np.testing.assert_allclose(run.time_fs, [0, 4, 8, 12, 16, 20], rtol=1e-12)
    assert run.description["md-type"] == "VelocityVerlet"
    assert "run.traj" in repr(run)


def test_a_run_gives_what_the_functions_give(trajectory):
    run = analysis.read(str(trajectory))
    frames = ase.io.read(trajectory, index=":")
    np.testing.assert_array_equal(run.msd(), analysis.msd(frames))
    np.testing.assert_array_equal(run.magnetization, analysis.magnetization(frames))
    np.testing.assert_array_equal(run.moment_sizes, analysis.moment_sizes(frames))
    np.testing.assert_allclose(
        run.temperature_K, [atoms.get_temperature() for atoms in frames], rtol=1e-12
    )
    assert run.msd()[0] == 0
    assert run.msd()[-1] > 0
    assert [len(atoms) for atoms in run] == [32] * 6


def test_spin_temperatures_are_those_of_the_dynamics(trajectory, tmp_path):
    """250 moments at 200 K: frames say what the dynamics said, and the mean is 200 K."""
    atoms = bulk("Fe", cubic=True) * 5
    set_moments(atoms, 2.23)
    atoms.calc = MagneticCalculator(models.named("Fe-UppASD"))
    path, said = tmp_path / "spins.traj", []
    dyn = SpinDynamics(
        atoms, 0.5 * units.fs, temperature_K=200, damping=0.5, rng=3, trajectory=path,
        loginterval=10,
    )  # fmt: skip
    dyn.attach(lambda: said.append(dyn.get_spin_temperature()), 10)
    dyn.run(3000)
    run = analysis.read(path)
    np.testing.assert_array_equal(run.spin_temperature, said)
    assert atoms.info == {} and run.plot("spin_temperature").axes
    later = run.spin_temperature[60:]
    # A value fluctuates by T/sqrt(N); the midpoint rule at 0.5 fs is 0.5 % low.
    error = analysis.block_error(later)
    assert later.mean() == pytest.approx(199.0, abs=3 * error) and error < 4
    with pytest.raises(ValueError, match=r"the frames of .*run\.traj have no spin temperature"):
        _ = analysis.read(trajectory).spin_temperature


def test_pressures_are_there_where_stresses_are(trajectory, tmp_path):
    frames = ase.io.read(trajectory, index=":")
    run = analysis.read(trajectory)
    np.testing.assert_array_equal(run.pressure(), analysis.pressure(frames))
    path = tmp_path / "bare.traj"
    for atoms in frames:
        atoms.calc = None
    ase.io.write(path, frames)
    run = analysis.read(path)
    np.testing.assert_allclose(run.msd(), analysis.msd(frames))
    with pytest.raises(ValueError, match="frame 0 has no stress"):
        run.pressure()


def test_frames_are_read_one_by_one(trajectory):
    run = analysis.read(trajectory)
    first = next(iter(run))
    np.testing.assert_array_equal(first.positions, ase.io.read(trajectory, index=0).positions)


def test_other_formats_need_the_time_between_frames(trajectory, tmp_path):
    path = tmp_path / "run.extxyz"
    ase.io.write(path, ase.io.read(trajectory, index=":"))
    run = analysis.read(path)
    np.testing.assert_allclose(run.msd(), analysis.read(trajectory).msd(), atol=1e-7)
    with pytest.raises(ValueError, match=r"does not say how much time .* give analysis\.read"):
        _ = run.time_fs
    assert analysis.read(path, timestep=units.fs).time_fs[-1] == pytest.approx(5.0, rel=1e-12)


def test_bad_input_is_refused(trajectory, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no trajectory .*missing\.traj"):
        analysis.read(tmp_path / "missing.traj")
    for name in ("notes.txt", "script.py", "broken.traj"):
        (tmp_path / name).write_text("no frames here\n", encoding="utf-8")
        with pytest.raises(ValueError, match=rf"{name} is no trajectory that ASE can read"):
            analysis.read(tmp_path / name)
    with pytest.raises(ValueError, match="must be positive, got -1"):
        analysis.read(trajectory, timestep=-1.0)


def test_observables_are_plotted_with_their_means_so_far(trajectory):
    pytest.importorskip("matplotlib")
    run = analysis.read(trajectory)
    names = ("magnetization", "msd", "pressure", "temperature", "moments")
    panels = run.plot(*names).axes
    assert len(panels) == 5
    size, vector = (line.get_ydata() for line in panels[0].lines)
    np.testing.assert_allclose(size, 0.5, rtol=1e-12)
    np.testing.assert_allclose(vector, 0.5, rtol=1e-12)
    for panel, values in zip(panels[2:4], (run.pressure(), run.temperature_K), strict=True):
        np.testing.assert_array_equal(panel.lines[0].get_ydata(), values)
        np.testing.assert_allclose(panel.lines[1].get_ydata(), analysis.cumulative_mean(values))
        np.testing.assert_array_equal(panel.lines[0].get_xdata(), run.time_fs)
    np.testing.assert_array_equal(panels[1].lines[0].get_ydata(), run.msd())
    assert "GPa" in panels[2].get_ylabel()
    with pytest.raises(ValueError, match=r"observables to plot are magnetization, .*; got heat"):
        run.plot("msd", "heat")
    with pytest.raises(ValueError, match="got none"):
        run.plot()


def test_damaged_files_say_how_much_of_them_is_good(trajectory, tmp_path):
    data, cut = trajectory.read_bytes(), tmp_path / "cut.traj"
    cut.write_bytes(data[:-200])
    run = analysis.read(cut)
    with pytest.raises(
        ValueError, match=r"frame \d of .*cut\.traj cannot be read \(.*cut off"
    ) as info:
        run.msd()
    kept = int(str(info.value).split("convert -n :")[1].split()[0])
    assert len(ase.io.read(cut, index=f":{kept}")) == kept < 6
    for count in (0, 10, 2000):
        cut.write_bytes(data[:count])
        with pytest.raises(ValueError, match=r"cut\.traj is no trajectory .* or it is damaged"):
            analysis.read(cut)
    text = tmp_path / "cut.extxyz"
    ase.io.write(text, ase.io.read(trajectory, index=":"))
    text.write_text("\n".join(text.read_text().splitlines()[:-5]))
    with pytest.raises(ValueError, match=r"frame \d of .*cut\.extxyz cannot be read"):
        analysis.read(text).msd()


def test_empty_files_and_frames_without_moments(trajectory, tmp_path):
    empty = tmp_path / "empty.traj"
    Trajectory(empty, "w").close()
    with pytest.raises(ValueError, match=r"empty\.traj has no frames: the run that writes it has"):
        analysis.read(empty)
    frames = ase.io.read(trajectory, index=":")
    for atoms in frames:
        atoms.set_initial_magnetic_moments(None)
    bare = tmp_path / "bare.traj"
    ase.io.write(bare, frames)
    run = analysis.read(bare)
    assert len(run.msd()) == 6 and run.temperature_K[0] > 0
    for ask in (
        lambda: run.magnetization,
        run.binder,
        run.moment_histogram,
        lambda: run.mean_moment_size,
        lambda: run.fluctuations(300),
    ):
        with pytest.raises(
            ValueError, match=r"frames of .*bare\.traj have no moments: ase_mag\.set"
        ):
            ask()
    with pytest.raises(ValueError, match="does not say at which temperature it was made"):
        analysis.read(trajectory).fluctuations()


def test_moments_that_a_calculator_found_count():
    """Relaxed vectors replace the start; collinear sizes do not replace vectors."""
    atoms = bulk("Fe", cubic=True)
    set_moments(atoms, 1.0)
    atoms.calc = SinglePointCalculator(atoms, magmoms=np.array([[0, 2.0, 0], [0, 0, 2.0]]))
    np.testing.assert_allclose(analysis.magnetization([atoms]), [[0, 1.0, 1.0]])
    atoms.calc = SinglePointCalculator(atoms, magmoms=np.array([2.0, 2.4]))
    np.testing.assert_allclose(analysis.magnetization([atoms]), [[0, 0, 1.0]])
    del atoms.arrays["initial_magmoms"]
    atoms.set_initial_magnetic_moments([1.0, 1.0])
    atoms.calc = SinglePointCalculator(atoms, magmoms=np.array([2.0, 2.4]))
    np.testing.assert_allclose(analysis.magnetization([atoms]), [[0, 0, 2.2]])


def test_summary_and_panels_of_everything(tmp_path):
    """Every panel that a run has; the numbers of the table are those of the functions."""
    pytest.importorskip("matplotlib")
    atoms = bulk("Fe", a=2.85, cubic=True) * 3
    set_moments(atoms, 2.145)
    model = models.named("FeHL-1")
    atoms.calc = MagneticCalculator(model)
    path = tmp_path / "sld.traj"
    with SpinLatticeDynamics(
        atoms, 2 * units.fs, temperature_K=300, friction=0.05 / units.fs, damping=0.5, rng=1,
        trajectory=path, loginterval=5,
    ) as dynamics:  # fmt: skip
        dynamics.run(300)
    run = analysis.read(path)
    options = {"q_path": "GH", "model": model, "cutoff": 5.0}
    figure = run.plot(*PANELS, **options)
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(panels) == len(PANELS) == 15
    for axes in panels:  # a unit, or a quantity without one
        text = axes.get_ylabel()
        assert "(" in text or text in ("atoms", "$g(r)$", "Binder cumulant $U_4$"), text
    text = run.summary()
    assert text.startswith("sld.traj: 61 frames of 54 atoms (Fe54), 10 fs apart, 0.6 ps")
    mean = analysis.average(run.pressure(), 0.5)
    assert re.search(rf"pressure +{re.escape(str(mean))} GPa", text)
    assert str(run.fluctuations()) in text
    assert run.pressure()[30:].mean() == pytest.approx(mean.value)
    for names, missing in ((("phonons",), "path through the zone"), (("magnons",), "give the mod")):
        with pytest.raises(ValueError, match=missing):
            run.plot(*names)
    with pytest.raises(ValueError, match="need 20 frames or more after the first 50"):
        run.summary(skip=50)


def test_frames_that_were_read_are_given_up(trajectory, monkeypatch):
    """ASE's frames hold references to themselves; the garbage is collected by its size."""
    monkeypatch.setattr(frame_source, "_UNUSED", 1000)
    alive = []
    gc.collect()
    for atoms in analysis.read(trajectory):
        alive.append(weakref.ref(atoms))
        del atoms
        assert sum(frame() is not None for frame in alive) <= 1
    assert len(alive) == 6
