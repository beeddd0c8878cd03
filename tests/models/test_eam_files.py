"""Tabulated potentials: what is written comes back, matscipy reads the same, errors name lines."""

import numpy as np
import pytest
from ase.build import bulk
from matscipy.calculators.eam import EAM

from ase_mag import models, testing
from ase_mag.core import PairGraph
from ase_mag.models import EmbeddedAtom, SquareRootEmbedding, TabulatedEmbedding
from ase_mag.models.eam_files import read_eam, write_eam
from ase_mag.models.eam_tables import table_function, table_slopes
from ase_mag.models.radial_forms import cubic

PSI = {"Fe": cubic(1.0, 4.0), "Al": cubic(2.0, 3.5)}
PAIR = {
    ("Fe", "Fe"): cubic(3.0, 4.4),
    ("Fe", "Al"): cubic(1.0, 3.2),
    ("Al", "Al"): cubic(2.0, 3.9),
}
EMBEDDING = {"Fe": SquareRootEmbedding(1.2, 1e-3), "Al": SquareRootEmbedding(0.7, 2e-3)}


def alloy():
    """The density depends on the neighbor only."""
    return EmbeddedAtom(("Fe", "Al"), PSI, PAIR, EMBEDDING)


def finnis_sinclair():
    """The density depends on both."""
    density = {
        ("Fe", "Fe"): PSI["Fe"],
        ("Fe", "Al"): PSI["Al"],
        ("Al", "Fe"): cubic(0.4, 4.4),
        ("Al", "Al"): cubic(1.5, 3.0),
    }
    return EmbeddedAtom(("Fe", "Al"), density, PAIR, EMBEDDING)


def structure():
    atoms = bulk("Fe", a=2.87, cubic=True) * (3, 3, 3)
    rng = np.random.default_rng(5)
    atoms.positions += rng.normal(scale=0.1, size=(54, 3))
    atoms.symbols[:] = rng.choice(["Fe", "Al"], 54)
    return atoms


