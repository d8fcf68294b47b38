import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.alignment import align
from molinterp.chem.changes import Change, describe_change, group_tables
from molinterp.chem.changes.group_names import group_name

DRUGS = [Chem.MolFromSmiles(s) for s in list(drugs().values())[:24]]


def change(start: str, end: str) -> Change:
    a, b = Chem.MolFromSmiles(start), Chem.MolFromSmiles(end)
    return describe_change(a, b, align(a, b)[0].pairs)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("Cc1ccc(C(F)(F)F)cc1", "Cc1ccc(C)cc1", "CF3 -> CH3"),
        ("CC(C)(C)c1ccc(CN)cc1", "FC(F)(F)c1ccc(CN)cc1", "tert-butyl -> CF3"),
        ("CCNC(=O)c1ccccc1", "CCNC(=O)c1cccnc1", "phenyl -> 3-pyridyl"),
        ("CCNC(=O)c1ccccc1", "CCNC(=O)c1ccncc1", "phenyl -> 4-pyridyl"),
        ("CCNC(=O)c1ccccn1", "CCNC(=O)c1cccnc1", "2-pyridyl -> 3-pyridyl"),
        ("CCOc1ccc(CC(=O)O)cc1", "CCOc1ccc(CC(=O)O)nc1", "benzene -> pyridine"),
        ("NCCc1ccccc1", "NCCC1CCCCC1", "phenyl -> cyclohexyl"),
        ("c1ccc2ncccc2c1", "c1cc(N2CCOCC2)c2ncccc2c1", "add morpholine"),
        ("CNC(=O)c1ccc(C)cc1", "CNC(=O)c1ccccc1", "remove methyl"),
        ("Clc1ccc(CCN)cc1", "Fc1ccc(CCN)cc1", "Cl -> F"),
        ("CN1CCN(c2ccccc2)CC1", "CCN1CCN(c2ccccc2)CC1", "N-methyl -> N-ethyl"),
        ("COc1ccccc1CC(=O)O", "CCOc1ccccc1CC(=O)O", "OMe -> OEt"),
        ("OC(=O)CCc1ccccc1", "COC(=O)CCc1ccccc1", "CO2H -> CO2Me"),
        ("NC(=O)c1cccc(Br)c1", "N#Cc1cccc(Br)c1", "CONH2 -> CN"),
        ("NS(=O)(=O)c1ccc(CN)cc1", "NC(=O)c1ccc(CN)cc1", "SO2NH2 -> CONH2"),
        ("Nc1ccc(CC)cc1", "CC(=O)Nc1ccc(CC)cc1", "NH2 -> NHAc"),
        ("CN(C)CCc1ccccc1", "C[N+](C)(C)CCc1ccccc1", "NMe2 -> NMe3+"),
        ("O=C(O)CCc1ccc(F)cc1", "O=C(O)CCc1cccc(F)c1", "4-F moved to 3"),
        ("CCCc1ccccc1CN", "CC=Cc1ccccc1CN", "single -> double bond"),
        ("CC(=O)CCc1ccccc1", "CC(O)CCc1ccccc1", "C=O -> C-OH"),
        ("Cc1ccc(C(=O)Nc2ccccc2)cc1C#N", "Cc1ccc(NC(=O)c2ccccc2)cc1C#N", "amide reversed"),
        ("c1ccccc1C(=O)NCc1ccncc1", "c1ccccc1CC(=O)NCc1ccncc1", "CH2 inserted"),
        ("c1ccccc1OCc1ccncc1", "c1ccccc1SCc1ccncc1", "O -> S"),
        ("O=C(c1ccccc1)N1CCCCC1", "O=C(c1ccccc1)N1CCCC1", "piperidine -> pyrrolidine"),
        ("CCNC(=O)c1ccc2[nH]ccc2c1", "CCNC(=O)c1ccccc1", "remove fused pyrrole"),
        ("c1ccc(CCN)cc1", "Fc1ccc(CCN)cc1Cl", "add F; add Cl"),
        ("C[C@H](N)C(=O)NCc1ccccc1", "C[C@@H](N)C(=O)NCc1ccccc1", "inverted centre"),
        ("C/C=C/CCc1ccccc1", r"C/C=C\CCc1ccccc1", "E/Z double bond"),
        ("CC(N)C(=O)O", "C[C@H](N)C(=O)O", "stereochemistry"),
        ("CCO", "OCC", ""),
    ],
)
def test_a_change_in_a_chemists_words(start, end, words):
    assert change(start, end).words == words


