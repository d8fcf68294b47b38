import pytest
from rdkit import Chem

from molinterp.chem.familiar import Familiar
from molinterp.chem.filters import FILTERS, Filters, FilterSettings, Traits, is_clean, own_fault
from molinterp.chem.properties import sa_score
from molinterp.errors import InputError

ASPIRIN, IBUPROFEN = (Chem.MolFromSmiles(s) for s in ("CC(=O)Oc1ccccc1C(=O)O", "CC(C)Cc1ccc(C(C)C(=O)O)cc1"))
BENZALDEHYDE = Chem.MolFromSmiles("O=Cc1ccccc1")


@pytest.mark.parametrize(
    ("smiles", "fault"),
    [
        ("CC(=O)O.CCO", "fragments"),
        ("C[CH]C", "radical"),
        ("C[N+](C)(C)C", "charge"),
        ("FC1=NN=PC1=S=NON=O", "unfamiliar"),
        ("O=Cc1ccccc1", "alert"),
        ("O=[N+]([O-])c1ccccc1", None),
        ("CC(=O)Nc1ccccc1", None),
        ("OC(=O)N1CCCCC1", "unstable"),
        ("C1CCCCCCC1", "ring"),
        ("Nc1nc2c(ncn2COCCO)c(=O)o1", "ring-system"),
    ],
)
def test_known_verdicts(smiles, fault):
    mol = Chem.MolFromSmiles(smiles)
    assert Filters.between(ASPIRIN, IBUPROFEN).fault(mol) == fault


def test_what_an_end_bears_is_allowed_between():
    tolualdehyde = Chem.MolFromSmiles("Cc1ccc(C=O)cc1")
    assert Filters.between(ASPIRIN, IBUPROFEN).fault(tolualdehyde) == "alert"
    assert Filters.between(BENZALDEHYDE, IBUPROFEN).fault(tolualdehyde) is None
    choline = Chem.MolFromSmiles("C[N+](C)(C)CCO")
    ethyl = Chem.MolFromSmiles("CC[N+](C)(C)CCO")
    assert Filters.between(ASPIRIN, IBUPROFEN).fault(choline) == "charge"
    assert Filters.between(choline, IBUPROFEN).fault(ethyl) != "charge"


def test_the_ends_pass_their_own_filters():
    filters = Filters.between(ASPIRIN, IBUPROFEN)
    assert [filters.fault(end) for end in (ASPIRIN, IBUPROFEN)] == [None, None]


def test_sa_score_is_held_against_the_harder_end():
    everything = Chem.MolFromSmiles("C[C@]12CC[C@H]3[C@@H](CC[C@H]4CC(=O)CC[C@@]43C)[C@@H]1CC[C@@H]2O")
    filters = Filters.between(ASPIRIN, IBUPROFEN)
    assert filters.context.max_sa_score == FilterSettings().sa_limit(max(map(sa_score, (ASPIRIN, IBUPROFEN))))
    assert filters.fault(everything) == "hard-to-make"
    assert Filters.between(ASPIRIN, everything).fault(everything) is None


def test_familiarity_comes_from_the_table_that_is_handed_in():
    nothing = Familiar.fit([])
    filters = Filters.between(ASPIRIN, IBUPROFEN, familiar=nothing)
    assert filters.fault(Chem.MolFromSmiles("CCN")) == "unfamiliar"
    assert filters.fault(ASPIRIN) is None
    assert Filters.alone(nothing).fault(ASPIRIN) == "unfamiliar"


@pytest.mark.parametrize(
    ("smiles", "clean"),
    [
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", True),
        ("O=[N+]([O-])c1ccccc1", True),
        ("O=Cc1ccccc1", False),
        ("C[N+](C)(C)CCO", False),
        ("CC(=O)O.CCO", False),
        ("C[CH]C", False),
        ("FC1=NN=PC1=S=NON=O", False),
        ("CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5", False),
    ],
)
def test_clean_is_absolute(smiles, clean):
    assert is_clean(Chem.MolFromSmiles(smiles, sanitize=True)) == clean


@pytest.mark.parametrize(
    ("smiles", "fault"),
    [
        ("CC(C)Cc1ccc(C(C)C(=O)O)cc1", None),
        ("CC(=O)O.CCO", "fragments"),
        ("C[N+](C)(C)CCO", "charge"),
        ("C[CH]C", "radical"),
        ("FC1=NN=PC1=S=NON=O", "unfamiliar"),
        ("CN1CC[C@]23c4c5ccc(O)c4O[C@H]2[C@@H](O)C=C[C@H]3[C@H]1C5", "hard-to-make"),
        ("O=Cc1ccccc1", "alert"),
    ],
)
def test_what_a_molecule_lacks_to_be_clean_has_a_name(smiles, fault):
    assert own_fault(Chem.MolFromSmiles(smiles)) == fault


def test_each_filter_has_a_name_of_its_own():
    names = [f.name for f in FILTERS]
    assert len(set(names)) == len(names)


def test_costly_filters_come_last():
    costs = [f.cost.value for f in FILTERS]
    assert costs == sorted(costs)