def response(atoms, model):
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    return model.evaluate(graph, np.zeros((len(atoms), 3)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "potential.eam"


@pytest.mark.parametrize(
    ("kind", "model"), [("alloy", alloy()), ("fs", alloy()), ("fs", finnis_sinclair())]
)
def test_what_is_written_comes_back(kind, model, path):
    n = 4000
    write_eam(path, model, max_density=20.0, n_density=n, n_radius=n, kind=kind, comment="a test")
    assert path.read_text().splitlines()[0] == "a test UNITS: metal"
    tables = read_eam(path)
    assert (tables.kind, tables.species, tables.cutoff) == (kind, ("Fe", "Al"), 4.4)
    r = tables.radius_step * np.arange(n)
    for a in range(2):
        for b in range(2):
            np.testing.assert_array_equal(tables.density[a, b], model.density[a, b](r))
            charge = (r * model.pair[a, b](r))[1:]
            np.testing.assert_array_equal(tables.charge[a, b, 1:], charge)
        rho = np.linspace(0, 20, n)
        np.testing.assert_array_equal(tables.embedding[a], model.embedding[a].evaluate(rho)[0])
    read = EmbeddedAtom.from_file(path)
    atoms = structure()
    ours, expected = response(atoms, read), response(atoms, model)
    np.testing.assert_allclose(ours.energies, expected.energies, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.forces, expected.forces, rtol=0, atol=1e-6)
    np.testing.assert_allclose(ours.virial, expected.virial, rtol=0, atol=1e-5)
    testing.check_model(read)


@pytest.mark.parametrize(("kind", "model"), [("alloy", alloy()), ("fs", finnis_sinclair())])
def test_matscipy_reads_the_same(kind, model, path):
    write_eam(path, model, max_density=20.0, n_density=5000, n_radius=5000, kind=kind)
    ours = response(structure(), EmbeddedAtom.from_file(path))
    atoms = structure()
    atoms.calc = EAM(str(path), kind=f"eam/{kind}")
    assert abs(ours.energy - atoms.get_potential_energy()) < 1e-6
    assert np.abs(ours.forces - atoms.get_forces()).max() < 1e-5


def test_some_species_in_another_order(path):
    write_eam(path, finnis_sinclair(), max_density=20.0)
    both, swapped = EmbeddedAtom.from_file(path), EmbeddedAtom.from_file(path, ("Al", "Fe"))
    atoms = structure()
    np.testing.assert_array_equal(response(atoms, both).energies, response(atoms, swapped).energies)
    iron = EmbeddedAtom.from_file(path, "Fe")
    assert iron.species == ("Fe",)
    atoms.symbols[:] = "Fe"
    np.testing.assert_array_equal(response(atoms, both).energies, response(atoms, iron).energies)
    with pytest.raises(ValueError, match="describes Fe, Al, not Cu: choose among its species"):
        EmbeddedAtom.from_file(path, ("Fe", "Cu"))


def test_table_functions():
    step, n = 0.01, 400
    r = step * np.arange(n)
    # Exact for a cubic polynomial that ends smoothly at the cutoff.
    f = table_function(step, (4.0 - r) ** 3, 4.0)
    x = np.random.default_rng(0).uniform(2 * step, 3.95, 1000)
    value, slope = f.evaluate(x)
    np.testing.assert_allclose(value, (4.0 - x) ** 3, rtol=0, atol=1e-12)
    np.testing.assert_allclose(slope, -3 * (4.0 - x) ** 2, rtol=0, atol=1e-10)
    assert f.evaluate(np.array([4.0, 5.0]))[0].tolist() == [0.0, 0.0]
    # h^4 |f''''|/384 for a smooth function: here f'''' = 3^4 exp(-3 r).
    g = table_function(step, np.exp(-3 * r), 4.0)
    error = np.abs(g(x) - np.exp(-3 * x)) / np.exp(-3 * x)
    bound = (3 * step) ** 4 / 384
    assert 0.7 * bound < error.max() < 1.2 * bound
    # Slopes are exact for quartic polynomials.
    x = np.linspace(0, 1, 11)
    np.testing.assert_allclose(table_slopes(0.1, x**4)[2:-2], 4 * x[2:-2] ** 3, atol=1e-13)
    # The table may be shorter or longer than the cutoff.
    assert table_function(step, np.ones(n), 9.0).cutoff == pytest.approx(4.0)
    assert table_function(step, np.ones(n), 3.123).cutoff == 3.123


def test_tabulated_embedding_is_a_straight_line_beyond_its_table():
    rho = 0.1 * np.arange(101)
    table = TabulatedEmbedding(0.1, rho**3 - rho)
    x = np.array([1.234, 5.0, 9.7])
    value, slope = table.evaluate(x)
    np.testing.assert_allclose(value, x**3 - x, rtol=1e-12)
    np.testing.assert_allclose(slope, 3 * x**2 - 1, rtol=1e-11)
    (a, b, c), slopes = table.evaluate(np.array([10.0, 11.0, 12.0]))
    assert a == pytest.approx(990.0, rel=1e-14)
    assert c - b == pytest.approx(b - a, rel=1e-13)
    np.testing.assert_allclose(slopes, b - a, rtol=1e-13)
    (a, b, c), slopes = table.evaluate(np.array([0.0, -1.0, -2.0]))
    assert (a, c) == (0.0, 2 * b)
    np.testing.assert_allclose(slopes, -b, rtol=1e-14)


def lines_of(path, model=None):
    write_eam(path, model or finnis_sinclair(), max_density=20.0, n_density=10, n_radius=10)
    return path.read_text().splitlines()


def broken(path, lines, message):
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=message) as error:
        read_eam(path)
    assert str(error.value).startswith(f"{path}, line ")


def test_errors_name_the_line(path):
    lines = lines_of(path)
    assert read_eam(path).kind == "fs"
    broken(path, lines[:-1], r"expected 10 values of r\*V\(r\) of Al-Al, found the end .* after 5")
    broken(path, lines[:8], "line 8: expected 10 values of the density function of Fe, found the")
    broken(path, lines[:5], "line 5: expected atomic number, mass.* of Fe, found the end")
    broken(path, lines[:2], "line 2: expected the number of elements .* truncated")
    broken(path, ["a", "b", "c", "some text"], "line 4: expected the number of elements")
    broken(path, [*lines[:3], "3 Fe Al"], "line 4: expected 3 chemical symbols, found '3 Fe Al'")
    broken(path, [*lines[:3], "1 Xy"], "line 4: expected 1 chemical symbols, found '1 Xy'")
    broken(path, [*lines[:4], "10 0.1 10"], "line 5: expected n_density, density step")
    broken(path, [*lines[:4], "10 0.1 3 0.1 5"], "line 5: expected .* at least 5 points")
    broken(path, [*lines[:4], "10 0.1 10 0.1 5 30.0"], r"5 numbers \(6 are in eam/he files\)")
    damaged = lines.copy()
    damaged[7] = damaged[7].replace(damaged[7].split()[2], "oops")
    broken(path, damaged, "line 8: expected values of the embedding function of Fe, found '.*oops")
    damaged[7] = lines[7] + " 1.0"
    broken(path, damaged, "line 8: expected 10 values of the embedding function of Fe, found 11")
    damaged[7] = lines[7].replace(lines[7].split()[2], "nan")
    broken(path, damaged, "line 8: expected values of the embedding function of Fe, found")


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.eam cannot be read: No such file"):
        read_eam(tmp_path / "missing.eam")
    with pytest.raises(IsADirectoryError, match="cannot be read"):
        EmbeddedAtom.from_file(tmp_path)


def test_wrong_atomic_numbers_do_not_matter(path):
    lines = [line.replace("13 26.98", "1 26.98") for line in lines_of(path)]
    assert "1 26.98" in "\n".join(lines)
    path.write_text("\n".join(lines))
    assert read_eam(path).species == ("Fe", "Al")


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (alloy(), {"kind": "setfl"}, "kind must be 'fs' or 'alloy', got 'setfl'"),
        (alloy(), {"max_density": 0.0}, "max_density must be positive, got 0.0"),
        (alloy(), {"n_radius": 3}, "at least 5 points, got n_density=2000, n_radius=3"),
        (finnis_sinclair(), {"kind": "alloy"}, "but those of Fe, Al depend on both"),
        (
            EmbeddedAtom("Fe", pair=cubic(1, 3)),
            {},
            "only models with densities and pair energies can be tabulated",
        ),
    ],
)
def test_bad_arguments_of_write(model, options, message, path):
    with pytest.raises(ValueError, match=message):
        write_eam(path, model, **{"max_density": 20.0, **options})
    assert not path.exists()


def test_named_model_survives(path):
    write_eam(path, models.mendelev_2003(), max_density=100.0, kind="alloy")
    assert read_eam(path).species == ("Fe",)
