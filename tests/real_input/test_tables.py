"""Tables of pairs and of paths as spreadsheets write them, and what is written reads back."""

import bz2
import gzip

import pytest

from molinterp.batch.pairs import pairs_of, read_pairs
from molinterp.errors import InputError
from molinterp.report.view import read_view
from tests.real_input.test_files import write_sheet

ROWS = "pair,start,end\na,CCO,CCN\nb,aspirin,C[C@H](N)C(=O)O |&1:1|\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ROWS.encode()),
        ("A.CSV", ROWS.encode()),
        ("a.tsv", ROWS.replace(",", "\t").encode()),
        ("a.txt", ROWS.replace(",", "\t").encode("utf-16")),
        ("a.csv", f"sep=;\n{ROWS.replace(',', ';')}".encode()),
        ("a.csv", ROWS.replace("pair,start,end", "Pair,START, End").encode()),
        ("a.csv.gz", gzip.compress(ROWS.encode(), mtime=0)),
        ("a.tsv.bz2", bz2.compress(ROWS.replace(",", "\t").encode())),
    ],
)
def test_pairs_come_from_any_table(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found = read_pairs(tmp_path / name)
    assert [(p.id, p.start, p.end) for p in found] == [
        ("a", "CCO", "CCN"),
        ("b", "aspirin", "C[C@H](N)C(=O)O |&1:1|"),
    ]


def test_pairs_of_a_workbook(tmp_path):
    write_sheet(tmp_path / "a.xlsx", [line.split(",") for line in ROWS.splitlines()])
    assert [p.id for p in read_pairs(tmp_path / "a.xlsx")] == ["a", "b"]


def test_two_columns_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("start,end,start\nCC,CN,CO\n")
    with pytest.raises(InputError, match="must have one column 'start'; found several"):
        read_pairs(tmp_path / "a.csv")


def test_a_name_in_another_case_is_taken_where_it_is_the_only_one():
    assert pairs_of({"Start": ["C"], "END": ["N"]})[0].start == "C"
    with pytest.raises(InputError, match="must have a column 'start'; found Start, START, end"):
        pairs_of({"Start": ["C"], "START": ["N"], "end": ["O"]})


@pytest.mark.parametrize(
    "text", ["step;smiles;logp\n0;CC;1,5\n1;CCO;-0,25\n", "sep=;\nstep;smiles;logp\n0;CC;1,5\n1;CCO;-0,25\n"]
)
def test_a_path_that_was_saved_with_decimal_commas_is_read(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    assert read_view(tmp_path / "a.csv").table["logp"].tolist() == [1.5, -0.25]
