import re

import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molinterp.report import structures as drawings
from molinterp.report.structures import draw_path


def test_what_changed_is_counted():
    counts = [d.n_changed for d in draw_path(["c1ccccc1", "Cc1ccccc1", "Cc1ccccc1C", "C", "CC"])]
    assert counts == [None, 1, 1, 0, 1]


def test_a_mirror_image_is_a_change_of_its_centre_alone():
    assert [d.n_changed for d in draw_path(["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"])] == [None, 1]


def test_the_first_has_no_mark_and_others_do():
    first, second = draw_path(["c1ccccc1", "Cc1ccccc1"])
    assert "molinterp-changed" not in first.svg and "molinterp-changed" in second.svg


def test_atoms_in_common_lie_where_they_lay():
    before, after = (Chem.MolFromSmiles(s) for s in ("Clc1ccc(CC(=O)O)cc1", "O=C(O)Cc1ccc(Br)cc1"))
    rdDepictor.Compute2DCoords(before)
    rdDepictor.Compute2DCoords(after)
    drawings._align(after, before)
    core = Chem.MolFromSmarts("c1ccc(CC(=O)O)cc1")
    places = [
        [tuple(m.GetConformer().GetAtomPosition(i))[:2] for i in m.GetSubstructMatch(core)]
        for m in (before, after)
    ]
    centred = [[(x - p[0][0], y - p[0][1]) for x, y in p] for p in places]
    flat = [[v for point in p for v in point] for p in centred]
    assert flat[1] == pytest.approx(flat[0], abs=0.2)


def test_atoms_do_not_overlap_where_a_free_drawing_has_room():
    before, after = (Chem.MolFromSmiles(s) for s in ("COc1ccc(COC(C)=O)cc1C", "CC(C)Oc1ccccc1C(=O)O"))
    rdDepictor.Compute2DCoords(before)
    for smiles in ("CC(=O)Oc1ccc(C(C)C)cc1", "COc1ccc(OC(C)=O)cc1OC", "COc1ccc(COC(C)=O)cc1C"):
        before = Chem.MolFromSmiles(smiles)
        rdDepictor.Compute2DCoords(before)
        mol = Chem.Mol(after)
        rdDepictor.Compute2DCoords(mol)
        drawings._align(mol, before)
        assert drawings._nearest(mol) >= drawings.MIN_GAP


def test_drawings_are_plain():
    for drawing in draw_path(["CC(=O)Oc1ccccc1C(=O)O", "OC[C@H](Br)S(=O)(=O)N", "no <b>molecule</b>"]):
        assert not re.search(r"style=|<script|href|url\(|#000000|<b>", drawing.svg)
    labels = draw_path(["CCO"])[0].svg
    assert "#d6382d" in labels  # the letters OH, in the colour of oxygen


@pytest.mark.parametrize("text", ["", "xx", "<img onerror=1>", "C" * 3000, "C1CC"])
def test_what_is_no_molecule_is_said_so(text):
    first, second = draw_path([text, "CCO"])
    assert "not drawn" in first.svg and first.n_changed is None
    assert second.n_changed is None


def test_a_substructure_search_ends_after_its_steps_whatever_the_clock(monkeypatch):
    raloxifene = "O=C(c1ccc(OCCN2CCCCC2)cc1)c1c(-c2ccc(O)cc2)sc2cc(O)ccc12"
    amiodarone = "CCCCc1oc2ccccc2c1C(=O)c1cc(I)c(OCCN(CC)CC)c(I)c1"
    in_common = []
    for steps in (100, drawings.MCS_STEPS):
        monkeypatch.setattr(drawings, "MCS_STEPS", steps)
        n_changed = draw_path([raloxifene, amiodarone])[1].n_changed
        in_common.append(31 - n_changed)
    # What RDKit finds when it is stopped early, and with 20 s of time.
    assert in_common == [2, 12]
