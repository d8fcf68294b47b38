import numpy as np
import pytest
from rdkit import Chem

from molinterp.chem.identity import hashed_split
from molinterp.chem.properties import PROPERTIES
from molinterp.chem.similarity import ecfp4_array
from molinterp.errors import InputError
from molinterp.training.data.corpus import prepare, read_splits, standard_form
from molinterp.training.data.settings import SPLITS
from tests.conftest import SMALL


def test_tokens_spell_the_molecules(small_corpus):
    for i, smiles in enumerate(SMALL):
        text = small_corpus.tokenizer.decode(small_corpus.sequence(i).tolist())
        assert Chem.MolToSmiles(Chem.MolFromSmiles(text)) == Chem.CanonSmiles(smiles)


def test_labels_are_those_of_the_chemistry(small_corpus):
    mol = Chem.MolFromSmiles(SMALL[11])
    assert (np.unpackbits(small_corpus.bits[11]) == ecfp4_array(mol)).all()
    expected = np.array([f(mol) for f in PROPERTIES.values()], np.float32)
    np.testing.assert_array_equal(small_corpus.properties[11], expected)


@pytest.mark.parametrize("representation", ["selfies", "smiles"])
def test_a_second_call_loads_the_same(tmp_path, representation):
    table = tmp_path / "m.csv"
    table.write_text(
        "smiles,split\n" + "".join(f"{s},{'train' if i else 'test'}\n" for i, s in enumerate(SMALL * 5))
    )
    first = prepare(table, tmp_path / "cache", representation, 50)
    second = prepare(table, tmp_path / "cache", representation, 50)
    assert first.tokenizer == second.tokenizer
    for name in ("tokens", "offsets", "bits", "properties", "split"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert second.rows("test").tolist() == [0]


def test_what_cannot_be_parsed_or_spelt_is_counted(tmp_path):
    table = tmp_path / "m.csv"
    table.write_text("smiles\n" + "".join(f"{s}\n" for s in ["C1CC", "[Pt]", *SMALL * 5]))
    corpus = prepare(table, tmp_path / "cache", "selfies", 50)
    assert corpus.n_dropped == 2
    assert len(corpus) == 5 * len(SMALL)


def test_smiles_lines_are_read_and_one_percent_is_held_out(tmp_path):
    lines = tmp_path / "m.smi"
    lines.write_text("".join(f"{'C' * i}O molecule-{i}\n" for i in range(1, 200)))
    corpus = prepare(lines, tmp_path / "cache", "smiles", 20)
    n = {name: len(corpus.rows(name)) for name in ("train", "valid", "test")}
    assert sum(n.values()) == 199
    assert 0 < n["valid"] < 10 and 0 < n["test"] < 10


ODD = {
    "OCC": "CCO",
    " CCN ": "CCN",
    "[Na+].CC(=O)[O-]": "CC(=O)O",
    "C[13CH2]O": "CCO",
    "[NH3+][C@@H](C)C(=O)[O-]": "C[C@H](N)C(=O)O",
}
"""Spellings that are no standard form, and the standard form."""
NEVER = ["[CH3]", "CCCCCCCC.CCCCCCCO", "C" * 201, "*CC", "[H][H]", "CC O"]
"""What RDKit reads and `standardise` turns down, or what neither reads."""


@pytest.mark.parametrize("representation", ["selfies", "smiles"])
def test_molecules_are_learnt_in_standard_form_or_dropped(tmp_path, representation):
    lines = [f"{s},train" for s in [*ODD, *NEVER, *SMALL * 5]]
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *lines]))
    corpus = prepare(tmp_path / "m.csv", tmp_path / "cache", representation, 60)
    assert corpus.n_dropped == len(NEVER)
    assert [Chem.CanonSmiles(s) for s in corpus.smiles(range(len(ODD)))] == list(ODD.values())
    for i, smiles in enumerate(ODD.values()):
        assert (np.unpackbits(corpus.bits[i]) == ecfp4_array(Chem.MolFromSmiles(smiles))).all()
    if representation == "smiles":
        assert corpus.smiles(range(len(corpus))) == [*ODD.values(), *SMALL * 5]


