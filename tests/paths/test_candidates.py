import numpy as np
import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.edits import EDITS, Goal
from molinterp.chem.filters import Limits, qed_dip
from molinterp.chem.molecule_terms import SCALES
from molinterp.chem.properties import logp, mw, qed, tpsa
from molinterp.chem.similarity import tanimoto
from molinterp.chem.stereo.centres import EndChirality
from molinterp.paths.candidates import FLOOR, Candidates
from molinterp.paths.request import TERM_WEIGHTS
from tests.tolerances import AUTODIFF, EXACT

START, END = (Chem.MolFromSmiles(s) for s in ("CCCCc1ccccc1O", "CCCCc1ccc(F)cc1N"))
DRUGS = [Chem.MolFromSmiles(s) for s in list(drugs().values())[:42]]
BETWEEN = ["CCCCc1ccccc1N", "CCCc1ccccc1O", "CCCCc1ccc(F)cc1O"]


def fresh(weigh=None) -> Candidates:
    return Candidates(START, END, Limits().judge(START, END), weigh)


def filled(weigh=None) -> Candidates:
    found = fresh(weigh)
    assert [found.add(p, "edit") for p in found.proposals(BETWEEN)] == [2, 3, 4]
    return found


def test_the_ends_are_the_first_two():
    found = fresh()
    assert [found[i].smiles for i in range(len(found))] == [Chem.MolToSmiles(START), Chem.MolToSmiles(END)]
    assert found.weights.tolist() == [FLOOR, FLOOR]


def test_similarities_are_those_of_the_molecules_and_none_to_itself():
    found = filled()
    for i in range(len(found)):
        for j in range(len(found)):
            expected = 0.0 if i == j else tanimoto(found[i].mol, found[j].mol)
            assert found.similarity[i, j] == pytest.approx(expected, abs=1e-7)


def test_the_table_grows_past_its_first_size():
    found = fresh()
    chains = ["C" * n + "c1ccccc1" + "O" * (k % 2) for n in range(2, 6) for k in range(2)]
    rings = [f"CCCCc1cc{a}c({b})c1" for a in "cn" for b in ("C", "F", "O", "N", "CC", "Cl", "OC")]
    found._table = np.zeros((2, 2), np.float32)
    found._table[0, 1] = found._table[1, 0] = tanimoto(START, END)
    for proposal in found.proposals([*chains, *rings]):
        found.add(proposal, "edit")
    assert len(found) > 4
    assert (found.similarity == found.similarity.T).all()
    assert found.similarity[0, 1] == pytest.approx(tanimoto(START, END))


@pytest.mark.parametrize("text", ["CCCCc1ccccc1O", "c1(O)ccccc1CCCC"])
def test_an_end_in_any_spelling_is_no_candidate(text):
    found = fresh()
    assert [found.add(p, "curve") for p in found.proposals([text])] in ([], [None])


def test_what_was_proposed_is_not_proposed_again():
    found = fresh()
    assert len(found.proposals([BETWEEN[0], "Nc1ccccc1CCCC"])) == 1
    assert found.proposals([BETWEEN[0]]) == []


def test_stereo_isomers_of_a_candidate_are_turned_down():
    ends = [Chem.MolFromSmiles(s) for s in ("CCC(O)c1ccccc1", "CCC(N)c1ccccc1")]
    found = Candidates(*ends, Limits().judge(*ends))
    one, other = found.proposals(["CC[C@H](C)c1ccccc1", "CC[C@@H](C)c1ccccc1"])
    assert found.add(one, "curve") == 2
    assert found.add(other, "curve") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [("C" * 40, "size"), ("C", "size"), ("CCCCc1ccccc1[O-]", "charge"), ("CCCC[CH]c1ccccc1", "radical")],
)
def test_what_is_turned_down_is_counted(text, reason):
    found = fresh()
    for proposal in found.proposals([text, "not-a-molecule"]):
        assert found.add(proposal, "curve") is None
    assert found.rejected == {reason: 1}