def test_a_ring_that_closes_between_mapped_atoms():
    a, b = Chem.MolFromSmiles("CCCCCCN"), Chem.MolFromSmiles("C1CCCCC1N")
    found = describe_change(a, b, [(i, i) for i in range(7)])
    assert found.words == "ring closed (6)"
    assert (found.size, found.n_sites, found.gained_bonds) == (0, 1, ((0, 5),))
    back = describe_change(b, a, [(i, i) for i in range(7)])
    assert back.words == "ring opened (6)"
    assert back.lost_bonds == ((0, 5),)


def test_atoms_bonds_and_places_of_a_change():
    found = change("CNC(=O)c1ccc(C)cc1", "CNC(=O)c1ccc(C(F)(F)F)cc1")
    assert (found.lost, len(found.gained), found.altered) == ((), 3, ())
    assert (found.size, found.larger, found.n_sites) == (3, 3, 1)
    assert len(found.gained_bonds) == 3
    assert found.is_readable
    swap = change("Clc1ccc(CCN)cc1", "Fc1ccc(CCN)cc1")
    assert (len(swap.altered), swap.size, swap.larger) == (1, 2, 1)


def test_an_unchanged_molecule_has_no_change():
    found = change("CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1OC(C)=O")
    assert (found.size, found.n_sites, found.words) == (0, 0, "")
    assert found.is_readable


@pytest.mark.parametrize(
    ("start", "end", "is_readable"),
    [
        ("CCNC(=O)c1ccccc1", "CCNC(=O)C1CCCCC1", True),
        ("O=C(c1ccccc1)N1CCCCC1", "O=C(c1ccccc1)N1CCOCC1", True),
        ("Fc1ccc(CCNC(C)=O)cc1", "COC(=O)c1ccc(CCNC(=O)C(F)(F)F)cc1", False),
        ("CCNC(=O)c1ccccc1", "CCNC(=O)c1ccc(CCCN2CCN(CC)CC2)cc1", False),
    ],
)
def test_what_reads_at_one_glance(start, end, is_readable):
    assert change(start, end).is_readable == is_readable


@pytest.mark.parametrize("k", range(0, 24, 2))
def test_any_change_has_words_and_counts_that_agree(k):
    a, b = DRUGS[k], DRUGS[k + 1]
    for pairs in (
        align(a, b)[0].pairs,
        (),
        [(i, i) for i in range(min(a.GetNumAtoms(), b.GetNumAtoms(), 5))],
    ):
        found = describe_change(a, b, pairs)
        assert found.words
        assert len(found.lost) + len(found.pairs) == a.GetNumHeavyAtoms()
        assert len(found.gained) + len(found.pairs) == b.GetNumHeavyAtoms()
        assert found.size == len(found.lost) + len(found.gained) + 2 * len(found.altered)
        kept = a.GetNumBonds() - len(found.lost_bonds)
        assert kept == b.GetNumBonds() - len(found.gained_bonds)
        back = describe_change(b, a, [(j, i) for i, j in pairs])
        assert (back.size, back.n_sites, back.is_readable) == (found.size, found.n_sites, found.is_readable)


@pytest.mark.parametrize(
    ("smiles", "name"),
    [
        ("*c1ccc(Cl)c(Cl)c1", "3,4-dichlorophenyl"),
        ("*c1ccccc1C(F)(F)F", "2-CF3-phenyl"),
        ("*N1CCN(CCO)CC1", "hydroxyethylpiperazine"),
        ("*NC1CC1", "cyclopropylamino"),
        ("*Cc1cccnc1", "(3-pyridyl)methyl"),
        ("*C(=O)NC1CC1", "CONH-cyclopropyl"),
        ("*CCCN1CCOCC1", "morpholinepropyl"),
        ("*c1ccc2[nH]ncc2c1", "indazole"),
        ("*C(=O)N*", "amide"),
        ("*C(C#N)=NOC", "*C(C#N)=NOC"),
        ("*C(CC)C(=O)OCCCCCCCCCCCCCCCCCCCC", "C24H47O2"),
    ],
)
def test_names_of_groups(smiles, name):
    part = Chem.MolFromSmiles(smiles)
    assert group_name(part, [a.GetIdx() for a in part.GetAtoms() if a.GetAtomicNum()]) == name


@pytest.mark.parametrize("table", ["GROUPS", "RINGS", "LINKERS", "BEFORE"])
def test_all_named_groups_are_molecules_and_none_is_named_twice(table):
    named = getattr(group_tables, table)
    canonical = [Chem.CanonSmiles(smiles) for smiles in named]
    assert len(set(canonical)) == len(canonical)
