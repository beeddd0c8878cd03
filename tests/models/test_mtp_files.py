import numpy as np
import pytest
from ase import Atoms

from ase_mag.models import (
    MomentTensorPotential,
    NoncollinearMomentTensorPotential,
    read_mtp,
    write_mtp,
)
from ase_mag.testing.structures import Structure

#: Energies (eV), force on atom 2 (eV/angstrom), stress (eV/angstrom^3, Voigt) and magnetic forces
#: (eV/mu_B) from the program motep 0.2.0 (PyPI; its C engine), which read the files that
#: ``write_mtp`` wrote for ``recorded``. It gives V(M): the numbers are (V(M) + V(-M))/2.
MOTEP = {
    1: {
        "energies": [
            *(0.48408933687714917, -1.0839479092293633, 0.4587249063792726, 0.435144181753697),
            *(-0.8913316392232621, 0.41351367501730696, 0.48250468632579163, -1.051058842539026),
        ],
        "force": [0.1269386228100661, 0.13702202960523602, 0.009331970637122572],
        "stress": [
            *(0.06190141189410131, 0.057893274565382076, 0.013510605818785706),
            *(-0.0004947588668711305, 0.0005692956061172758, 0.044295497100229106),
        ],
        "magforces": np.zeros(8),
    },
    3: {
        "energies": [
            *(-0.7817492812795498, 1.36925068842342, -1.0608166745803551, -1.1945055197043122),
            *(-0.7679814151276952, -0.7696766137891322, -0.8433200725786087, 0.427537046536155),
        ],
        "force": [0.21301865536888331, 0.22125490106142942, -0.6022820264876015],
        "stress": [
            *(-0.406943306289828, -0.3941176470450596, -0.03459743131654358),
            *(-0.01398300303463987, 0.00855525700907617, -0.012323355354076228),
        ],
        "magforces": [
            *(0.7012486236039257, 2.1776002231933984, 0.32489800135283586, 1.0129229621520952),
            *(1.5726322365380705, 1.0300295740867824, 0.4608745302613316, 0.7480360585441322),
        ],
    },
}

SMALL = """\
MTP
version = 1.1.0
potential_name = MTP1m
scaling = 2.0e-01
species_count = 1
potential_tag =
radial_basis_type = RBChebyshev
\tmin_dist = 1.000000000000000e+00
\tmax_dist = 3
\tradial_basis_size = 2
\tradial_funcs_count = 1
\tradial_coeffs
\t\t0-0
\t\t\t{5.0, -1.0e+01}
alpha_moments_count = 2
alpha_index_basic_count = 1
alpha_index_basic = {{0, 0, 0, 0}}
alpha_index_times_count = 1
alpha_index_times = {{0, 0, 1, 1}}
alpha_scalar_moments = 2
alpha_moment_mapping = {0, 1}
species_coeffs = {-3.0e+00}
moment_coeffs = {0.5, -.25}
"""


#: Level 6, trained on ozone by MLIP: numbers from the test data of motep (molecules/23208/06).
OZONE = """\
MTP
version = 1.1.0
scaling = 4.822530864197532e-01
species_count = 1
radial_basis_type = RBChebyshev
\tmin_dist = 0.5
\tmax_dist = 5.0
\tradial_basis_size = 8
\tradial_funcs_count = 2
\tradial_coeffs
\t\t0-0
\t\t\t{3.837139014876141e-01, 6.934967359192709e-01, 5.105742866316750e-01, 3.002694850462849e-01, \
1.372135496727451e-01, 4.535307853586946e-02, 9.645920079239248e-03, 7.407661001261272e-04}
\t\t\t{-2.832984008089391e-01, -3.125606417975685e-01, 1.305760735021939e-01, \
5.348676641382770e-01, 5.697965991403614e-01, 4.045951815425520e-01, 1.683432105607493e-01, \
4.700499468066580e-02}
alpha_index_basic = {{0, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 0}}
alpha_index_times = {{0, 0, 1, 5}, {1, 1, 1, 6}, {2, 2, 1, 6}, {3, 3, 1, 6}, {0, 5, 1, 7}}
alpha_moment_mapping = {0, 4, 5, 6, 7}
species_coeffs = {-1.109127535305584e+02}
moment_coeffs = {-6.441037916652777e+03, -1.312494396257819e+02, 5.499072514117034e+03, \
-7.169104936685150e+03, -4.218611278375915e+00}
"""


