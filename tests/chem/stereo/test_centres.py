import pytest
from rdkit import Chem

from molinterp.chem.stereo.centres import EndChirality


def canonical(smiles):
    return Chem.CanonSmiles(smiles)


def turned(smiles, *ends):
    found = EndChirality(*(Chem.MolFromSmiles(end) for end in ends)).applied_to(Chem.MolFromSmiles(smiles))
    return None if found is None else Chem.MolToSmiles(found)


# L-cysteine is (R), the other L-amino acids are (S): the chirality is that of the arrangement, not of the label.
CYSTEINE, PHENYLALANINE = "CC(=O)N[C@@H](CS)C(=O)O", "N[C@@H](Cc1ccccc1)C(=O)O"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ("NC(=O)[C@H](N)Cc1ccccc1", "NC(=O)[C@@H](N)Cc1ccccc1"),
        ("CCN[C@H](Cc1ccccc1)C(N)=O", "CCN[C@@H](Cc1ccccc1)C(N)=O"),
        ("NC(CCS)C(=O)O", "N[C@@H](CCS)C(=O)O"),
        ("O=C(O)[C@H]1CCCN1", "O=C(O)[C@@H]1CCCN1"),
    ],
)
def test_amino_acids_between_two_of_one_chirality_have_that_chirality(found, wanted):
    got = turned(found, CYSTEINE, PHENYLALANINE)
    assert got == canonical(wanted)
    assert turned(got, CYSTEINE, PHENYLALANINE) is None


def test_the_chirality_does_not_depend_on_how_a_molecule_is_written():
    d_form = Chem.MolFromSmiles("NC(=O)[C@H](N)Cc1ccccc1")
    chirality = EndChirality(Chem.MolFromSmiles(PHENYLALANINE))
    texts = {Chem.MolToSmiles(d_form, doRandom=True) for _ in range(40)}
    got = {Chem.MolToSmiles(chirality.applied_to(Chem.MolFromSmiles(text))) for text in texts}
    assert len(texts) > 10 and got == {canonical("NC(=O)[C@@H](N)Cc1ccccc1")}


def test_the_natural_chiralities_are_those_of_their_names():
    def cip(smiles):
        mol = Chem.MolFromSmiles(smiles)
        return [label for _, label in Chem.FindMolChiralCenters(mol, useLegacyImplementation=False)]

    assert cip(CYSTEINE) == ["R"] and cip(PHENYLALANINE) == ["S"]
    assert cip(turned("OC(=O)[C@@H](N)CO", CYSTEINE) or "OC(=O)[C@@H](N)CO") == ["S"]


def test_what_the_ends_leave_open_stays_open():
    racemic = "CC(C)NCC(O)COc1cccc2ccccc12"
    assert turned("Cc1ccccc1OC[C@H](O)CNC(C)C", racemic) == canonical("Cc1ccccc1OCC(O)CNC(C)C")


@pytest.mark.parametrize(
    ("smiles", "ends"),
    [
        ("NC(=O)[C@H](N)Cc1ccccc1", (PHENYLALANINE, "N[C@H](C)C(=O)O")),  # the ends disagree
        ("C[C@H](O)CC", (PHENYLALANINE, CYSTEINE)),  # no such centre at the ends
        ("CCCC", (PHENYLALANINE, CYSTEINE)),
        ("CC=9.C1CC2CC3CC1CC(C2)C3C9", (PHENYLALANINE, CYSTEINE)),  # double bond 15 of 14 atoms
        ("NC(=O)[C@H](N)Cc1ccccc1", ("CCO", "CCN")),
    ],
)
def test_else_it_stays_as_it_was_found(smiles, ends):
    assert turned(smiles, *ends) is None


def test_atoms_of_two_rings_are_left_alone_where_no_end_has_such_rings():
    trans, cis = "C1CC[C@@H]2CCCC[C@H]2C1", "C1CC[C@@H]2CCC[C@@H]2C1"
    assert turned(trans, cis) is None and turned(cis, trans) is None