def test_cheap_and_costly_filters_together_are_all():
    filters = Filters.between(ASPIRIN, IBUPROFEN)
    for smiles in ("CC(=O)O.CCO", "O=Cc1ccccc1", "CC(=O)Nc1ccccc1"):
        mol = Chem.MolFromSmiles(smiles)
        parts = [filters.cheap_fault(mol), "alert" if filters.raises_alert(mol) else None]
        assert filters.fault(mol) == next((p for p in parts if p), None)


@pytest.mark.parametrize(
    ("smiles", "reason", "atoms"),
    [
        ("CC(=O)O.CCO", "2 components", ()),
        ("C[CH]C", "unpaired electron", (1,)),
        ("C[N+](C)(C)C", "net charge +1", (1,)),
        ("C1CCCCCCC1", "ring of 8 atoms", tuple(range(8))),
        ("OC(=O)N1CCCCC1", "carbamic acid: loses carbon dioxide", (0, 1, 2, 3)),
        ("O=Cc1ccccc1", "aldehyde", (0, 1)),
        (
            "Nc1nc2c(ncn2COCCO)c(=O)o1",
            "ring system O=c1ocnc2ncnc12 that no known compound has",
            (1, 2, 3, 4, 5, 6, 7, 13, 15),
        ),
    ],
)
def test_a_failure_says_why_and_where(smiles, reason, atoms):
    failure = Filters.between(ASPIRIN, IBUPROFEN).failure(Chem.MolFromSmiles(smiles))
    assert failure.reason == reason and failure.atoms == atoms


def test_a_condition_gives_its_own_name():
    filters = Filters.between(ASPIRIN, IBUPROFEN, conditions=[lambda mol: "too plain"])
    assert filters.fault(Chem.MolFromSmiles("CC(=O)Nc1ccccc1")) == "too plain"


def test_an_element_that_is_not_allowed_is_named():
    filters = Filters.between(ASPIRIN, IBUPROFEN, elements=["C", "O"])
    failure = filters.failure(Chem.MolFromSmiles("CC(=O)Nc1ccccc1"))
    assert (failure.name, failure.reason, failure.atoms) == ("element", "N not allowed", (3,))


def test_an_unknown_element_is_refused():
    with pytest.raises(InputError, match="`elements` must be symbols such as C,N,O; got 'Xx'"):
        Filters.between(ASPIRIN, elements=["Xx"])


@pytest.mark.parametrize(
    ("hardest", "limit"), [(2.0, 3.5), (3.0, 3.5), (3.2, 3.7), (4.4, 4.9), (4.6, 4.6), (6.0, 6.0)]
)
def test_the_sa_limit_follows_the_harder_end(hardest, limit):
    assert FilterSettings().sa_limit(hardest) == pytest.approx(limit)


def test_soft_alerts_fail_where_they_are_asked_to():
    nitrobenzene = Chem.MolFromSmiles("O=[N+]([O-])c1ccccc1")
    assert Filters.between(ASPIRIN, IBUPROFEN, soft_alerts_pass=False).fault(nitrobenzene) == "alert"
    assert Filters.alone(soft_alerts_pass=False).fault(nitrobenzene) == "alert"


def test_every_failure_is_listed_one_a_filter():
    bad = Chem.MolFromSmiles("O=CC1CCCCCCC1CF")
    names = [failure.name for failure in Filters.between(ASPIRIN, IBUPROFEN).failures(bad)]
    assert names == sorted(set(names), key=[f.name for f in FILTERS].index)
    assert {"ring", "alert"} <= set(names)
    assert Filters.between(ASPIRIN, IBUPROFEN).failures(ASPIRIN) == ()


MAPPED = {"aldehyde": ("O=Cc1ccccc1", "O=Cc1ccc(C=O)cc1"), "ring": ("C1CCCCCCC1", "C1CCCCCCC1C1CCCCCCC1")}


def test_an_alert_is_excused_at_the_same_atoms_only():
    end, two = (Chem.MolFromSmiles(s) for s in MAPPED["aldehyde"])
    filters = Filters.between(end, IBUPROFEN)
    own = {i: i for i in range(8)}  # the ring and its first aldehyde
    assert filters.fault(two) is None
    assert filters.fault(Traits(end, [{i: i for i in range(8)}, {}])) is None
    failure = filters.failure(Traits(two, [own, {}]))
    assert failure.name == "alert" and failure.atoms == (6, 7)


def test_a_ring_is_excused_at_the_same_atoms_only():
    end, two = (Chem.MolFromSmiles(s) for s in MAPPED["ring"])
    filters = Filters.between(end, IBUPROFEN)
    assert filters.fault(two) != "ring"
    failure = filters.failure(Traits(two, [{i: i for i in range(8)}, {}]))
    assert failure.name == "ring" and failure.atoms == tuple(range(8, 16))


def test_an_unstable_group_is_excused_at_the_same_atoms_only():
    end, other = (Chem.MolFromSmiles(s) for s in ("OC(=O)N1CCCCC1", "OC(=O)N1CCC(C)CC1"))
    filters = Filters.between(end, IBUPROFEN)
    assert filters.fault(other) is None
    assert filters.fault(Traits(other, [{i: i for i in range(4)}, {}])) is None
    assert filters.fault(Traits(other, [{i: i for i in range(1, 4)}, {}])) == "unstable"
