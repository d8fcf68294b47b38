"""Readers hand on what stands in a file, or say where it fails; nothing is dropped in silence."""

import bz2
import csv
import gzip
import io
import re
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molinterp.chem.cxsmiles import split_cxsmiles
from molinterp.chem.parsing import parse
from molinterp.errors import InputError, InvalidMoleculeError, MissingDependencyError
from molinterp.io import mol_blocks
from molinterp.io.formats import KINDS, Kind
from molinterp.io.molecule_files import HEADER_NAMES, SUFFIXES, Record, read_records
from tests.molecules import DRUGS, cage

ALANINE = "C[C@H](N)C(=O)O"
PLAIN = (Kind.LINES, Kind.TEXT, Kind.BLOCKS)


def block(smiles: str, name: str = "") -> str:
    mol = Chem.MolFromSmiles(smiles, sanitize=False)
    mol.SetProp("_Name", name)
    return Chem.MolToMolBlock(mol, kekulize=False)


@pytest.fixture
def read(tmp_path):
    """Write a file, read its records as (smiles, name) pairs."""

    def pairs(name: str, content: str | bytes) -> list[tuple[str, str]]:
        return [(r.smiles, r.name) for r in records(name, content)]

    def records(name: str, content: str | bytes) -> list[Record]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_records(str(path)))

    pairs.records = records
    return pairs


@pytest.mark.parametrize("header", sorted(HEADER_NAMES))
def test_a_header_line_is_no_molecule(read, header):
    assert read("a.smi", f"{header.upper()} Name\nCCO ethanol\n") == [("CCO", "ethanol")]
    with pytest.raises(InvalidMoleculeError, match="is not a molecule"):
        parse(header)


def test_a_header_stands_in_the_first_line_that_counts(read):
    assert read("a.smi", "# made today\n\nSMILES\tID\nCCO\t1\n") == [("CCO", "1")]
    assert read("a.smi", "CCO\nsmiles\n") == [("CCO", ""), ("smiles", "")]


def test_without_a_header_the_first_line_is_a_molecule(read):
    assert read("a.smi", "CCO ethanol\nC\n") == [("CCO", "ethanol"), ("C", "")]


def test_comments_and_empty_lines_are_passed_over_and_counted(read):
    records = read.records("a.smi", "# one\n\n  # two\nCCO\n\nC methane\n")
    assert [r.smiles for r in records] == ["CCO", "C"]
    assert [r.where.partition(" of ")[0] for r in records] == ["line 4", "line 6"]


@pytest.mark.parametrize(
    ("line", "smiles", "name"),
    [
        ("CCO", "CCO", ""),
        ("CCO ethanol", "CCO", "ethanol"),
        ("CCO\tethyl alcohol", "CCO", "ethyl alcohol"),
        ("  CCO   two words \n", "CCO", "two words"),
        ("C[C@H](N)O |&1:1|", "C[C@H](N)O", ""),
        ("C[C@H](N)O |&1:1| a name", "C[C@H](N)O", "a name"),
        ("CCO |$first atom;;$|\tname", "CCO", "name"),
        ("CC O", "CC", "O"),
        ("", "", ""),
    ],
)
def test_line_is_split_into_smiles_and_name(line, smiles, name):
    found, _, rest = split_cxsmiles(line)
    assert (found, rest) == (smiles, name)


def test_a_blank_never_turns_ethanol_into_ethane(read):
    # In a line the second word is a name, and is handed on as one; in a cell it has no such meaning.
    assert read("a.smi", "CC O\n") == [("CC", "O")]
    ((cell, _),) = read("a.csv", "smiles\nCC O\n")
    assert cell == "CC O"
    with pytest.raises(InvalidMoleculeError, match="there is a blank inside it"):
        parse(cell)


