import subprocess
import sys
from random import Random

import pytest
from molinterp.data import drugs
from rdkit import Chem

from molinterp.chem.alignment import Alignment, AlignmentSettings, align
from molinterp.chem.alignment.mapped_stereo import flipped_bonds, inverted_centres

PAIRS = {
    "sildenafil-vardenafil": (
        "CCCc1nn(C)c2c(=O)[nH]c(-c3cc(S(=O)(=O)N4CCN(C)CC4)ccc3OCC)nc12",
        "CCCc1nc(C)c2c(=O)[nH]c(-c3cc(S(=O)(=O)N4CCN(CC)CC4)ccc3OCC)nn12",
    ),
    "imatinib-nilotinib": (
        "Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1",
        "Cc1cn(cn1)c1cc(NC(=O)c2ccc(C)c(Nc3nccc(n3)-c3cccnc3)c2)cc(C(F)(F)F)c1",
    ),
    "losartan-valsartan": (
        "CCCCc1nc(Cl)c(CO)n1Cc1ccc(-c2ccccc2-c2nnn[nH]2)cc1",
        "CCCCC(=O)N(Cc1ccc(-c2ccccc2-c2nnn[nH]2)cc1)[C@H](C(=O)O)C(C)C",
    ),
    "penicillin G-cefalexin": (
        "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
        "CC1=C(C(=O)O)N2C(=O)[C@@H](NC(=O)[C@H](N)c3ccccc3)[C@H]2SC1",
    ),
    "testosterone-estradiol": (
        "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O",
        "C[C@]12CC[C@@H]3c4ccc(O)cc4CC[C@H]3[C@@H]1CC[C@@H]2O",
    ),
    "haloperidol-risperidone": (
        "O=C(CCCN1CCC(O)(c2ccc(Cl)cc2)CC1)c1ccc(F)cc1",
        "Cc1nc2n(c(=O)c1CCN1CCC(c3noc4cc(F)ccc34)CC1)CCCC2",
    ),
}
DRUGS = [Chem.MolFromSmiles(s) for s in list(drugs().values())[:24]]


def mol(smiles: str) -> Chem.Mol:
    return Chem.MolFromSmiles(smiles)


def both(name: str) -> tuple[Chem.Mol, Chem.Mol]:
    a, b = PAIRS[name]
    return mol(a), mol(b)


def shared(a: Chem.Mol, b: Chem.Mol, found: Alignment, smarts: str) -> bool:
    """Whether a pattern of A is mapped, whole, onto atoms of the same elements."""
    mapped = dict(found.pairs)
    return any(
        all(i in mapped and same(a, b, i, mapped[i]) for i in match)
        for match in a.GetSubstructMatches(Chem.MolFromSmarts(smarts))
    )


def same(a: Chem.Mol, b: Chem.Mol, i: int, j: int) -> bool:
    return a.GetAtomWithIdx(i).GetAtomicNum() == b.GetAtomWithIdx(j).GetAtomicNum()


def shuffled(molecule: Chem.Mol, seed: int) -> Chem.Mol:
    order = list(range(molecule.GetNumAtoms()))
    Random(seed).shuffle(order)
    return Chem.RenumberAtoms(molecule, order)


@pytest.mark.parametrize("k", range(0, 24, 2))
def test_a_map_is_one_to_one_sorted_and_keeps_rings_whole(k):
    a, b = DRUGS[k], DRUGS[k + 1]
    for found in align(a, b):
        mapped = dict(found.pairs)
        assert list(found.pairs) == sorted(found.pairs)
        assert len(set(mapped.values())) == len(found.pairs)
        for m, own in ((a, mapped.keys()), (b, mapped.values())):
            rings = [set(ring) for ring in m.GetRingInfo().AtomRings()]
            for i in own:
                own_rings = [ring for ring in rings if i in ring]
                assert not own_rings or any(ring <= set(own) for ring in own_rings)
        assert all(a.GetAtomWithIdx(i).IsInRing() == b.GetAtomWithIdx(j).IsInRing() for i, j in found.pairs)


@pytest.mark.parametrize("k", range(0, 24, 2))
def test_maps_come_in_order_of_cost_without_duplicates_and_no_more_than_asked(k):
    found = align(DRUGS[k], DRUGS[k + 1], AlignmentSettings(max_maps=3))
    assert 1 <= len(found) <= 3
    assert [one.cost for one in found] == sorted(one.cost for one in found)
    assert len({one.pairs for one in found}) == len(found)


