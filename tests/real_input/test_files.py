"""Files as databases, spreadsheets and drawing programs write them: read, or refused with what to do."""

import bz2
import gzip
import lzma
import os
import threading
import zipfile

import pandas as pd
import pytest
from rdkit import Chem

from molinterp.errors import InputError, InvalidMoleculeError
from molinterp.io.compounds import resolve
from molinterp.io.molecule_files import read_records

PAIR = [("CCO", "ethanol"), ("CCN", "ethylamine")]
LINES = "CCO ethanol\nCCN ethylamine\n"
TABLE = "Name,SMILES\nethanol,CCO\nethylamine,CCN\n"


def block(smiles: str, name: str = "") -> str:
    mol = Chem.MolFromSmiles(smiles)
    mol.SetProp("_Name", name)
    return Chem.MolToMolBlock(mol)


def write_sheet(file, rows):
    """Write a workbook of one sheet."""
    pytest.importorskip("python_calamine")
    book = pytest.importorskip("xlsxwriter").Workbook(file)
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()


SDF = f"{block(*PAIR[0])}$$$$\n{block(*PAIR[1])}$$$$\n"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Write a file and read its records."""
    monkeypatch.chdir(tmp_path)

    def records(name, content, **options):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_records(name, **options))

    return records


def pairs(records):
    return [(Chem.CanonSmiles(r.smiles), r.name) for r in records]


@pytest.mark.parametrize("name", ["a.smi", "a.SMI", "a.ism", "a.can", "a.cxsmiles", "a.txt", "a.smiles"])
def test_lines_under_any_suffix(read, name):
    assert pairs(read(name, LINES)) == PAIR


@pytest.mark.parametrize("name", ["a.sdf", "a.sd", "a.SDF", "a.mol", "a.mdl"])
def test_blocks_under_any_suffix(read, name):
    assert pairs(read(name, SDF)) == PAIR


@pytest.mark.parametrize(("name", "text"), [("a.smi", LINES), ("a.csv", TABLE), ("a.sdf", SDF)])
@pytest.mark.parametrize(
    ("packing", "pack"),
    [(".gz", gzip.compress), (".GZ", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_every_text_may_be_packed(read, name, text, packing, pack):
    assert pairs(read(name + packing, pack(text.encode()))) == PAIR


def test_a_zip_holds_one_file(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as packed:
        packed.writestr("x/a.csv", TABLE)
    assert pairs(read_records(str(tmp_path / "a.csv.zip"))) == PAIR
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "a") as packed:
        packed.writestr("b.csv", TABLE)
    with pytest.raises(InputError, match="must hold one file; got 2"):
        list(read_records(str(tmp_path / "a.csv.zip")))


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace(",", ";"),
        "sep=;\r\n" + TABLE.replace(",", ";").replace("\n", "\r\n"),
        '"sep=,"\n' + TABLE,
        TABLE.replace(",", "\t"),
        TABLE.replace("Name,SMILES", "cmpdname,canonicalsmiles"),
        TABLE.replace("Name,SMILES", "ChEMBL ID,Smiles"),
        TABLE.replace("Name,SMILES", "Drug_ID,Drug"),
        TABLE.replace("\n", ",\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_tables_as_programs_write_them(read, text, encoding, name):
    if name == "a.txt" and "Drug_ID" in text:
        encoding = "utf-8"
    assert pairs(read(name, text.encode(encoding))) == PAIR


def test_a_workbook(read, tmp_path):
    rows = [["ID", "SMILES", "pIC50"], [1, "CCO", 7.5], [2, "CCN", None], [None, None, None]]
    write_sheet(tmp_path / "a.xlsx", rows)
    records = list(read_records(str(tmp_path / "a.xlsx")))
    assert [(r.smiles, r.name, dict(r.fields)) for r in records] == [
        ("CCO", "1", {"ID": "1", "pIC50": "7.5"}),
        ("CCN", "2", {"ID": "2", "pIC50": ""}),
    ]


def test_a_table_of_columns(tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"smiles": ["CCO", None], "id": [1, 2]}).to_parquet(tmp_path / "a.parquet")
    assert [(r.smiles, r.name) for r in read_records(str(tmp_path / "a.parquet"))] == [
        ("CCO", "1"),
        ("", "2"),
    ]


@pytest.mark.parametrize(("text", "expected"), [(LINES, PAIR), (TABLE, PAIR), (SDF, PAIR)])
def test_a_pipe_tells_its_format_by_its_first_lines(tmp_path, text, expected):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(text,))
    writer.start()
    assert pairs(read_records(str(tmp_path / "pipe"))) == expected
    writer.join()


def test_the_column_of_the_molecules_can_be_named(read):
    text = "smiles,product_text,y\nCC,CCO,1\n"
    assert [r.smiles for r in read("a.csv", text, smiles_column="Product Text")] == ["CCO"]
    with pytest.raises(InputError, match="must have a column 'z'; found smiles, product_text, y"):
        read("a.csv", text, smiles_column="z")


def test_inchi_is_read_wherever_smiles_are(read):
    ethanol = "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"
    for name, text in (
        ("a.smi", f"{ethanol} ethanol\n"),
        ("a.csv", f'name,InChI\nethanol,"{ethanol}"\n'),
        ("b.csv", f'mol,standard_inchi\nethanol,"{ethanol}"\n'),
        ("c.csv", f'smiles,name\n"{ethanol}",ethanol\n'),
    ):
        (record,) = read(name, text)
        assert record.smiles == ethanol
        assert resolve(name).smiles == ethanol
    assert resolve(ethanol).smiles == ethanol


def test_cdxml_is_read(read):
    cdxml = Chem.MolToCDXMLBlock(Chem.MolFromMolBlock(block("CC[C@H](C)O")))
    (record,) = read("a.cdxml", cdxml)
    assert Chem.CanonSmiles(record.smiles) == Chem.CanonSmiles("CC[C@H](C)O")
    (record,) = read("b.cdxml", "no drawing")
    assert record.fault


def test_one_record_of_a_file(read):
    read("a.sdf", SDF)
    read("a.csv", TABLE)
    for name in ("a.sdf", "a.csv"):
        for which in ("2", "ethylamine", "Ethylamine"):
            for prefix in ("", "file:"):
                record = resolve(f"{prefix}{name}#{which}")
                assert (Chem.CanonSmiles(record.smiles), record.name) == PAIR[1]
        with pytest.raises(
            InputError, match=f"must hold one molecule; got more. .* as {name}#2 or {name}#NAME"
        ):
            resolve(name)
        for which in ("3", "0", "methanol"):
            with pytest.raises(
                InputError, match=f"'{name}' must hold one molecule called '{which}'.* found none"
            ):
                resolve(f"{name}#{which}")
    read("C", "CCO\n")
    assert resolve("C#N").smiles == "C#N"


@pytest.mark.parametrize("field", ["chembl_id", "cmpdname", "ChEMBL ID", "NAME", "PUBCHEM_COMPOUND_CID"])
def test_a_record_without_a_title_is_named_by_a_field(read, field):
    (record,) = read("a.sdf", f"{block('CCO')}>  <{field}>  (1)\nCHEMBL545\n\n> <x>\n1\n2\n\n$$$$\n")
    assert (record.name, record.fields["x"]) == ("CHEMBL545", "1 2")


def test_a_second_block_without_its_line_of_dollars_is_a_record(read):
    assert pairs(read("a.sdf", block(*PAIR[0]) + block(*PAIR[1]))) == PAIR
    with pytest.raises(InputError, match="must hold one molecule; got more"):
        resolve("a.sdf")


def test_a_quote_that_is_not_closed_swallows_nothing(read):
    for text in (
        'smiles,name\nCCO,"5 inch\nCCN,b\nCCC,c\n',
        'smiles,name\nCCO,"5 inch\nCCN,b\nCCC,"6 inch\nC,d\n',
    ):
        with pytest.raises(InputError, match="line 2 opens a quote that is not closed"):
            read("a.csv", text)
    assert [r.name for r in read("a.csv", 'smiles,name\nCCO,"two\nlines, ""quoted"""\n')] == [
        'two\nlines, "quoted"'
    ]