def test_energies_of_mlip(tmp_path):
    """Energy, forces and r (x) F as MLIP printed them."""
    (tmp_path / "ozone.mtp").write_text(OZONE)
    model = read_mtp(tmp_path / "ozone.mtp", "O")
    positions = [
        *([0.296441, 0.473681, 0.080715], [-0.125147, 0.843848, -0.992927]),
        [0.976676, 1.225736, 0.625006],
    ]
    forces = [
        *([-2.442036, -3.150101, -1.557583], [-1.648311, -0.293338, -2.665140]),
        [4.090347, 3.443439, 4.222723],
    ]
    response = Structure.of(Atoms("O3", positions)).response(model)
    # Terms of 10^4 eV add up to it: their rounding is 2e-11.
    assert response.energy == pytest.approx(-324.163042383364, abs=1e-10)
    np.testing.assert_allclose(response.forces, forces, rtol=0, atol=6e-7)
    virial = [3.47731, 2.48107, 5.15980, 2.18917, 3.99603, 2.46602]
    actual = -response.virial.ravel()[[0, 4, 8, 5, 2, 1]]
    np.testing.assert_allclose(actual, virial, rtol=0, atol=6e-6)


def recorded(basis):
    """A potential and a structure made of closed formulas."""
    model = MomentTensorPotential(
        ("Fe", "Al"),
        level=8,
        magnetic_basis=basis,
        cutoff=4.5,
        n_radial_basis=5,
        r_min=1.9,
        max_moment=3.5,
        scaling=1.0,
    )
    k = np.arange(model.n_parameters)
    scale = np.where(k < model.coefficients.size, 0.02, 0.5)
    model.parameters = np.sin(1.0 + 1.7 * k) * scale
    positions = [
        *([0.0, 0.0, 0.0], [1.4, 1.45, 1.5], [2.8, 0.1, 0.0], [4.3, 1.4, 1.3]),
        *([0.0, 2.9, 0.05], [1.5, 4.2, 1.4], [2.9, 2.8, -0.1], [4.2, 4.4, 1.45]),
    ]
    atoms = Atoms("FeAlFeFeAlFeFeAl", positions, cell=[5.7, 5.8, 2.9], pbc=True)
    moments = np.outer(2.5 * np.cos(1.0 + 2.1 * np.arange(8)), [0.0, 0.0, 1.0])
    return model, Structure.of(atoms).changed(moments=moments)


@pytest.mark.parametrize("basis", MOTEP)
def test_energies_of_another_program(basis, tmp_path):
    model, structure = recorded(basis)
    write_mtp(tmp_path / "a.mtp", model)
    read = read_mtp(tmp_path / "a.mtp", ("Fe", "Al"))
    response, expected = structure.response(read), MOTEP[basis]
    stress = response.virial.ravel()[[0, 4, 8, 5, 2, 1]] / (5.7 * 5.8 * 2.9)
    for actual, name in (
        (response.energies, "energies"),
        (response.forces[2], "force"),
        (stress, "stress"),
        (response.magforces[:, 2], "magforces"),
    ):
        np.testing.assert_allclose(actual, expected[name], rtol=0, atol=2e-14, err_msg=name)


@pytest.mark.parametrize("basis", [1, 2])
def test_round_trip(basis, tmp_path):
    model = MomentTensorPotential(("Al", "Fe"), magnetic_basis=basis, max_moment=2.7, rng=1)
    write_mtp(tmp_path / "a.mtp", model, name="AlFe")
    read = read_mtp(tmp_path / "a.mtp", ("Al", "Fe"), axis=(1, 0, 0), extrapolate=True)
    np.testing.assert_array_equal(read.parameters, model.parameters)
    for name in ("basic", "times", "scalars"):
        np.testing.assert_array_equal(getattr(read.basis, name), getattr(model.basis, name))
    names = ("scaling", "species", "cutoff", "r_min", "magnetic_basis", "n_radial_basis")
    assert all(getattr(read, name) == getattr(model, name) for name in names)
    assert read.extrapolate and read.axis.tolist() == [1, 0, 0]
    write_mtp(tmp_path / "b.mtp", read, name="AlFe")
    assert (tmp_path / "a.mtp").read_text() == (tmp_path / "b.mtp").read_text()


def test_a_file_by_hand(tmp_path):
    """f(2) = 0.2 (5 T_0(0) - 10 T_1(0)) = 1 and f(2.5) = 0.2 (5 - 5) / 4 = 0."""
    path = tmp_path / "small.almtp"
    path.write_bytes(SMALL.encode() + b"#MVS_v1.1\n\xff\x00radial_coeffs")
    model = read_mtp(path, "Cu")
    for distance, energy in ((2.0, 2 * (0.5 - 0.25 - 3.0)), (2.5, -6.0)):
        dimer = Structure.of(Atoms("Cu2", [[0, 0, 0], [0, 0, distance]], magmoms=[1, 0]))
        assert dimer.response(model).energy == pytest.approx(energy, rel=1e-14)


@pytest.mark.parametrize(
    "old", ["min_dist", "max_dist", "radial_basis_size"], ids=["min", "max", "size"]
)
def test_other_names_of_the_same(old, tmp_path):
    new = {"min_dist": "min_val", "max_dist": "max", "radial_basis_size": "basis_size"}[old]
    (tmp_path / "a.mtp").write_text(SMALL.replace(old, new))
    model = read_mtp(tmp_path / "a.mtp", "Cu")
    assert (model.r_min, model.cutoff, model.n_radial_basis) == (1.0, 3.0, 2)