@pytest.mark.parametrize("k", range(24))
def test_a_molecule_maps_onto_itself_whole_whatever_the_order_of_its_atoms(k):
    a = DRUGS[k]
    b = shuffled(a, k)
    best = align(a, b)[0]
    assert len(best.pairs) == a.GetNumHeavyAtoms()
    assert best.cost == 0
    assert all(same(a, b, i, j) for i, j in best.pairs)


@pytest.mark.parametrize("name", PAIRS)
def test_the_cost_does_not_depend_on_which_molecule_comes_first(name):
    a, b = both(name)
    assert align(a, b)[0].cost == pytest.approx(align(b, a)[0].cost, rel=0.25)


@pytest.mark.parametrize(
    ("name", "smarts"),
    [
        ("imatinib-nilotinib", "Cc1ccccc1Nc1nccc(-c2cccnc2)n1"),
        ("losartan-valsartan", "Cc1ccc(-c2ccccc2-c2nnn[nH]2)cc1"),
        ("losartan-valsartan", "[CH3][CH2][CH2][CH2]"),
        ("penicillin G-cefalexin", "c1ccccc1CC(=O)NC1CNC1=O"),
        ("penicillin G-cefalexin", "C(=O)[OH]"),
        ("haloperidol-risperidone", "CCN1CCCCC1"),
    ],
)
def test_famous_pairs_keep_what_they_share(name, smarts):
    a, b = both(name)
    assert shared(a, b, align(a, b)[0], smarts)


@pytest.mark.parametrize(("name", "n_lost"), [("sildenafil-vardenafil", 0), ("testosterone-estradiol", 1)])
def test_famous_pairs_of_one_skeleton_map_it_whole(name, n_lost):
    a, b = both(name)
    best = align(a, b)[0]
    assert len(best.pairs) == a.GetNumHeavyAtoms() - n_lost
    assert not inverted_centres(a, b, dict(best.pairs))


def test_the_pair_of_haloperidol_and_risperidone_keeps_the_chlorophenyl_as_fluorophenyl():
    a, b = both("haloperidol-risperidone")
    (chlorine,) = a.GetSubstructMatch(Chem.MolFromSmarts("Cl"))
    mapped = dict(align(a, b)[0].pairs)
    assert b.GetAtomWithIdx(mapped[chlorine]).GetSymbol() == "F"


def test_positions_of_a_ring_are_not_scrambled():
    a, b = mol("Cc1ccc(F)c(C(=O)NC2CCCCC2)c1"), mol("Cc1ccc(Cl)c(C(=O)NC2CCCCC2)c1")
    (best, *_) = align(a, b)
    assert len(best.pairs) == a.GetNumHeavyAtoms()
    assert all(same(a, b, i, j) for i, j in best.pairs if a.GetAtomWithIdx(i).GetSymbol() != "F")


def test_a_halogen_at_another_position_is_not_mapped_across_the_ring():
    a, b = mol("O=C(O)CCc1ccc(F)cc1"), mol("O=C(O)CCc1cccc(F)c1")
    fluorine = a.GetSubstructMatch(Chem.MolFromSmarts("F"))[0]
    best = align(a, b)[0]
    assert fluorine not in dict(best.pairs)
    assert len(best.pairs) == 11


def test_a_small_fragment_far_from_the_common_part_is_not_mapped():
    a = mol("CS(=O)(=O)CCCn1c(=O)c(Oc2ccc(F)cc2F)cc2cnc(NC3CCOCC3)nc21")
    b = mol("Cn1c(=O)c(Oc2ccc(F)cc2F)cc2cnc(NCC(C)(C)O)nc21")
    sulfur = a.GetSubstructMatch(Chem.MolFromSmarts("S"))[0]
    assert all(sulfur not in dict(found.pairs) for found in align(a, b))


def test_what_hangs_beyond_an_exchanged_ring_is_kept_in_place():
    a, b = mol("CCNC(=O)c1ccc(-c2ccc(C(N)=O)s2)cc1"), mol("CCNC(=O)c1ccc(-c2ccc(C(N)=O)cc2)cc1")
    assert shared(a, b, align(a, b)[0], "[NH2]C=O")


