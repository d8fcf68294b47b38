import csv
import re
import subprocess
import sys
from pathlib import Path

import molinterp.data as data
import pytest
from rdkit import Chem

from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.filters import default_table
from molinterp.chem.standardise import standardise
from molinterp.io.molecule_files import read_records

ROOT = Path(data.__file__).parent


def test_drugs_are_about_two_hundred_in_standard_form():
    assert 190 <= len(data.drugs()) <= 250
    for name, smiles in data.drugs().items():
        assert name == name.lower()
        compound = standardise(smiles)
        assert (compound.smiles, compound.changes) == (smiles, ()), name


def test_drugs_are_there_once_the_package_is_imported():
    code = (
        "import sys, molinterp; assert 'molinterp.data' not in sys.modules; "
        "print(molinterp.data.drugs()['aspirin'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == data.drugs()["aspirin"], done.stderr


def test_no_drug_stands_twice():
    assert len(set(data.drugs().values())) == len(data.drugs())


@pytest.mark.parametrize(
    ("name", "smiles"),
    [("aspirin", "CC(=O)Oc1ccccc1C(=O)O"), ("caffeine", "Cn1c(=O)c2c(ncn2C)n(C)c1=O")],
)
def test_known_drugs(name, smiles):
    assert data.drugs()[name] == Chem.CanonSmiles(smiles)


def test_example_files_hold_what_their_names_say():
    for name in ("aspirin", "ibuprofen"):
        (record,) = read_records(str(ROOT / f"{name}.smi"))
        assert Chem.CanonSmiles(record.smiles) == data.drugs()[name] and record.name == name


def test_example_pairs_are_two_different_compounds_a_row():
    with (ROOT / "pairs.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) >= 5
    for row in rows:
        assert standardise(row["start"]).smiles != standardise(row["end"]).smiles


def test_most_shipped_drugs_are_familiar():
    # 94 % of drugs that the table has not seen pass, as the rule's source measured.
    familiar = [default_table().is_familiar(Chem.MolFromSmiles(s)) for s in data.drugs().values()]
    assert sum(familiar) / len(familiar) > 0.9


def test_a_strange_molecule_is_not():
    assert not default_table().is_familiar(Chem.MolFromSmiles("FC1=NN=PC1=S=NON=O"))


def test_environment_ids_are_sorted_and_go_into_the_table():
    arrays = data.environment_ids()
    table = EnvironmentTable.from_arrays(arrays)
    for name, array in arrays.items():
        assert (array[1:] > array[:-1]).all()
        assert len(table.known[int(name[1:])]) == len(array)


def test_each_source_has_an_address_and_a_licence():
    sources = data.sources()
    assert sum(s["n_molecules"] for s in sources) == 737_599
    assert len({s["name"] for s in sources}) == len(sources)
    for source in sources:
        assert source["address"].startswith("https://")
        assert source["licence"] and source["reference"]


def test_each_file_of_a_source_can_be_asked_for_and_read():
    files = [s["file"] for s in data.sources() if s["file"]]
    assert len(files) >= 4
    for file in files:
        assert file["address"].startswith("https://")
        assert file["sha256"] is None or re.fullmatch("[0-9a-f]{64}", file["sha256"])
        assert file["max_bytes"] > 0 and len(file["separator"]) == 1
        assert isinstance(file["column"], str | int)


def test_files_are_text_with_unix_lines():
    for file in ROOT.glob("*.csv"):
        assert b"\r" not in file.read_bytes()