def test_a_cx_part_in_a_table_is_left_out_as_in_a_line(read):
    assert read("a.csv", "smiles,name\nC[C@H](N)O |&1:1|,x\n") == [("C[C@H](N)O", "x")]
    assert read("a.csv", "smiles,name\nCC |a| O,x\n") == [("CC |a| O", "x")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.smi", f"{ALANINE} |&1:1| alanine\n"),
        ("a.csv", f"smiles\n{ALANINE} |&1:1|\n"),
        ("a.sdf", Chem.MolToV3KMolBlock(Chem.MolFromSmiles(f"{ALANINE} |&1:1|"))),
    ],
)
def test_labels_of_enhanced_stereo_stand_beside_the_smiles(read, name, content):
    (record,) = read.records(name, content)
    assert (record.smiles, record.stereo) == (ALANINE, "&1:1")
    assert record.cxsmiles == f"{ALANINE} |&1:1|"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.smi", "CCO ethanol\nC methane\n"),
        ("a.SMILES", "CCO\tethanol\r\nC\tmethane\r\n"),
        ("a.txt", "smiles name\nCCO ethanol\nC methane"),
        ("a.csv", 'smiles,name\nCCO,"ethanol"\nC,methane\n'),
        ("a.csv", " Name , SMILES \nethanol, CCO\nmethane,C \n"),
        ("a.csv", '"Name";"Smiles"\r\n"ethanol";"CCO"\r\n"methane";"C"\r\n'),
        ("a.csv", "smiles\tname\nCCO\tethanol\nC\tmethane\n"),
        ("a.tsv", "smiles\tname\nCCO\tethanol\nC\tmethane\n"),
        ("a.sdf", f"{block('CCO', 'ethanol')}$$$$\n{block('C', 'methane')}$$$$\n"),
        ("a.sdf", f"{block('CCO', 'ethanol')}>  <x>\n1\n\n$$$$\n{block('C', 'methane')}"),
    ],
)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
def test_every_format_reads_the_same(read, name, text, bom):
    content, expected = bom + text.encode(), [("CCO", "ethanol"), ("C", "methane")]
    assert read(name, content) == expected
    assert read(f"{name}.gz", gzip.compress(content)) == expected
    assert read(f"{name}.BZ2", bz2.compress(content)) == expected


def test_suffixes_are_blind_to_case(read):
    assert read("A.SMI.GZ", gzip.compress(b"CCO\n")) == [("CCO", "")]


def test_mol_file(read):
    assert read("a.mol", block(ALANINE, "alanine")) == [(Chem.CanonSmiles(ALANINE), "alanine")]


@pytest.mark.parametrize("smiles", DRUGS.values(), ids=DRUGS)
def test_stereo_survives_an_sd_file(read, smiles):
    text = Chem.MolToMolBlock(Chem.MolFromSmiles(smiles)) + "$$$$\n"
    ((found, _),) = read("a.sdf", text)
    assert found == Chem.CanonSmiles(smiles)