def test_two_columns_of_one_name_are_refused(read):
    with pytest.raises(InputError, match="must have one column 'smiles'; found 2"):
        read("a.csv", "smiles,smiles\nCC,CCO\n")


def test_a_table_whose_first_line_is_short_is_refused(read):
    with pytest.raises(InputError, match="cannot be read as a table: its lines hold more values"):
        read("a.csv", "smiles,y\n1,CCO,0\n2,CCN,1\n")


def test_a_table_without_names_is_refused(read):
    with pytest.raises(InputError, match="must have a column 'smiles' in its first row; found cco, ethanol"):
        read("a.csv", "CCO,ethanol\nCCN,ethylamine\n")


V2000 = """
  test

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.0000    0.0000    0.0000 {atom}   0  0
    2.0000    0.0000    0.0000 N   0  0
  1  2  {bond}  0
  2  3  1  0
{more}M  END
"""


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"more": "A    1\nCF3\n"}, "atom 1 stands for 'CF3'"),
        ({"more": "A    1\nPh\n"}, "atom 1 stands for 'Ph'"),
        ({"atom": "A"}, "wildcard|query"),
        ({"atom": "R#", "more": "M  RGP  1   2   1\n"}, "wildcard"),
        ({"atom": "L", "more": "M  ALS   2  2 F C   N   \n"}, "query|wildcard"),
        ({"bond": "8"}, "query|no order"),
        ({"more": "M  STY  1   1 SRU\nM  SAL   1  1   2\nM  SBL   1  2   1   2\nM  SMT   1 n\n"}, "polymer"),
        ({"more": "M  RAD  1   2   2\n"}, "radical"),
    ],
)
def test_a_block_that_is_no_one_compound_has_its_reason(read, values, fault):
    (record,) = read("a.mol", V2000.format(**({"atom": "C", "bond": "1", "more": ""} | values)))
    with pytest.raises((InputError, InvalidMoleculeError), match=fault):
        if record.fault:
            raise InputError(record.fault)
        from molinterp.chem.standardise import standardise

        standardise(record.cxsmiles)


@pytest.mark.parametrize("more", ["A    1\nCH3\n", "A    3\nNH2\n", ""])
def test_an_alias_that_says_what_the_atom_is_is_no_fault(read, more):
    (record,) = read("a.mol", V2000.format(atom="C", bond="1", more=more))
    assert (record.smiles, record.fault) == ("CCN", "")


def test_a_file_of_a_reaction_is_said_to_be_one(read):
    (record,) = read("a.mol", "$RXN\n\n\n\n  1  1\n$MOL\n" + block("CC"))
    assert "reaction" in record.fault


def test_a_file_called_like_a_drug_asks_which(read):
    read("aspirin", "CCO\n")
    with pytest.raises(InputError, match="is a file and a name. Write file:aspirin or name:aspirin"):
        resolve("aspirin")
    assert resolve("name:aspirin").name == "aspirin"