def test_a_reversed_amide_keeps_both_sides():
    a, b = mol("Cc1ccc(C(=O)Nc2ccccc2)cc1C#N"), mol("Cc1ccc(NC(=O)c2ccccc2)cc1C#N")
    best = align(a, b)[0]
    assert sum(a.GetAtomWithIdx(i).GetIsAromatic() for i, _ in best.pairs) == 12


def test_nothing_in_common_gives_one_empty_map():
    found = align(mol("C1CC1"), mol("O"))
    assert [one.pairs for one in found] == [()]
    assert align(mol("C1CC1"), mol("CCC"))[0].pairs == ()


def test_maps_that_a_symmetry_turns_into_each_other_are_given_once():
    found = align(mol("Cc1ccccc1"), mol("CCc1ccccc1"))
    whole = [one for one in found if len(one.pairs) == 7]
    assert len(whole) == 1


def test_hydrogens_and_several_fragments_are_no_obstacle():
    deuterated = mol("[2H]C([2H])([2H])c1ccccc1")
    assert len(align(deuterated, mol("Cc1ccccc1"))[0].pairs) == 7
    assert len(align(mol("CC(=O)[O-].[Na+]"), mol("CCC(=O)[O-].[Na+]"))[0].pairs) >= 3
    assert align(Chem.MolFromSmiles(""), mol("C"))[0].pairs == ()


def test_a_pair_on_which_a_common_subgraph_search_crashes_is_aligned():
    found = align(mol("CC(=O)Nc1ccccc1"), mol("CC(=O)Nc1ccccn1"))
    assert len(found[0].pairs) == 10


def test_large_molecules_are_aligned_by_the_same_bounded_work():
    chain = "NC(=O)C" * 40
    found = align(mol(chain), mol(chain.replace("C(=O)C", "C(=O)C(C)", 3)))
    assert len(found[0].pairs) >= 150


def test_same_maps_in_another_process():
    a, b = PAIRS["imatinib-nilotinib"]
    code = (
        "import sys; from rdkit import Chem; from molinterp.chem.alignment import align;"
        "print([(x.pairs, x.cost) for x in align(*map(Chem.MolFromSmiles, sys.argv[1:]))])"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", code, a, b],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
        ).stdout
        for seed in ("1", "2")
    }
    assert outs == {str([(x.pairs, x.cost) for x in align(mol(a), mol(b))]) + "\n"}


def test_inverted_centres_are_found_whatever_the_order_of_the_neighbours():
    a, b = mol("C[C@H](N)C(=O)O"), mol("C[C@@H](N)C(=O)O")
    for seed in range(6):
        other, again = shuffled(b, seed), shuffled(a, seed)
        assert len(inverted_centres(a, other, dict(align(a, other)[0].pairs))) == 1
        assert not inverted_centres(a, again, dict(align(a, again)[0].pairs))


def test_a_centre_is_judged_by_the_map_where_a_neighbour_or_its_hydrogen_changes():
    a = mol("N[C@@H](C)C(=O)O")
    assert not inverted_centres(
        a, mol("N[C@@H](CC)C(=O)O"), dict(align(a, mol("N[C@@H](CC)C(=O)O"))[0].pairs)
    )
    # Hydrogen replaced by methyl in its place.
    kept, turned = mol("N[C@@](F)(C)C(=O)O"), mol("N[C@](F)(C)C(=O)O")
    mapped = dict(align(a, kept)[0].pairs)
    assert len(inverted_centres(a, kept, mapped)) + len(inverted_centres(a, turned, mapped)) == 1
    assert not inverted_centres(a, kept, mapped)


def test_double_bonds_that_change_sides_are_found():
    a, b = mol("C/C=C/CCc1ccccc1"), mol(r"C/C=C\CCc1ccccc1")
    pairs = dict(align(a, b)[0].pairs)
    assert len(flipped_bonds(a, b, pairs)) == 1
    assert not flipped_bonds(a, a, {i: i for i in range(a.GetNumAtoms())})


def test_the_best_map_of_each_reading_stands_among_those_returned():
    a, b = both("haloperidol-risperidone")
    assert {found.reading for found in align(a, b)} == {"any", "alike", "connected"}
