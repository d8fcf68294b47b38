from itertools import permutations

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.stereo.centres import EndChirality
from molinterp.chem.stereo.fused_rings import FusedRings
from molinterp.chem.stereo.neighbourhoods import SIGNS, tetrahedral

TESTOSTERONE = "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O"
PROGESTERONE = "CC(=O)[C@H]1CC[C@H]2[C@@H]3CCC4=CC(=O)CC[C@]4(C)[C@H]3CC[C@]12C"
LEVONORGESTREL = "C#C[C@]1(O)CC[C@H]2[C@@H]3CCC4=CC(=O)CC[C@@H]4[C@H]3CC[C@@]21CC"
ESTRADIOL = "C[C@]12CC[C@@H]3c4ccc(O)cc4CC[C@H]3[C@@H]1CC[C@@H]2O"
MORPHINE = "CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5"
PENICILLIN_G = "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O"
QUININE = "C=C[C@H]1CN2CC[C@H]1C[C@H]2[C@H](O)c1ccnc2ccc(OC)cc12"
COCAINE = "COC(=O)[C@H]1[C@@H](OC(=O)c2ccccc2)C[C@@H]2CC[C@H]1N2C"
ARTEMISININ = "C[C@@H]1CC[C@H]2[C@@H](C)C(=O)O[C@@H]3O[C@@]4(C)CC[C@@H]1[C@@]23OO4"
CAMPHOR = "CC1(C)[C@@H]2CC[C@@]1(C)C(=O)C2"
ENDS = (TESTOSTERONE, PROGESTERONE, LEVONORGESTREL, ESTRADIOL, MORPHINE, PENICILLIN_G, QUININE, COCAINE)
ENDS += (ARTEMISININ, CAMPHOR)


def canonical(smiles):
    # Twice: SMILES of caged centres need it.
    return Chem.CanonSmiles(Chem.CanonSmiles(smiles))


def flat(smiles):
    mol = Chem.MolFromSmiles(smiles)
    Chem.RemoveStereochemistry(mol)
    return canonical(Chem.MolToSmiles(mol))


def between(smiles, *ends):
    mol = Chem.MolFromSmiles(smiles)
    found = EndChirality(*(Chem.MolFromSmiles(end) for end in ends)).applied_to(mol)
    return canonical(smiles if found is None else Chem.MolToSmiles(found))


@pytest.mark.parametrize("end", ENDS)
def test_an_end_without_its_stereo_comes_back_as_it_is(end):
    assert between(flat(end), end) == canonical(end)
    assert EndChirality(Chem.MolFromSmiles(end)).applied_to(Chem.MolFromSmiles(end)) is None


@pytest.mark.parametrize("end", ENDS)
def test_the_mirror_image_of_an_end_is_turned(end):
    mol = Chem.MolFromSmiles(end)
    for atom in mol.GetAtoms():
        atom.InvertChirality()
    assert between(Chem.MolToSmiles(mol), end) == canonical(end)


# The wanted molecule is written like the end, with substituents and bonds changed in place.
@pytest.mark.parametrize(
    ("found", "ends", "wanted"),
    [
        (
            "CCC[C@@]12CC[C@@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@H]2O",  # cis C/D
            (PROGESTERONE, LEVONORGESTREL),
            "CCC[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O",
        ),
        (
            "CCC[C@@]12CC[C@@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@]2(C)O",  # one end has 17-OH
            (PROGESTERONE, LEVONORGESTREL),
            "C[C@]1(O)CC[C@H]2[C@@H]3CCC4=CC(=O)CC[C@]4(C)[C@H]3CC[C@@]21CCC",
        ),
        (
            "CC12CC[C@@H]3c4ccccc4CC[C@H]3C1CCC2O",
            (TESTOSTERONE, ESTRADIOL),
            "C[C@]12CC[C@@H]3c4ccccc4CC[C@H]3[C@@H]1CC[C@@H]2O",
        ),
        (  # the bridge of morphine is gone; three rings are as there
            "CN1CCC23c4cccc(O)c4O[C@H]2[C@@H](O)C=CC13",
            (MORPHINE, "CCC(=O)N(c1ccccc1)C1CCN(CCc2ccccc2)CC1"),
            "CN1CC[C@]23c4cccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]31",
        ),
        (  # ring D is open
            "CCC1(C)CCC2C(CCC3=CC(=O)CCC32C)C1",
            (TESTOSTERONE, PROGESTERONE),
            "C[C@]1(CC)CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)C1",
        ),
        (
            "CC1(C)SC2C(N)C(=O)N2C1C(=O)O",
            (PENICILLIN_G, ESTRADIOL),
            "CC1(C)S[C@@H]2[C@H](N)C(=O)N2[C@H]1C(=O)O",
        ),
    ],
)
def test_rings_between_have_the_chirality_of_the_same_rings_at_an_end(found, ends, wanted):
    got = between(found, *ends)
    assert flat(got) == flat(found)
    assert got == canonical(wanted)
    assert between(got, *ends) == got


CORE = "C[C@]12CC[C@H]3[C@@H](CCC4CCCCC43)[C@@H]1CCC2"
"""Atoms of a steroid with the chirality of C8, C9, C13 and C14."""


