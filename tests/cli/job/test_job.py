"""Reading a whole job file; atoms, models and dynamics that it describes."""

from hashlib import sha256

import ase.io
import numpy as np
import pytest
from ase import units
from ase.build import bulk

from ase_mag import get_moments, models, set_moments
from ase_mag.cli.job import InputError, read
from ase_mag.cli.job.dynamics import Setup
from ase_mag.cli.job.sections import SECTIONS
from ase_mag.cli.job.system import make_atoms, make_model
from ase_mag.io import read_uppasd, write_uppasd


def structure_of(write_job, lines):
    head = 'version = 1\nseed = 5\n[model]\nname = "FeHL-1"\n[structure]\n'
    return make_atoms(read(write_job(head + lines)))


def test_every_key_has_a_meaning_and_every_number_says_its_unit_in_its_name_or_has_none():
    for section in SECTIONS.values():
        for name, field in section.__dataclass_fields__.items():
            rule = field.metadata["rule"]
            assert rule.doc, name
            suffix = {"fs": "fs", "K": "K", "GPa": "GPa", "tesla": "T", "angstrom": "angstrom"}
            if rule.unit in suffix:
                assert name.endswith("_" + suffix[rule.unit]), name
            if name.endswith("_per_fs"):
                assert rule.unit == "1/fs"


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (("version = 1\n", ""), "job.toml has no version: write `version = 1` in its first line"),
        (("version = 1", "version = 2"), "line 1: version is 2, but this ase-mag reads job files"),
        (("version = 1", "version = 'x'"), "line 1: version is 'x'; allowed is 1"),
        (("seed = 3", "seed = -3"), "line 2: seed is -3; allowed is an integer of at least 0"),
        (
            ("seed = 3", "sead = 3"),
            "sead is an unknown key outside of the sections; did you mean s",
        ),
        (("[model]", "[modell]"), "line 11: modell is an unknown section; did you mean model?"),
        (("steps = 60", "steps = 6.5"), "line 17, [dynamics]: steps is 6.5; allowed is an integer"),
        (("damping =", "dampping ="), "line 19, [dynamics]: dampping is unknown; did you mean dam"),
        (("steps = 60\n", ""), "line 14, [dynamics]: steps is missing: number of steps"),
        (('"FeHL-1"', '"FeHL-9"'), "line 12, [model]: there is no parameter set called 'FeHL-9'"),
        (('"Fe"', '"Xx"'), "line 5, [structure]: ASE cannot make this crystal: "),
        (("a_angstrom = 2.8494", "a_nm = 0.28"), "a_nm is unknown; did you mean a_angstrom?"),
        (("damping = 0.1", "pressure_time = 0.1"), "unknown; did you mean pressure_time_fs?"),
        (("damping = 0.1", "field_T = 10"), "line 19, [dynamics]: field_T is 10; allowed is three"),
        (
            ('"spin-lattice"', '"spin"'),
            "friction_per_fs does not belong to kind spin, only to spin",
        ),
        (("temperature_K = 300\n", ""), "line 14, [dynamics]: friction is given but temperature_K"),
        (("seed = 3\n", ""), "job.toml has no seed, but a run has noise: write `seed = 1`"),
        (
            ('bulk = "Fe"\na_angstrom = 2.8494', 'file = "no.xyz"'),
            "file is 'no.xyz', but there is no such file or folder",
        ),
        (('bulk = "Fe"', "cubic = true"), "one of file, uppasd, bulk says what the atoms are"),
        (
            ("moments = 2.145", "moments = [1, 2, 3]"),
            "line 8, [structure]: moments have shape (3,)",
        ),
        (
            ('name = "FeHL-1"\n', ""),
            "[model]: there is no model; give name (one of F",
        ),
        (('bulk = "Fe"', 'bulk = "Cu"'), "[dynamics]: "),
        (
            ("[output]", '[exchange]\nname = "Fe-UppASD"\n[output]'),
            "line 22, [exchange]: only kind",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(replacement, message, write_job):
    with pytest.raises(InputError) as error:
        Setup(read(write_job(replacements=[replacement]))).make()
    assert message in str(error.value)


def test_a_missing_section_and_a_missing_file_are_named(write_job, tmp_path):
    with pytest.raises(InputError, match=r"has no section \[structure\]: The atoms and"):
        Setup(read(write_job("version = 1\n")))
    with pytest.raises(InputError, match=r"the job file .*none.toml cannot be read"):
        read(tmp_path / "none.toml")


def test_a_crystal_with_moments(write_job):
    lines = 'bulk = "Fe"\na_angstrom = 2.9\nrepeat = [1, 2, 3]\nmoments = [[0, 0, 2], [1, 0, 0]]\n'
    atoms = structure_of(write_job, lines)
    expected = bulk("Fe", a=2.9, cubic=True)
    set_moments(expected, [[0, 0, 2], [1, 0, 0]])
    expected = expected * (1, 2, 3)
    np.testing.assert_array_equal(atoms.positions, expected.positions)
    np.testing.assert_array_equal(get_moments(atoms), get_moments(expected))
    assert len(structure_of(write_job, 'bulk = "Fe"\ncubic = false\n')) == 1


def test_random_parts_have_their_widths_and_come_from_the_seed(write_job):
    lines = (
        'bulk = "Fe"\nrepeat = 6\nmoments = 2\nrandom_directions = true\n'
        "displacement_angstrom = 0.1\nmomenta_K = 500\n"
    )
    atoms, again = (structure_of(write_job, lines) for _ in range(2))
    for name in ("positions", "momenta", "initial_magmoms"):
        np.testing.assert_array_equal(atoms.arrays[name], again.arrays[name])
    moments, n = get_moments(atoms), len(atoms)
    np.testing.assert_allclose(np.linalg.norm(moments, axis=1), 2, rtol=1e-12)
    # Mean of n random unit vectors: variance 1/(3n) per component.
    assert np.abs(moments.mean(axis=0) / 2).max() < 4 / np.sqrt(3 * n)
    shifts = atoms.positions - (bulk("Fe", cubic=True) * (6, 6, 6)).positions
    assert abs(shifts.std() / 0.1 - 1) < 4 / np.sqrt(2 * 3 * n)
    assert abs(atoms.get_temperature() / 500 - 1) < 4 * np.sqrt(2 / (3 * n))
    np.testing.assert_allclose(atoms.get_momenta().sum(axis=0), 0, atol=1e-9)


def test_files_of_structure_and_model_with_their_digests(write_job, tmp_path):
    frames = [bulk("Fe", a=a, cubic=True) for a in (2.8, 2.9)]
    for frame in frames:
        set_moments(frame, [[0, 1, 2], [0, 0, -2]])
    ase.io.write(tmp_path / "fe.extxyz", frames)
    models.named("Fe-SPILADY-exchange").save(tmp_path / "j.npz")
    text = (
        'version = 1\n[structure]\nfile = "fe.extxyz"\nindex = 0\n[model]\nfile = "j.npz"\n'
        'name = ["Fe-Mendelev2003", "Fe-SPILADY-Landau"]\n'
    )
    job = read(write_job(text))
    atoms, model = make_atoms(job), make_model(job)
    assert atoms.cell[0, 0] == pytest.approx(2.8)
    np.testing.assert_array_equal(get_moments(atoms), get_moments(frames[0]))
    expected = (
        models.named("Fe-Mendelev2003")
        + models.named("Fe-SPILADY-Landau")
        + models.named("Fe-SPILADY-exchange")
    )
    from ase_mag import MagneticCalculator

    energies = []
    for each in (model, expected):
        atoms.calc = MagneticCalculator(each)
        energies.append(atoms.get_potential_energy())
    assert energies[0] == pytest.approx(energies[1], rel=1e-13)
    assert job.inputs == {
        name: sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("fe.extxyz", "j.npz")
    }
    with pytest.raises(InputError, match=r"frame 7 of fe.extxyz cannot be read"):
        make_atoms(read(write_job(text.replace("index = 0", "index = 7"))))


def test_a_folder_of_uppasd_is_structure_and_model(write_job, tmp_path):
    cell = bulk("Fe", a=2.8665, cubic=True)
    set_moments(cell, 2.23)
    write_uppasd(tmp_path / "bcc", cell, models.named("Fe-UppASD"), repeat=(2, 2, 3))
    text = 'version = 1\n[structure]\nuppasd = "bcc"\n[model]\nuppasd = "bcc"\n'
    job = read(write_job(text))
    expected, model, _ = read_uppasd(tmp_path / "bcc")
    atoms = make_atoms(job)
    np.testing.assert_array_equal(atoms.positions, expected.positions)
    np.testing.assert_array_equal(get_moments(atoms), get_moments(expected))
    assert repr(make_model(job)) == repr(model)


def test_keys_reach_the_dynamics_in_its_units(write_job):
    extra = (
        "pressure_GPa = 2\npressure_time_fs = 300\ncompressibility_per_GPa = 0.005\n"
        "spin_timestep_fs = 0.2\nfield_T = [0, 0, 5]\nspin_temperature_K = 100\n"
    )
    setup = Setup(read(write_job(replacements=[("damping = 0.1\n", "damping = 0.1\n" + extra)])))
    dynamics = setup.make(progress=False)
    assert dynamics.dt == pytest.approx(1.0 * units.fs)
    assert dynamics.friction == pytest.approx(0.01 / units.fs)
    assert dynamics.pressure == pytest.approx(2 * units.GPa)
    assert dynamics.pressure_time == pytest.approx(300 * units.fs)
    assert dynamics.compressibility == pytest.approx(0.005 / units.GPa)
    assert dynamics.spin_timestep == pytest.approx(0.2 * units.fs)
    assert dynamics.field == [0, 0, 5]
    assert (dynamics.temperature_K, dynamics.spin_temperature_K, dynamics.seed) == (300, 100, 3)
