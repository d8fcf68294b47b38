"""The gate takes what RDKit takes, as RDKit takes it, within its limits, and names every refusal."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from molinterp.chem import parsing as gate
from molinterp.chem.parsing import MAX_CHARACTERS, MAX_HEAVY_ATOMS, MAX_RINGS, check_size, parse
from molinterp.errors import InvalidMoleculeError
from tests.molecules import DRUGS, cage

PIECES = (
    "C c N n O S P F Cl Br [nH] [C@H] [C@@] [O-] [N+] [2H] [H] [13C] [Na+] * ( ) = # - / \\ . 1 2 %12 [ ]"
)
smiles_like = st.lists(st.sampled_from([*PIECES.split(), " "]), max_size=25).map("".join)


def accepted(text: str) -> Chem.Mol | None:
    """The molecule, or None for a refusal that has a reason."""
    try:
        return parse(text)
    except InvalidMoleculeError as error:
        assert error.reason
        return None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (" \t\n", "it is empty"),
        ("CC O", "there is a blank inside it"),
        ("CC\tO", "there is a blank inside it"),
        ("CC\nO", "there is a blank inside it"),
        ("CC\u00a0O", "there is a blank inside it"),
        ("C[C@H](N)O |&1:1|", "there is a blank inside it"),
        ("C" * 3000, "it has 3000 characters, the limit is 2000"),
        ("C" * 250, "it has 250 heavy atoms, the limit is 200"),
        ("C(" * 600 + "C" + ")" * 600, "it has 601 heavy atoms, the limit is 200"),
        (cage(40), "it has 40 rings, the limit is 30"),
        ("*C", "it holds a wildcard atom (*)"),
        ("C[*:1]", "it holds a wildcard atom (*)"),
        ("[H][H]", "it has no atom heavier than hydrogen"),
        ("[H+]", "it has no atom heavier than hydrogen"),
        (".".join(["[H+]"] * 300), "it has no atom heavier than hydrogen"),
        ("C1CC", "unclosed ring 1"),
        ("C%12CC", "unclosed ring 12"),
        ("CC)C", "a ')' without '(' at character 3"),
        ("C(C(C", "2 '(' not closed"),
        ("[CH3", "a square bracket is not closed"),
        ("CXC", "'X' is no atom that SMILES allows outside square brackets"),
        ("CC>CO", "character '>' at position 3 is not SMILES"),
        ("C\u00e9", "character '\u00e9' at position 2 is not SMILES"),
        ("\u4e2dCCO", "character '\u4e2d' at position 1 is not SMILES"),
        ("CCO\u200b", "character '\\u200b' at position 4 is not SMILES"),
        ("CCO\x00", "character '\\x00' at position 4 is not SMILES"),
        ("C\x00C", "character '\\x00' at position 2 is not SMILES"),
        ("[Xx]", "it is not SMILES"),
        (
            "CC1=CC2o(C)CC1CC2",
            "it has no sound structure: Explicit valence for atom # 4 O, 3, is greater than permitted",
        ),
        ("C==C", "it is not SMILES"),
        ("CN(C)(C)(C)C", "atom 2 (N) has more bonds than its element allows"),
        ("C" + "([H])" * 300, "atom 1 (C) has more bonds than its element allows"),
        (
            "c1cccc1",
            "an aromatic ring in it has no Kekule form (is a hydrogen missing, as in [nH]?)",
        ),
    ],
)
def test_refusal_has_its_reason(text, reason):
    with pytest.raises(InvalidMoleculeError, match=re.escape(reason)) as caught:
        parse(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "it is empty"),
        (float("nan"), "it is empty"),
        (5, "it is no text but int"),
        (b"CCO", "it is no text but bytes"),
        (Chem.MolFromSmiles("CCO"), "it is no text but Mol; give Chem.MolToSmiles of it"),
    ],
)
def test_what_is_no_text_is_refused(value, reason):
    with pytest.raises(InvalidMoleculeError, match=reason):
        parse(value)


def test_error_names_the_row_and_keeps_the_text():
    with pytest.raises(InvalidMoleculeError, match=r"'C1CC'.*unclosed ring 1\. Check row 17\.") as caught:
        parse(" C1CC ", index=17)
    assert (caught.value.text, caught.value.index) == ("C1CC", 17)


def test_error_shortens_a_long_text_in_its_message_alone():
    with pytest.raises(InvalidMoleculeError, match=r"C\.\.\.'") as caught:
        parse("C" * 3000)
    assert len(str(caught.value)) < 200
    assert caught.value.text == "C" * 3000


def test_limits_are_taken_whole():
    assert parse("C" * MAX_HEAVY_ATOMS).GetNumAtoms() == MAX_HEAVY_ATOMS
    assert parse(cage(MAX_RINGS)).GetRingInfo().NumRings() >= MAX_RINGS
    assert parse("C" + " " * MAX_CHARACTERS).GetNumAtoms() == 1
    for text in ("C" * (MAX_HEAVY_ATOMS + 1), cage(MAX_RINGS + 1)):
        with pytest.raises(InvalidMoleculeError, match="the limit is"):
            parse(text)


@pytest.mark.parametrize("text", ["C" * 3000, "C" * 250, cage(40), "*C"])
def test_nothing_hostile_is_sanitised(text, monkeypatch):
    def fail(*_):
        raise AssertionError("RDKit was asked to work on a molecule that is over the limits")

    for name in ("SanitizeMol", "DetectChemistryProblems", "MolToSmiles", "AssignStereochemistry"):
        monkeypatch.setattr(gate.Chem, name, fail)
    with pytest.raises(InvalidMoleculeError, match="limit|wildcard"):
        parse(text)


def test_check_size_holds_molecules_from_files_to_the_same_limits():
    check_size(Chem.MolFromSmiles("CCO"), "ethanol")
    with pytest.raises(InvalidMoleculeError, match=r"'big'.*250 heavy atoms.*Check row 3\."):
        check_size(Chem.MolFromSmiles("C" * 250, sanitize=False), "big", 3)
    with pytest.raises(InvalidMoleculeError, match="no atom heavier than hydrogen"):
        check_size(Chem.Mol(), "")


@pytest.mark.parametrize("smiles", DRUGS.values(), ids=DRUGS)
def test_stereo_is_read_as_rdkit_reads_it(smiles):
    reference = Chem.MolFromSmiles(smiles)
    spellings = [smiles, *(Chem.MolToSmiles(reference, doRandom=True) for _ in range(5))]
    spellings += [Chem.MolToSmiles(Chem.AddHs(reference), doRandom=True) for _ in range(5)]
    for spelling in spellings:
        assert Chem.MolToSmiles(parse(spelling)) == Chem.CanonSmiles(spelling) == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("[H]O[H]", "O"),
        ("[H]C([H])([H])[H]", "C"),
        ("[2H]O[2H]", "[2H]O[2H]"),
        ("C[C@]([H])(F)Cl", "C[C@H](F)Cl"),
        ("[H][C@](C)(F)Cl", "C[C@@H](F)Cl"),
        ("[H]/C(C)=C/C", r"C/C=C\C"),
        ("[H]/N=C/C", "[H]/N=C/C"),
        ("F[C@H](F)Cl", "FC(F)Cl"),
        ("CN(=O)=O", "C[N+](=O)[O-]"),
        ("CN=N#N", "CN=[N+]=[N-]"),
        ("C%(100)CC%(100)", "C1CC1"),
        ("  CCO\n", "CCO"),
    ],
)
def test_known_reading(text, canonical):
    assert Chem.MolToSmiles(parse(text)) == canonical


@settings(deadline=None, derandomize=True)
@given(st.text())
@example("[#999]")
@example("[C+999999999999]")
@example("C%(99999)")
def test_any_text_is_a_molecule_within_the_limits_or_a_named_refusal(text):
    mol = accepted(text)
    if mol is not None:
        assert 1 <= mol.GetNumHeavyAtoms() <= MAX_HEAVY_ATOMS


@settings(deadline=None, derandomize=True, max_examples=500)
@given(smiles_like)
def test_what_passes_is_what_rdkit_reads(text):
    mol = accepted(text)
    with rdBase.BlockLogs():
        read = Chem.MolFromSmiles(text)
    if mol is not None and read is not None:
        assert Chem.MolToSmiles(mol) == Chem.MolToSmiles(read)


@settings(deadline=None, derandomize=True, max_examples=500)
@given(smiles_like)
def test_what_rdkit_cannot_read_never_passes(text):
    with rdBase.BlockLogs():
        if Chem.MolFromSmiles(text) is None and not re.search(r"#|=", text):  # isocyanides, ylides of N
            assert accepted(text) is None


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(sorted(DRUGS.values())), st.characters(min_codepoint=127), st.data())
def test_a_foreign_character_is_never_dropped(smiles, character, data):
    cut = data.draw(st.integers(0, len(smiles)))
    text = smiles[:cut] + character + smiles[cut:]
    assert accepted(text) is None or text.strip() == smiles


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(sorted(DRUGS.values())), st.text(" \t\n\u00a0", min_size=1), st.data())
def test_a_blank_inside_is_never_dropped_with_what_follows(smiles, blank, data):
    cut = data.draw(st.integers(1, len(smiles) - 1))
    assert accepted(smiles[:cut] + blank + smiles[cut:]) is None
