"""Finding PAW data sets and reading their headers."""

from hashlib import sha256

import pytest
from ase.units import Bohr

from ase_mag.reference.abinit import find_pseudopotentials


def test_header(data_sets):
    found = find_pseudopotentials(["Fe", "Al", "Fe"], folders=[data_sets])
    assert list(found) == ["Al", "Fe"]
    iron = found["Fe"]
    assert (iron.valence, iron.functional, iron.path) == (16.0, "PBE", data_sets / "Fe.xml")
    assert iron.radius == pytest.approx(2.1153157434 * Bohr, rel=1e-12)
    assert iron.digest == sha256(iron.path.read_bytes()).hexdigest()


def test_earlier_folders_win_and_names_can_be_chosen(data_sets, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "my_iron.xml").write_bytes((data_sets / "Fe.xml").read_bytes())
    for chosen in ("my_iron.xml", str(other / "my_iron.xml")):
        found = find_pseudopotentials(["Fe"], {"Fe": chosen}, [other, data_sets])
        assert found["Fe"].path == other / "my_iron.xml"
    assert find_pseudopotentials(["Fe"], None, [other, data_sets])["Fe"].path.parent == data_sets


def test_missing_file_says_where_it_was_looked_for(data_sets, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"for Co: looked for .*data_sets/Co.xml, .*Co.xml"):
        find_pseudopotentials(["Fe", "Co"], None, [data_sets])
    with pytest.raises(FileNotFoundError, match=r"for Fe: looked for /nowhere/Fe.xml\. Set pp_pa"):
        find_pseudopotentials(["Fe"], {"Fe": "/nowhere/Fe.xml"}, [data_sets])


def test_other_files_and_elements(data_sets):
    with pytest.raises(ValueError, match=r"Al\.xml is a data set of Al, not of Fe"):
        find_pseudopotentials(["Fe"], {"Fe": "Al.xml"}, [data_sets])
    (data_sets / "Fe.xml").write_text("<psp8/>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"Fe\.xml is not a PAW data set in XML"):
        find_pseudopotentials(["Fe"], None, [data_sets])
    with pytest.raises(ValueError, match="must be a dict like"):
        find_pseudopotentials(["Fe"], "Fe.xml", [data_sets])
