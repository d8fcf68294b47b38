import gzip
import io
import sys
from pathlib import Path

import pandas as pd
import pytest

from molinterp.batch.job import Pair
from molinterp.batch.pairs import pairs_of, read_pairs
from molinterp.errors import InputError

ROWS = {"start": ["CCO", None, "NA"], "end": ["CCN", "CC", "C"], "name": ["x", "y", None]}


def test_rows_become_pairs_in_order():
    pairs = pairs_of(pd.DataFrame(ROWS))
    assert pairs == [Pair("0", "CCO", "CCN"), Pair("1", "", "CC"), Pair("2", "NA", "C")]
    assert pairs_of(ROWS) == pairs
    assert [p.id for p in pairs_of(ROWS, id="name")] == ["x", "y", ""]
    assert pairs_of(ROWS, "end", "start")[0] == Pair("0", "CCN", "CCO")


def test_a_cxsmiles_part_is_kept_for_the_note_of_its_path():
    (pair,) = pairs_of({"start": ["C[C@H](N)O |&1:1|"], "end": [" CCO ethanol"]})
    assert (pair.start, pair.end) == ("C[C@H](N)O |&1:1|", "CCO ethanol")


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_whatever_is_missing_is_an_empty_text(missing):
    assert pairs_of({"start": [missing, "C"], "end": ["N", missing]}) == [
        Pair("0", "", "N"),
        Pair("1", "C", ""),
    ]
    column = pd.array(["CCO", None], dtype="string")
    assert [p.start for p in pairs_of({"start": column, "end": ["C", "N"]})] == ["CCO", ""]


@pytest.mark.parametrize("make", ["polars", "pyarrow"])
def test_tables_with_the_arrow_interface_go_in(make):
    pytest.importorskip("pyarrow", reason="Arrow tables need pyarrow: pip install 'molinterp[parquet]'")
    module = pytest.importorskip(make, reason=f"{make} is not installed")
    table = module.DataFrame(ROWS) if make == "polars" else module.table(ROWS)
    assert pairs_of(table) == pairs_of(ROWS)


def test_files_are_read(tmp_path):
    text = "pair,start,end\na,CCO,CCN\nNA,NA,CC\n"
    (tmp_path / "p.csv").write_text("\ufeff" + text, encoding="utf-8")
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(text.encode()))
    expected = [Pair("a", "CCO", "CCN"), Pair("NA", "NA", "CC")]
    assert read_pairs(tmp_path / "p.csv") == read_pairs(tmp_path / "p.csv.gz") == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", b"a,b\n1,2\n", "must have a column 'start'; found a, b. Say with `start` which"),
        ("p.csv", b"", "cannot be read as a table"),
        ("p.csv", b"start,end\n\xff\xfe,C\n", "cannot be read as a table"),
        ("p.csv.gz", b"start,end\n", "cannot be read as a table"),
        ("p.parquet", b"start,end\n", "cannot be read as a table"),
        ("p.docx", b"", r"must end in one of .*\.csv"),
    ],
)
def test_what_is_no_table_is_said_so(tmp_path, name, content, message):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="Parquet files need pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_pairs(tmp_path / name)


def test_a_table_comes_through_a_pipe(monkeypatch):
    text = "\ufeffpair,start,end\na,CCO,CCN\nNA,NA,CC\n".encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert read_pairs(Path("-")) == [Pair("a", "CCO", "CCN"), Pair("NA", "NA", "CC")]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(InputError, match="file '-' cannot be read as a table"):
        read_pairs(Path("-"))


def test_a_column_alone_is_no_table():
    with pytest.raises(InputError, match="must be a data frame.*; got Series"):
        pairs_of(pd.Series(["CCO", "CC"]))


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_pairs(tmp_path / "none.csv")
    with pytest.raises(
        InputError, match="must be a data frame, a mapping of columns or an Arrow table; got int"
    ):
        pairs_of(3)
    with pytest.raises(InputError, match="must have a column 'key'"):
        pairs_of(ROWS, id="key")