def test_stdin_holds_smiles_lines(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\ufeffsmiles\nCCO ethanol\n"))
    assert list(read_records("-")) == [Record("CCO", "ethanol", "line 2 of standard input")]


@pytest.mark.parametrize("lenient", ["strict", "surrogateescape"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_stdin_that_is_no_text_is_named(monkeypatch, encoding, lenient):
    stream = io.TextIOWrapper(io.BytesIO(b"CCO caf\xe9\n"), encoding=encoding, errors=lenient)
    monkeypatch.setattr("sys.stdin", stream)
    with pytest.raises(InputError, match="standard input cannot be read as text"):
        list(read_records("-"))


def test_stdin_is_utf_8_whatever_the_locale_and_stays_open(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO("\ufeffCCO café\n".encode()), encoding="ascii")
    monkeypatch.setattr("sys.stdin", stream)
    assert [r.name for r in read_records("-")] == ["café"]
    assert list(read_records("-")) == []


@pytest.mark.parametrize("suffix", [s for s, kind in KINDS.items() if kind in PLAIN])
@pytest.mark.parametrize("content", ["", "\n", "  \n\n"])
def test_an_empty_file_holds_no_molecule(read, suffix, content):
    assert read(f"a{suffix}", content) == []
    assert read(f"a{suffix}.gz", gzip.compress(content.encode())) == []


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize(
    ("content", "found"),
    [("", "found nothing"), ("a\n1\n", "found a"), ("compound\nCCO\n", "found compound")],
)
def test_a_table_without_a_smiles_column_is_refused(read, suffix, content, found):
    with pytest.raises(InputError, match=rf"must have a column 'smiles' in its first row; {found}\."):
        read(f"a{suffix}", content)


@pytest.mark.parametrize(
    ("header", "row", "smiles"),
    [
        ("canonical_smiles,isomeric_smiles", "CC(N)C(=O)O,C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O"),
        ("Canonical SMILES,Isomeric SMILES", "CC(N)C(=O)O,C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O"),
        ("canonicalsmiles,isosmiles", "CC(N)C(=O)O,C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O"),
        ("Canonical-Smiles,Ligand SMILES hash", "CCO,f00", "CCO"),
        ("mol,smiles", "17,CCO", "CCO"),
        ("structure,canonical_smiles", "a.png,CCO", "CCO"),
        ("id,rdkit_smiles", "1,CCO", "CCO"),
    ],
)
def test_the_column_that_says_most_wins(read, header, row, smiles):
    ((found, _),) = read("a.csv", f"{header}\n{row}\n")
    assert found == smiles


def test_short_and_long_rows_keep_their_place(read):
    records = read.records("a.csv", "name,smiles\na\nb,CC\nc,CCC,more\nd,CCCC,,\n")
    assert [(r.name, r.smiles) for r in records] == [("a", ""), ("b", "CC"), ("", ""), ("d", "CCCC")]
    assert [r.where.partition(" of ")[0] for r in records] == ["row 2", "row 3", "row 4", "row 5"]
    assert records[2].fault.startswith("it holds 3 values, more than the first line names columns")


def test_a_bad_record_of_an_sd_file_costs_itself_alone(read):
    good = f"{block('CCO', 'good')}$$$$\n"
    bad = [block("CN(C)(C)(C)C", "valence"), good.replace(" O ", " Zz ")[:-5], "junk\n"]
    records = read.records("a.sdf", good + "$$$$\n".join([*bad, ""]) + good)
    assert [bool(r.fault) for r in records] == [False, True, True, True, False]
    assert {r.fault for r in records[1:4]} == {"RDKit cannot read this record"}
    assert [r.smiles for r in records] == ["CCO", "", "", "", "CCO"]
    assert records[4].where.startswith("record 5 of ")


def test_a_stray_byte_in_an_sd_file_costs_no_molecule(read):
    field = b"> <unit>\n\xb5M\n\n$$$$\n"
    assert [s for s, _ in read("a.sdf", (block("CCO").encode() + field) * 2)] == ["CCO", "CCO"]


@pytest.mark.parametrize(
    ("smiles", "fault"),
    [
        ("C" * 250, "it has 250 heavy atoms, the limit is 200"),
        (cage(40), "it has 40 rings, the limit is 30"),
        ("*C", r"it holds a wildcard atom \(\*\)"),
    ],
)
def test_nothing_hostile_in_a_file_is_canonicalised(read, monkeypatch, smiles, fault):
    text = f"{block(smiles, 'big')}$$$$\n"

    def fail(*_):
        raise AssertionError("RDKit was asked to write a molecule that is over the limits")

    monkeypatch.setattr(mol_blocks.Chem, "MolToSmiles", fail)
    (record,) = read.records("a.sdf", text)
    assert re.fullmatch(fault, record.fault)
    assert (record.smiles, record.name) == ("", "big")


@pytest.mark.parametrize(
    ("name", "advice"),
    [("a.pdf", "packed"), ("a.gz", "packed"), ("a.mol2", "to .sdf"), ("a.cdx", ".cdxml")],
)
def test_an_unreadable_suffix_is_refused_with_those_that_are_read(read, name, advice):
    with pytest.raises(
        InputError, match=rf"{re.escape(name)}' must end in one of \.smi, .*\.xlsx\. .*{re.escape(advice)}"
    ):
        read(name, "CCO\n")


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.smi", tmp_path):
        with pytest.raises(InputError, match=f"{re.escape(str(path))}' does not exist or is not a file"):
            list(read_records(str(path)))


TRUNCATED = gzip.compress(b"CCO ethanol\n" * 1000, mtime=0)[:-12]
CORRUPT = gzip.compress(b"CCO ethanol\n", mtime=0)[:10] + b"\xff" * 30


@pytest.mark.parametrize("suffix", [f"{s}.gz" for s, kind in KINDS.items() if kind in (*PLAIN, Kind.TABLE)])
@pytest.mark.parametrize("content", [TRUNCATED, CORRUPT, b"CCO\n"], ids=["truncated", "corrupt", "unpacked"])
def test_a_damaged_archive_is_named(read, suffix, content):
    if suffix in (".csv.gz", ".tsv.gz") and content is TRUNCATED:
        content = gzip.compress(b"smiles\n" + b"CCO\n" * 1000)[:-12]
    with pytest.raises(InputError, match=rf"a{re.escape(suffix)}' cannot be read as text"):
        read(f"a{suffix}", content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.smi", "CCO\n".encode("utf-16")[:-1]),
        ("a.smi", "CCO\n".encode("utf-16-le")[:-1] + b"\xff"),
        ("a.smi", b"CCO caf\xe9\n"),
        ("a.csv", b"smiles,name\nCCO,caf\xe9\n"),
        ("a.csv", b'smiles,name\nCCO,"' + b"x\n" * csv.field_size_limit()),
    ],
)
def test_what_is_no_text_is_named(read, name, content):
    with pytest.raises(InputError, match=rf"{re.escape(name)}' cannot be read as text"):
        read(name, content)


def test_a_file_of_another_encoding_is_told_how_to_save_it(read):
    with pytest.raises(InputError, match="cannot be read as text: .*Save it as UTF-8"):
        read("a.csv", "smiles;name\r\nCCO;café\r\n".encode("cp1252"))


names = st.text("abcXYZ09 .,;#()'-", max_size=12).map(str.strip)
rows = st.lists(st.tuples(st.sampled_from(sorted(DRUGS.values())), names), max_size=8)


def through_file(suffix: str, content: bytes) -> list[Record]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(content)
        return list(read_records(str(path)))


@settings(deadline=None, derandomize=True)
@given(rows, st.sampled_from([" ", "\t", "  "]), st.sampled_from(["\n", "\r\n", "\n\n", "\n# no\n"]))
def test_lines_come_back_as_written(rows, blank, newline):
    text = "".join(f"{smiles}{blank}{name}{newline}" for smiles, name in rows)
    found = through_file(".smi", text.encode())
    assert [(r.smiles, r.name) for r in found] == rows


@settings(deadline=None, derandomize=True)
@given(rows, st.sampled_from([(".csv", ","), (".tsv", "\t")]))
def test_table_rows_come_back_as_written(rows, form):
    suffix, delimiter = form
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter).writerows([("smiles", "name"), *rows])
    found = through_file(suffix, stream.getvalue().encode())
    assert [(r.smiles, r.name) for r in found] == rows


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from(SUFFIXES), st.binary(max_size=300), st.booleans())
def test_any_bytes_are_records_or_a_named_refusal(suffix, content, packed):
    try:
        found = through_file(suffix, gzip.compress(content) if packed else content)
    except InputError as error:
        assert "cannot be read" in str(error) or "must have a column" in str(error)
    except MissingDependencyError:
        assert suffix == ".parquet" and find_spec("pyarrow") is None
    else:
        assert all(r.where.endswith(f"a{suffix}'") for r in found)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.data())
def test_a_damaged_block_never_stops_the_file(data):
    text = block(ALANINE, "alanine")
    cut = data.draw(st.integers(0, len(text) - 1))
    patch = data.draw(st.text("0123456789 -.*CNOMRVZ\n", max_size=8))
    damaged = text[:cut] + patch + text[cut + len(patch) :]
    found = through_file(".sdf", f"{damaged}\n$$$$\n{text}$$$$\n".encode())
    assert [r.smiles for r in found][1:] == [Chem.CanonSmiles(ALANINE)]