def test_magnetic_keys_of_the_first_programs(tmp_path):
    """Interval and size between the radial keys, without a type."""
    magnetic = "\tmin_mag = -3.5\n\tmax_mag = 3.5\n\tmag_basis_size = 2\n\tmin_dist"
    text = SMALL.replace("\tmin_dist", magnetic)
    text = text.replace("{5.0, -1.0e+01}", "{1, 2, 3, 4, 5, 6, 7, 8}")
    (tmp_path / "a.mmtp").write_text(text)
    model = read_mtp(tmp_path / "a.mmtp", "Fe")
    assert (model.magnetic_basis, model.max_moment.tolist()) == (2, [3.5])
    assert (model.r_min, model.cutoff) == (1.0, 3.0)
    assert model.scaling == 0.2
    expected = np.arange(1, 9).reshape(2, 4).T  # functions of the moments, polynomials of r
    np.testing.assert_allclose(model.coefficients[0, 0, :, 0], expected, rtol=1e-15)


def test_untrained_files_give_fresh_parameters(tmp_path):
    lines = SMALL.splitlines()
    untrained = lines[:3] + lines[4:11] + lines[14:21]
    (tmp_path / "a.mtp").write_text("\n".join(untrained))
    one, two = (read_mtp(tmp_path / "a.mtp", "Cu", rng=seed) for seed in (1, 2))
    assert one.n_parameters == two.n_parameters == 2 + 2 + 1
    assert (one.parameters[:4] != two.parameters[:4]).all()


MAGNETIC = SMALL.replace(
    "\tradial_coeffs",
    "magnetic_basis_type = BChebyshev\n\tmin = -2\n\tmax = 3\n\tsize = 1\n\tradial_coeffs",
)


@pytest.mark.parametrize(
    ("text", "species", "message"),
    [
        ("hello", "Cu", "its first line must be 'MTP'"),
        (SMALL, ("Cu", "Zn"), r"describes 1 species, but 2 were given \(Cu, Zn\)"),
        (SMALL.replace("RBChebyshev", "RBShapeev"), "Cu", "'RBShapeev'; only RBChebyshev"),
        (SMALL.replace("max_dist", "max_dust"), "Cu", "has no 'radial max'"),
        (SMALL.replace("max_dist = 3", "max_dist = far"), "Cu", "must be one number, got 'far'"),
        (SMALL.replace("{{0, 0, 1, 1}}", "{{0, 0, 1}}"), "Cu", "rows of 4 numbers"),
        (SMALL.replace("-1.0e+01", "-1.0e+01, 4"), "Cu", "3 radial coefficients instead of 2"),
        (SMALL.replace("{0.5, -.25}", "{0.5}"), "Cu", "2 moment_coeffs and 1 .* got 1 and 1"),
        (SMALL.replace("funcs_count = 1", "funcs_count = 2"), "Cu", "radial_funcs_count is 2"),
        (SMALL.replace("{{0, 0, 1, 1}}", "{{0, 1, 1, 1}}"), "Cu", "row 0 of the products"),
        (MAGNETIC, "Cu", r"on \(-2, 3\); only intervals that are symmetric"),
    ],
)
def test_damaged_files(text, species, message, tmp_path):
    path = tmp_path / "bad.mtp"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_mtp(path, species)


def test_what_a_file_has_no_place_for(tmp_path):
    path = tmp_path / "a.mtp"
    for options, message in (
        ({"onsite": 2}, "no place for on-site terms: use save"),
        ({"cutoff_power": 3}, r"no place for the cutoff function \(R - r\)\^3"),
        ({"max_moment": {"Fe": 3.0, "Al": 1.0}}, "different largest moments"),
    ):
        with pytest.raises(ValueError, match=message):
            write_mtp(path, MomentTensorPotential(("Fe", "Al"), 4, **options))
    with pytest.raises(TypeError, match="got NoncollinearMomentTensorPotential: use save"):
        write_mtp(path, NoncollinearMomentTensorPotential("Fe", 4))
    assert not path.exists()


def test_pairs_of_species_in_another_order(tmp_path):
    """The labels 0-0, 0-1, ... are read: coefficients of other pairs would be silently wrong."""
    path = tmp_path / "two.mtp"
    write_mtp(path, MomentTensorPotential(("Fe", "Al"), 4, 1))
    text = path.read_text()
    path.write_text(
        text.replace("\t0-1\n", "\tx\n").replace("\t1-0\n", "\t0-1\n").replace("\tx\n", "\t1-0\n")
    )
    message = "the pairs of species 0-0, 1-0, 0-1, 1-1; they must be 0-0, 0-1, 1-0, 1-1, in this"
    with pytest.raises(ValueError, match=message):
        read_mtp(path, ("Fe", "Al"))
    path.write_text(text.replace("\t0-1\n", ""))
    with pytest.raises(ValueError, match="pairs of species 0-0, 1-0, 1-1; they must be"):
        read_mtp(path, ("Fe", "Al"))
