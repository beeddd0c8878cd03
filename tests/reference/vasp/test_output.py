"""Output of VASP: what is read, and what is refused."""

import numpy as np
import pytest
from ase.calculators.calculator import CalculationFailed
from ase.io import read

from ase_mag.reference import BadOutput, NotConverged
from ase_mag.reference.vasp import read_oszicar
from ase_mag.reference.vasp.output import constrained_moments

#: The last lines of the OSZICAR of antiferromagnetic NiO in VASP's public manual (I_CONSTRAINED_M).
MANUAL = """
 E_p =  0.36856E-07  lambda =  0.500E+02
<lVp>=  0.30680E-02
 DBL = -0.30680E-02
 ion        MW_int                 M_int
  1 -0.565  0.000  0.000   -0.770  0.000  0.000
  2  0.565  0.000  0.000    0.770  0.000  0.000
  3 -0.565  0.000  0.000   -0.770  0.000  0.000
  4  0.565  0.000  0.000    0.770  0.000  0.000
DAV:   9    -0.133293621087E+03   -0.91037E-06   -0.18419E-08  4188   0.104E-03
   1 F= -.13329362E+03 E0= -.13329362E+03  d E =0.000000E+00  mag=     0.0000     0.0000     0.0000

 E_p =  0.36600E-07  lambda =  0.500E+02
 ion             lambda*MW_perp
  1  -0.67580E-03  -0.12424E-22  -0.88276E-23
  2   0.67580E-03   0.14700E-22  -0.24744-122
  3  -0.67790E-03  -0.82481E-23  -0.19834E-22
  4   0.67790E-03   0.15710E-23   0.34505E-22
"""


def test_the_oszicar_of_the_manual(tmp_path):
    """Real output: lambda*MW_perp has the factor one, E_p = sum |lambda*MW_perp|^2/lambda."""
    path = tmp_path / "OSZICAR"
    path.write_text(MANUAL)
    penalty = read_oszicar(path, 4)
    assert (penalty.energy, penalty.weight, penalty.iterations) == (0.366e-7, 50.0, 1)
    np.testing.assert_array_equal(penalty.moments[:, 0], [-0.565, 0.565, -0.565, 0.565])
    np.testing.assert_array_equal(penalty.integrated[:, 0], [-0.770, 0.770, -0.770, 0.770])
    assert penalty.perpendicular[1, 2] == -0.24744e-122
    ratio = np.sum(penalty.perpendicular**2) / penalty.weight / penalty.energy
    assert ratio == pytest.approx(1.0, abs=2e-3)  # 1.0014
    # M_CONSTR is not shown in the manual; it is MW_int but for 1.35e-5 mu_B along x.
    targets = penalty.moments - penalty.perpendicular / 50.0
    moments, residual = constrained_moments(penalty, targets, 2, path)
    np.testing.assert_allclose(moments, penalty.moments, rtol=0, atol=1e-12)
    np.testing.assert_allclose(residual, penalty.perpendicular, rtol=0, atol=1e-30)


def test_penalty_energies_of_the_manual():
    """The iron dimer of the manual, I_CONSTRAINED_M = 1: E_p from MW_int with three decimals."""
    dimer = {
        (10.0, 0.35424e-2): [[0, 0.013, 1.557], [0, 1.092, 1.110]],
        (50.0, 0.22591e-3): [[0, 0.002, 1.545], [0, 1.086, 1.087]],
    }
    units = np.array([[0, 0, 1.0], [0, 0.5**0.5, 0.5**0.5]])
    for (weight, printed), moments in dimer.items():
        moments = np.array(moments)
        along = np.einsum("ij,ij->i", moments, units)[:, None] * units
        left = np.linalg.norm(moments - along, axis=1)
        low, high = (weight * np.sum(np.clip(left + d, 0, None) ** 2) for d in (-7e-4, 7e-4))
        assert low < printed < high


def test_moments_of_outcar_are_complete(vasp, iron, tmp_path):
    iron.calc = calc = vasp()
    iron.get_potential_energy()
    moments = read(tmp_path / "run" / "OUTCAR", format="vasp-out").get_magnetic_moments()
    assert moments.shape == (2, 3) and np.abs(moments).min() > 0.1
    np.testing.assert_array_equal(calc.results["sphere_magmoms"], moments)


@pytest.mark.parametrize(
    ("mood", "error", "message"),
    [
        ("stubborn", NotConverged, r"did not converge in 2 attempts: .*before EDIFF was reached"),
        ("cut_OUTCAR", BadOutput, r"OUTCAR does not end as it should"),
        ("cut_vasprun.xml", BadOutput, r"vasprun\.xml cannot be read: \w+"),
        ("cut_OSZICAR", BadOutput, r"OSZICAR.*(rows for 2 ions|has no)"),
        ("no_field", BadOutput, r"OSZICAR has no table lambda\*MW_perp"),
        ("sign", BadOutput, r"the sign of lambda\*MW_perp is not that of M - M_CONSTR"),
        ("factor", BadOutput, r"prints something else than lambda \(M - M_CONSTR\)"),
    ],
)
def test_bad_output_is_never_a_result(vasp, iron, monkeypatch, mood, error, message):
    monkeypatch.setenv("FAKE_VASP", mood)
    iron.calc = vasp()
    with pytest.raises(error, match=message) as caught:
        iron.get_potential_energy()
    assert isinstance(caught.value, CalculationFailed)
    assert iron.calc.results == {}


def test_output_of_other_atoms_is_refused(vasp, iron, fake, monkeypatch, tmp_path):
    def swapped(folder):
        fake_main(folder)
        text = (folder / "vasprun.xml").read_text()
        (folder / "vasprun.xml").write_text(text.replace("<c>Fe</c>", "<c>Co</c>", 1))
        return 0

    fake_main = fake.main
    monkeypatch.setattr(fake, "main", swapped)
    iron.calc = vasp()
    with pytest.raises(BadOutput, match=r"vasprun\.xml is of CoFe, not of the atoms .*\(Fe2\)"):
        iron.get_potential_energy()

    def moved(folder):
        fake_main(folder)
        text = (folder / "OUTCAR").read_text()
        (folder / "OUTCAR").write_text(text.replace("1.48500", "1.49500"))
        return 0

    monkeypatch.setattr(fake, "main", moved)
    with pytest.raises(BadOutput, match=r"OUTCAR has other positions"):
        iron.get_potential_energy()


def test_files_that_were_not_written(tmp_path):
    with pytest.raises(BadOutput, match=r"VASP has not written .*OSZICAR"):
        read_oszicar(tmp_path / "OSZICAR", 2)
    (tmp_path / "OSZICAR").write_text(MANUAL.replace("0.36600E-07", "*********"))
    with pytest.raises(BadOutput, match=r"'\*\*\*\*\*\*\*\*\*' is not a number"):
        read_oszicar(tmp_path / "OSZICAR", 4)
    (tmp_path / "OSZICAR").write_text(MANUAL)
    with pytest.raises(BadOutput, match="has 4 rows for 5 ions"):
        read_oszicar(tmp_path / "OSZICAR", 5)
