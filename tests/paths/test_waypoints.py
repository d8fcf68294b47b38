import pytest
from rdkit import Chem

from molinterp.chem.similarity import tanimoto
from molinterp.errors import InputError
from molinterp.paths.interpolate import interpolate
from molinterp.paths.waypoints import interpolate_through
from molinterp.report.formats import render
from molinterp.report.view import read_view
from tests.tolerances import EXACT

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
IBUPROFEN = "CC(C)Cc1ccc(C(C)C(=O)O)cc1"
LAST = "CC(C)Cc1ccccc1"


def test_a_path_by_way_of_a_compound_is_its_two_legs():
    legs = [interpolate(ASPIRIN, IBUPROFEN), interpolate(IBUPROFEN, LAST)]
    found = interpolate_through([ASPIRIN, IBUPROFEN, LAST])
    assert found.smiles == legs[0].smiles + legs[1].smiles[1:]
    t = [s.t for s in found]
    assert t == sorted(t) and t[0] == 0.0 and t[-1] == pytest.approx(1.0)
    assert found.length == pytest.approx(legs[0].length + legs[1].length)
    assert found.length**2 <= 2 * found.energy * (1 + EXACT)
    ends = (Chem.MolFromSmiles(ASPIRIN), Chem.MolFromSmiles(LAST))
    assert found.steps[0].similarity_to_end == tanimoto(*ends)


def test_the_compounds_on_the_way_keep_their_names(tmp_path):
    names = ["aspirin", "ibuprofen", ""]
    found = interpolate_through([ASPIRIN, IBUPROFEN, LAST], names, steps=2, pointwise=True)
    assert found.to_frame()["name"].tolist() == names
    file = tmp_path / "path.json"
    file.write_text(render(found, ".json"), encoding="utf-8")
    assert read_view(file).table["name"].tolist() == names
    unnamed = interpolate_through([ASPIRIN, IBUPROFEN, LAST], steps=2, pointwise=True)
    assert unnamed.to_frame()["name"].tolist() == ["", "", ""]


def test_stereoisomers_stand_apart_though_they_are_similar():
    threonines = ["C[C@@H](O)[C@H](N)C(=O)O", "C[C@H](O)[C@H](N)C(=O)O", "C[C@H](O)[C@@H](N)C(=O)O"]
    found = interpolate_through(threonines, steps=2)
    assert [s.t for s in found] == [0.0, 0.5, 1.0] and found.length == 0.0


def test_a_note_says_which_legs_it_is_of():
    found = interpolate_through([ASPIRIN, IBUPROFEN, LAST], steps=2, keep=["smarts:C(=O)O"])
    leg = interpolate(IBUPROFEN, LAST, steps=2, keep=["smarts:C(=O)O"])
    broken = "keep smarts:C(=O)O: broken at step 1"
    assert broken in leg.notes
    assert f"leg 2: {broken}" in found.notes and f"leg 1: {broken}" not in found.notes
    assert all(note.startswith(("leg 1: ", "leg 2: ", "every leg: ")) for note in found.notes)


def test_one_compound_is_no_way_and_each_has_a_name():
    with pytest.raises(InputError, match="`names` must be one for each of 3 compounds; got 2"):
        interpolate_through([ASPIRIN, IBUPROFEN, LAST], names=["a", "b"])
    with pytest.raises(InputError, match="`compounds` must be at least two; got 1"):
        interpolate_through([ASPIRIN])
