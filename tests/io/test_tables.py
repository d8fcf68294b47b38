import gzip

import pandas as pd
import pytest

from molinterp.batch.pairs import read_pairs
from molinterp.errors import InputError
from molinterp.io.labels import read_labels
from molinterp.io.tables import read_table
from molinterp.report.view import read_view
from molinterp.training.data.corpus import prepare
from molinterp.training.evaluate import read_split

ROWS = "smiles,label\nCCO,1\nCCN,0\n"
PACKED = gzip.compress("".join(f"{i}\n" for i in range(5_000)).encode(), mtime=0)
READERS = {
    "pairs": read_pairs,
    "split": lambda file: read_split(file, "test", None),
    "labels": lambda file: read_labels([file]),
    "corpus": lambda file: prepare(file, file.parent / "cache", "selfies", 60),
    "view": read_view,
}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_is_read_plain_or_packed(tmp_path, mark):
    (tmp_path / "a.csv").write_text(mark + ROWS, encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((mark + ROWS).encode()))
    for name in ("a.csv", "a.csv.gz"):
        assert read_table(tmp_path / name).to_dict("list") == {"smiles": ["CCO", "CCN"], "label": [1, 0]}


@pytest.mark.parametrize("suffix", ["GZ", "bz2", "xz", "zip"])
def test_the_separator_of_a_packed_table_is_looked_for_inside(tmp_path, suffix):
    for i in range(20):
        # Packed, some of them begin with what looks like a separator.
        table = pd.DataFrame({"smiles": ["CCO", "CCN"], f"label-{i}": [1, 0], f"value-{i * i}": [i, 2]})
        table.to_csv(tmp_path / f"a.csv.{suffix}", sep=";", index=False)
        assert read_table(tmp_path / f"a.csv.{suffix}").equals(table)
    (tmp_path / f"a.csv.{suffix}").write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be read as a table"):
        read_table(tmp_path / f"a.csv.{suffix}")


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_a_table_may_be_parted_by_semicolons_or_tabs(tmp_path, separator):
    text = ROWS.replace(",", separator)
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.csv", "a.csv.gz"):
        assert read_table(tmp_path / name).to_dict("list") == {"smiles": ["CCO", "CCN"], "label": [1, 0]}


def test_a_table_of_another_encoding_is_told_how_to_save_it(tmp_path):
    (tmp_path / "a.csv").write_bytes("start,end,name\nCCO,CC,café\n".encode("cp1252"))
    with pytest.raises(InputError, match="cannot be read as a table: .*Save it as UTF-8"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "text",
    [
        "ID;Smiles;IC50, nM\na;CCO;1,5\n",
        '"ID, own";"Smiles";"IC50, or Ki, nM"\na;CCO;1,5\n',
        'ID,Smiles,"IC50; Ki; Kd; all of them"\na,CCO,"1,5"\n',
    ],
)
def test_a_heading_may_contain_another_separator(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    assert read_table(tmp_path / "a.csv", dtype=str).to_numpy().tolist() == [["a", "CCO", "1,5"]]


def test_types_and_missing_values_are_as_asked(tmp_path):
    (tmp_path / "a.tsv").write_text("a\tb\nNA\t\n1\t2\n")
    texts = read_table(tmp_path / "a.tsv", separator="\t", dtype=str, has_na=False)
    assert texts["a"].tolist() == ["NA", "1"]
    for table in (texts, read_table(tmp_path / "a.tsv", separator="\t")):
        assert table["b"].isna().tolist() == [True, False]
    assert read_table(tmp_path / "a.tsv", separator="\t")["a"].isna().tolist() == [True, False]


def test_a_separator_at_the_end_of_every_line_shifts_nothing(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("start,end\nCCO,CCN,\nCC,CN,\n")
    assert read_table(file).to_dict("list") == {"start": ["CCO", "CC"], "end": ["CCN", "CN"]}
    assert [(p.id, p.start, p.end) for p in read_pairs(file)] == [("0", "CCO", "CCN"), ("1", "CC", "CN")]


@pytest.mark.parametrize(
    ("reader", "extra"),
    [*((reader, extra) for reader in READERS for extra in (",x", ",7,8")), ("pairs", ",,"), ("view", ",,")],
)
def test_no_column_shifts_where_lines_hold_too_many_values(tmp_path, reader, extra):
    file = tmp_path / "a.csv"
    file.write_text(f"start,end,smiles\nCCO,CCN,C{extra}\nCC,CN,N{extra}\n")
    with pytest.raises(InputError, match="its lines hold more values than the first line names columns") as e:
        READERS[reader](file)
    assert "\n" not in str(e.value) and str(file) in str(e.value)


def test_the_one_line_with_too_many_values_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("start,end\nCCO,CCN\nCCO,CC,N\n")
    with pytest.raises(InputError, match="line 3 holds more values than .* in double quotes"):
        read_table(tmp_path / "a.csv")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", PACKED[:-12]),
        ("a.csv.gz", PACKED[:200] + b"\xff" * 50 + PACKED[250:]),
        ("a.csv", b"smiles,label\n\xff\xfe,1\n"),
        ("a.csv", b""),
    ],
)
def test_a_damaged_table_is_said_so(tmp_path, reader, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"'.*' (cannot be read as|must have a column) \S.*\.$"):
        READERS[reader](tmp_path / name)


def test_a_missing_table_is_said_so(tmp_path):
    with pytest.raises(InputError, match="none.csv' cannot be read as a table: .*No such file"):
        read_table(tmp_path / "none.csv")


def test_a_decimal_comma_is_a_number_where_semicolons_part_the_cells(tmp_path):
    (tmp_path / "a.csv").write_text("id;x;y;z\na;1,5;2;1,2\nb;-0,25;3;x\n")
    table = read_table(tmp_path / "a.csv")
    assert table["x"].tolist() == [1.5, -0.25] and table["y"].tolist() == [2, 3]
    assert table["z"].tolist() == ["1,2", "x"]


def test_columns_of_one_name_stay_so(tmp_path):
    (tmp_path / "a.csv").write_text("start,end,start\nCC,CN,CO\n")
    assert list(read_table(tmp_path / "a.csv")) == ["start", "end", "start"]
    with pytest.raises(InputError, match="must have one column 'start'; found several"):
        read_pairs(tmp_path / "a.csv")
