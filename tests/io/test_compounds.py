import io

import pytest
from molinterp.data import OTHER_NAMES, drugs
from rdkit import Chem

from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.compounds import only_record, resolve, resolve_all


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_drug_by_name_in_any_case():
    for text in ("aspirin", " Aspirin ", "name:ASPIRIN"):
        record = resolve(text)
        assert (record.smiles, record.name) == (drugs()["aspirin"], "aspirin")


def test_a_smiles():
    for text in ("CCO", "smiles:CCO"):
        assert resolve(text).smiles == "CCO"


def test_a_smiles_with_labels_of_enhanced_stereo():
    record = resolve("C[C@H](N)C(=O)O |&1:1|")
    assert (record.smiles, record.stereo) == ("C[C@H](N)C(=O)O", "&1:1")
    with pytest.raises(InvalidMoleculeError, match="there is a blank inside it"):
        resolve("C[C@H](N)C(=O)O |&1:1| alanine")


def test_a_smiles_longer_than_a_name_of_a_file_may_be():
    smiles = "CC(=O)N" * 40
    assert resolve(smiles).smiles == smiles


def test_a_file(tmp_path):
    (tmp_path / "a.smi").write_text("CCO ethanol\n")
    for text in ("a.smi", "file:a.smi"):
        record = resolve(text)
        assert (record.smiles, record.name) == ("CCO", "ethanol")


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("# mine\nCCO ethanol\n"))
    assert resolve("-").name == "ethanol"


def test_standard_input_gives_one_compound(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("CCO ethanol\n"))
    with pytest.raises(InputError, match="standard input .* can be named once"):
        resolve_all(["-", "CCN", "file:-"])
    assert [r.name for r in resolve_all(["-", "aspirin"])] == ["ethanol", "aspirin"]


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_a_drug_by_its_name_in_another_country(name):
    (one, other) = (resolve(f"{prefix}{name.title()}") for prefix in ("", "name:"))
    assert one == other == resolve(OTHER_NAMES[name]) and name not in drugs()


def test_a_file_called_like_a_drug_wins_over_the_table(tmp_path):
    (tmp_path / "aspirin").mkdir()
    assert resolve("aspirin").name == "aspirin"


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ("", InvalidMoleculeError, "it is empty"),
        ("none.smi", InputError, "'none.smi' does not exist"),
        ("file:none.smi", InputError, "'none.smi' does not exist"),
        ("name:asprin", InputError, "Nearest: aspirin"),
        ("name:xyzzy", InputError, "no drug called 'xyzzy'"),
        ("asprin", InputError, "Did you mean 'aspirin'"),
        ("glucose", InputError, "no file, no known drug and no SMILES .*Give a SMILES"),
        ("acetylsalicylic acid", InputError, "no file, no known drug and no SMILES .*Give a SMILES"),
        ("ligand.mol2", InputError, "'ligand.mol2' does not exist"),
        ("50-78-2", InputError, "no file, no known drug and no SMILES .*Give a SMILES"),
        ("InChI=1S/zz", InputError, r"no SMILES \(RDKit cannot read this InChI.*Give a SMILES"),
        (
            "BSYNRYMUTXBXSQ-UHFFFAOYSA-N",
            InputError,
            r"no SMILES \(an InChIKey is a hash.*Give a SMILES",
        ),
        ("CHEMBL25", InputError, "no SMILES .*by no brand or number"),
        ("MK-677", InputError, "no SMILES .*by no brand or number"),
        ("CC1", InvalidMoleculeError, "unclosed ring 1"),
        ("c1ccc", InvalidMoleculeError, "unclosed ring 1"),
        ("smiles:c1ccc", InvalidMoleculeError, "unclosed ring 1"),
    ],
)
def test_what_cannot_be_resolved_is_named(argument, error, message):
    with pytest.raises(error, match=message):
        resolve(argument)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", InputError, "must hold one molecule; got none"),
        ("smiles\n# nothing\n", InputError, "must hold one molecule; got none"),
        ("CCO\nCCN\n", InputError, "must hold one molecule; got more"),
        ("CCO\n\n", None, ""),
        ("smiles name\nc1ccc broken\n", InvalidMoleculeError, "Check line 2 of 'a.smi'"),
    ],
)
def test_a_file_holds_one_molecule(tmp_path, text, error, message):
    (tmp_path / "a.smi").write_text(text)
    if error is None:
        assert only_record("a.smi").smiles == "CCO"
        return
    with pytest.raises(error, match=message):
        only_record("a.smi")


@pytest.mark.parametrize(
    ("name", "text", "unit"),
    [
        ("a.smi", "CCO\nCCN\n", "line"),
        ("a.csv", "smiles\nCCO\nCCN\n", "row"),
        ("a.sdf", 2 * (Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")) + "$$$$\n"), "record"),
    ],
)
def test_what_to_keep_of_several_is_called_as_the_file_has_it(tmp_path, name, text, unit):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=f"got more. Keep the {unit} of the compound you mean"):
        only_record(name)


def test_a_file_that_is_a_smiles_too_asks_which(tmp_path):
    (tmp_path / "CCO").write_text("CCN\n")
    with pytest.raises(InputError, match="Write file:CCO or smiles:CCO"):
        resolve("CCO")
    assert resolve("smiles:CCO").smiles == "CCO"