def test_lambda_counts_how_far_properties_leave_the_range_of_the_ends():
    found = filled()
    for i in range(2, len(found)):
        outside = []
        for f, scale in ((logp, SCALES["logp"]), (tpsa, SCALES["tpsa"]), (mw, SCALES["mw"])):
            low, high = sorted((f(START), f(END)))
            value = f(found[i].mol)
            outside.append(max(low - value, value - high, 0.0) / scale)
        assert found[i].terms["range"] == pytest.approx(
            TERM_WEIGHTS["range"] * np.mean(outside), abs=AUTODIFF
        )
        assert found.weights[i] == pytest.approx(FLOOR + found[i].terms["range"], abs=EXACT)
    assert found[3].terms["range"] > 0


def test_settling_adds_the_depth_of_qed_and_finds_alerts():
    found = fresh()
    fine, alerting = found.proposals(["CCCCc1ccccc1N", "CCCCc1ccccc1C=O"])
    assert (found.add(fine, "edit"), found.add(alerting, "edit")) == (2, 3)
    before = found.weights
    assert found.allowed.all()
    assert not found.is_clear(3)
    assert found.allowed.tolist() == [True, True, True, False]
    assert found.rejected["alert"] == 1
    found.is_settled(2)
    dip = qed_dip(found[2].mol, min(qed(START), qed(END)))
    assert found[2].terms["qed"] == pytest.approx(TERM_WEIGHTS["qed"] * dip, abs=EXACT)
    assert found.weights[2] == pytest.approx(before[2] + TERM_WEIGHTS["qed"] * dip, abs=EXACT)
    assert found.is_settled(2)


@pytest.mark.parametrize("k", range(0, 40, 4))
def test_products_of_edits_are_taken_as_their_smiles_would_be(k):
    mol, donor = DRUGS[k], DRUGS[k + 1]
    products = [product for edit in EDITS for product in edit(mol, Goal(donor, range(1, 100)))]
    one, other = (Candidates(mol, donor, Limits(catalogues=()).judge(mol, donor)) for _ in range(2))
    edited = one.edited(products)
    spelt = other.proposals([p.smiles for p in products])
    assert [p.smiles for p in edited] == [p.smiles for p in spelt]
    assert one.rejected == other.rejected and one.edited(products) == []
    for own, reread, there in zip(edited, map(one.reread, edited), spelt, strict=True):
        assert own.fingerprint == reread.fingerprint == there.fingerprint
        assert reread.smiles == there.smiles == Chem.MolToSmiles(reread.mol)


def test_barred_candidates_are_allowed_nowhere():
    found = filled()
    found.bar([2, 4])
    assert found.allowed.tolist() == [True, True, False, True, False]


def test_further_terms_are_taken_once_in_batches():
    asked = []

    def weigh(smiles):
        asked.append(list(smiles))
        return [{"density": float(len(s))} for s in smiles]

    found = filled(weigh)
    plain = found.weights
    found.weigh([0, 3, 1])
    found.weigh(range(5))
    assert asked[0] == [found[i].smiles for i in (0, 3, 1)]
    assert sorted(s for batch in asked for s in batch) == sorted(found[i].smiles for i in range(5))
    expected = plain + [len(found[i].smiles) for i in range(5)]
    np.testing.assert_allclose(found.weights, expected, atol=EXACT)
    assert found[2].terms["density"] == len(BETWEEN[0])


def test_stereocentres_between_have_the_hands_of_the_ends_but_in_compounds_that_exist():
    ends = [Chem.MolFromSmiles(s) for s in ("C[C@H](N)C(=O)O", "N[C@@H](Cc1ccccc1)C(=O)O")]
    other_hand = "CC[C@@H](N)C(=O)O"
    for origin, wanted in (("curve", "CC[C@H](N)C(=O)O"), ("library", other_hand)):
        found = Candidates(*ends, Limits().judge(*ends), hands=EndChirality(*ends))
        (proposal,) = found.proposals([other_hand])
        number = found.add(proposal, origin)
        assert found[number].smiles == Chem.CanonSmiles(wanted)
        assert Chem.MolToSmiles(found[number].mol) == found[number].smiles