def test_standard_forms_are_taken_as_they_are(monkeypatch):
    monkeypatch.setattr("molinterp.chem.standardise.standardise", lambda text: pytest.fail(text))
    assert [standard_form(s)[0] for s in SMALL] == SMALL


def test_charges_that_no_neutral_form_has_stay():
    for smiles in ("O=[N+]([O-])c1ccccc1", "C[N+](C)(C)CCO"):
        assert standard_form(smiles)[0] == smiles


def test_two_spellings_of_a_compound_are_held_out_together(tmp_path):
    alcohols = [f"{'C' * i}O" for i in range(1, 150)]
    lines = [spelt for s in alcohols for spelt in (s, s[::-1])]
    (tmp_path / "m.csv").write_text("\n".join(["smiles", *lines]))
    corpus = prepare(tmp_path / "m.csv", tmp_path / "cache", "smiles", 20)
    assert [SPLITS[k] for k in corpus.split[::2]] == [hashed_split(s) for s in alcohols]
    np.testing.assert_array_equal(corpus.split[::2], corpus.split[1::2])
    assert set(corpus.split) == {0, 1, 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nfoo\n", "must have a column 'smiles' in its first row; found name"),
        ("name,InChIKey\nfoo,x\n", "found name, inchikey. An InChIKey is a hash"),
        ("smiles\n", "must hold molecules; got none"),
        ("smiles,split\nCCO,dev\n", "must hold train, valid or test; got dev"),
        ("smiles\nC1CC\n", "no molecule of the training file could be parsed .* its 0 molecules"),
        ("smiles\nCCO\nCCN\n", "written in symbols that five or more of its 2 molecules .* Give more"),
        ("smiles,split\n" + "CCO,valid\n" * 9, "of its 0 molecules of the split 'train' have. Give more"),
    ],
)
def test_unusable_tables_are_turned_down(tmp_path, text, message):
    table = tmp_path / "m.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=message):
        prepare(table, tmp_path / "cache", "selfies", 50)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        prepare(tmp_path / "none.csv", tmp_path, "selfies", 50)


@pytest.mark.parametrize("representation", ["selfies", "smiles"])
def test_a_file_without_splits_is_divided_alike_for_training_and_fitting(tmp_path, representation):
    lines = tmp_path / "m.smi"
    lines.write_text(
        "".join(f"{'C' * (i % 30 + 1)}{'O' * (i // 30 > 3)}N{'C' * (i // 30)}\n" for i in range(300))
    )
    corpus = prepare(lines, tmp_path / "cache", representation, 50)
    by_split = read_splits(lines)
    for name in SPLITS:
        trained = [Chem.CanonSmiles(s) for s in corpus.smiles(corpus.rows(name))]
        assert trained == by_split[name], name


def test_what_is_no_molecule_is_left_out_of_a_division_without_a_word(tmp_path, capfd):
    (tmp_path / "m.smi").write_text("".join(f"{'C' * i}O\nC1{'C' * i}\n" for i in range(1, 90)))
    assert sum(map(len, read_splits(tmp_path / "m.smi").values())) == 89
    assert capfd.readouterr().err == ""


def test_named_splits_are_kept_to(tmp_path):
    table = tmp_path / "m.csv"
    table.write_text("smiles,split\nCC,train\nCCC,valid\nCCCC,train\n")
    assert read_splits(table) == {"train": ["CC", "CCCC"], "valid": ["CCC"], "test": []}


def test_a_file_too_small_to_hold_any_out_is_refused(tmp_path):
    (tmp_path / "m.smi").write_text("CC\nCCC\n")
    with pytest.raises(InputError, match="holds no molecule of the split 'valid'. Give it a column 'split'"):
        read_splits(tmp_path / "m.smi")