@pytest.mark.parametrize("end", [TESTOSTERONE, PROGESTERONE, LEVONORGESTREL])
@pytest.mark.parametrize(
    "found",
    [
        "CCCC12CCC3C(CCC4=CC(=O)CCC43C)C1CCC2O",
        "CC12CCC3C(CCC4CC(=O)CCC43C)C1CCC2=O",
        "C#CC1(O)CCC2C3CCC4=CC(=O)CCC4C3CCC21C",
        "CC12CCC3C(CCc4cc(N)ccc43)C1CCC2O",
    ],
)
def test_the_core_of_steroids_matches_with_its_chirality(found, end):
    query = Chem.MolFromSmiles(CORE)
    generic = Chem.AdjustQueryParameters.NoAdjustments()
    generic.makeBondsGeneric = True
    query = Chem.AdjustQueryProperties(query, generic)
    assert Chem.MolFromSmiles(end).HasSubstructMatch(query, useChirality=True)
    assert Chem.MolFromSmiles(between(found, end)).HasSubstructMatch(query, useChirality=True)
    mirrored = Chem.MolFromSmiles(between(found, end))
    for atom in mirrored.GetAtoms():
        atom.InvertChirality()
    assert not mirrored.HasSubstructMatch(query, useChirality=True)


def test_the_chirality_does_not_depend_on_how_a_molecule_is_written():
    chirality = EndChirality(Chem.MolFromSmiles(MORPHINE), Chem.MolFromSmiles(TESTOSTERONE))
    for text in ("CN1CCC23c4cccc(O)c4OC2C(O)C=CC13", "CC12CCC3C(CCC4=CC(=O)CCC43)C1CCC2N"):
        mol = Chem.MolFromSmiles(text)
        texts = {Chem.MolToSmiles(mol, doRandom=True) for _ in range(30)}
        given = {canonical(Chem.MolToSmiles(chirality.applied_to(Chem.MolFromSmiles(s)))) for s in texts}
        assert len(texts) > 10 and len(given) == 1


def test_a_ring_system_is_given_all_or_nothing():
    fused = FusedRings(Chem.MolFromSmiles(TESTOSTERONE))
    mol = Chem.MolFromSmiles("CC12CCC3C(CCC4=CC(=O)CCC43C)C1CCC2O")
    given = fused.assign(mol, tetrahedral(mol))
    assert not given.likely and set(given.sure) == set(tetrahedral(mol))
    assert set(given.sure.values()) <= SIGNS.keys()


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (PROGESTERONE, (flat(TESTOSTERONE), flat(LEVONORGESTREL))),  # the ends have no stereo
        (TESTOSTERONE, ("CCO", PENICILLIN_G)),  # no such rings
        ("O=C1CCC2CCCCC2C1", ("C1CC[C@@H]2CCC[C@@H]2C1",)),
        ("C1CCC2CC3CC3CC2C1", ("C[C@@H]1C[C@@H]2CCCC[C@H]2C[C@H]1C",)),  # a cyclopropane would be trans
        (TESTOSTERONE, ("C1CC2CCC1CC2", "c1ccc2[nH]ccc2c1")),
        ("c1ccc2[nH]ccc2c1", (TESTOSTERONE, MORPHINE)),
        ("C", (TESTOSTERONE, MORPHINE)),
    ],
)
def test_else_they_stay_as_they_were_found(found, ends):
    assert between(found, *ends) == canonical(found)


def test_a_cyclopropane_that_is_cis_is_given():
    got = between("C1CCC2CC3CC3CC2C1", "C[C@@H]1C[C@@H]2CCCC[C@H]2C[C@@H]1C")
    assert got == canonical("C1CC[C@H]2C[C@@H]3C[C@@H]3C[C@@H]2C1")


def test_ends_that_are_equal_and_disagree_give_nothing():
    trans, cis = "C1CC[C@@H]2CCCC[C@H]2C1", "C1CC[C@@H]2CCCC[C@@H]2C1"
    assert between(trans, cis) == canonical(cis) and between(cis, trans) == canonical(trans)
    for found in (trans, cis):
        assert between(found, trans, cis) == canonical(found)


def test_what_an_end_leaves_open_in_rings_with_stereo_stays_open():
    open_alcohol = TESTOSTERONE.replace("CC[C@@H]2O", "CCC2O")
    assert between(TESTOSTERONE, open_alcohol) == canonical(open_alcohol)


def test_the_constitution_of_drugs_stays_as_it_is():
    mols = [Chem.MolFromSmiles(smiles) for smiles in drugs().values()]
    fused = [mol for mol in mols if any(mol.GetRingInfo().NumAtomRings(i) > 1 for i in tetrahedral(mol))]
    some = fused[::6]
    assert len(some) > 5
    for start, end in permutations(some, 2):
        chirality = EndChirality(start, end)
        for mol in some[:4]:
            bare = flat(Chem.MolToSmiles(mol))
            given = chirality.applied_to(Chem.MolFromSmiles(bare))
            assert given is None or flat(Chem.MolToSmiles(given)) == bare
