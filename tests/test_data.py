import csv
import re
import subprocess
import sys
from pathlib import Path

import molinterp.data as data
import pytest
from rdkit import Chem

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


def test_held_out_compounds_are_in_standard_form():
    records = list(read_records(str(data.held_out_file())))
    assert 1_500 <= len(records) <= 2_500
    assert len({r.smiles for r in records}) == len(records)
    for record in records[::25]:
        assert standardise(record.smiles).smiles == record.smiles


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
