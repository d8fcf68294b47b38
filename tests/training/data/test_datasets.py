import gzip
import hashlib

import pytest
from rdkit import Chem

from molinterp.chem.identity import hashed_split
from molinterp.errors import DownloadError, InputError
from molinterp.training.data import datasets
from molinterp.training.data.corpus import prepare
from molinterp.training.data.datasets import (
    fetch_source,
    read_molecules,
    source_named,
    to_table,
)
from tests.conftest import SMALL
from tests.server import serving

CSV = {"separator": ",", "column": "smiles"}
MOLECULES = ["OCC", "CCO", "c1ccccc1.[Na+].[Cl-]", "CC(=O)O", "not a molecule", ""]
STANDARD = ["CCO", "c1ccccc1", "CC(=O)O"]


def _lines(path):
    return gzip.decompress(path.read_bytes()).decode().splitlines()


@pytest.mark.parametrize(
    ("name", "text", "layout"),
    [
        ("a.csv", "id,smiles\n" + "".join(f"{i},{s}\n" for i, s in enumerate(MOLECULES)), CSV),
        # One source ends each of its cells with a line break.
        ("a.csv", "smiles,qed\n" + "".join(f'"{s}\n",0.5\n' for s in MOLECULES), CSV),
        ("a.smi", "\n".join(f"{s} name" for s in MOLECULES if " " not in s), {"separator": " ", "column": 0}),
        ("a.tsv", "".join(f"{i}\t{s}\n" for i, s in enumerate(MOLECULES)), {"separator": "\t", "column": 1}),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_every_layout_gives_the_same_table(tmp_path, name, text, layout, is_packed):
    raw = tmp_path / (f"{name}.gz" if is_packed else name)
    raw.write_bytes(gzip.compress(text.encode()) if is_packed else text.encode())
    table = to_table(raw, layout, tmp_path / "out.csv.gz")
    assert _lines(table.path) == ["smiles,split", *(f"{s},{hashed_split(s)}" for s in STANDARD)]
    assert (table.n_molecules, table.n_repeated) == (3, 1)
    assert table.n_refused >= 1


def test_a_table_is_what_training_reads(tmp_path):
    (tmp_path / "a.smi").write_text("\n".join(SMALL))
    table = to_table(tmp_path / "a.smi", {"separator": " ", "column": 0}, tmp_path / "a.csv.gz")
    corpus = prepare(table.path, tmp_path / "cache", "smiles", 80)
    assert len(corpus) + corpus.n_dropped == table.n_molecules == len(set(SMALL))
    # Atoms of fewer than five molecules are no symbol of so small a vocabulary.
    assert len(corpus) > 20
    spelt = {corpus.tokenizer.decode(corpus.sequence(i)) for i in range(len(corpus))}
    assert spelt <= {line.split(",")[0] for line in _lines(table.path)}


def test_the_same_file_gives_the_same_bytes(tmp_path):
    (tmp_path / "a.csv").write_text("smiles\nCCO\nCCN\n")
    one, two = (to_table(tmp_path / "a.csv", CSV, tmp_path / f"{k}.csv.gz").path for k in "12")
    assert one.read_bytes() == two.read_bytes()


def test_no_more_rows_than_the_limit_are_read(tmp_path):
    (tmp_path / "a.csv").write_text("smiles\n" + "\n".join(SMALL))
    assert to_table(tmp_path / "a.csv", CSV, tmp_path / "o.csv.gz", limit=5).n_molecules == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name\nx\n", "must have a column 'smiles'; found name"),
        (b"smiles\nnothing\n", "holds no molecule in its column 'smiles'"),
        (b"", "must have a column 'smiles'"),
        (gzip.compress(b"smiles\n" + b"CCO\n" * 99, mtime=0)[:-12], "is damaged"),
        (b"smiles\n\xff\xfe\n", "is damaged"),
    ],
)
def test_a_damaged_file_leaves_no_table(tmp_path, content, message):
    raw = tmp_path / ("a.csv.gz" if content[:2] == b"\x1f\x8b" else "a.csv")
    raw.write_bytes(content)
    with pytest.raises(DownloadError, match=message):
        to_table(raw, CSV, tmp_path / "out.csv.gz")
    assert [p.name for p in tmp_path.iterdir()] == [raw.name]


def test_a_source_goes_into_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    content = b"smiles\nCCO\n"
    with serving() as site:
        file = {"address": site.add("x.csv", content), "sha256": None, "max_bytes": 100, **CSV}
        monkeypatch.setattr(datasets, "sources", lambda: [{"name": "toy", "address": "-", "file": file}])
        found = fetch_source("toy")
    assert found.path == tmp_path / "molinterp" / "data" / "toy-x.csv"
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert fetch_source("toy") == found  # from the cache: the server is gone


def test_a_split_is_the_molecules_own_and_holds_out_two_in_a_hundred():
    splits = [hashed_split("C" * n) for n in range(1, 5_001)]
    assert splits == [hashed_split("C" * n) for n in range(1, 5_001)]
    for name in ("valid", "test"):
        # Five standard errors of a share of 1 % of 5,000.
        assert abs(splits.count(name) / 5_000 - 0.01) < 5 * (0.01 / 5_000) ** 0.5


def test_stereoisomers_are_of_one_split():
    chains = ["C" * n for n in range(1, 400)]
    flat = [hashed_split(f"{chain}C(O)C=CCl") for chain in chains]
    assert set(flat) == {"train", "valid", "test"}
    for centre, bond in (("[C@H]", "/"), ("[C@@H]", "\\")):
        drawn = [Chem.CanonSmiles(f"{chain}{centre}(O)/C=C{bond}Cl") for chain in chains]
        assert [hashed_split(smiles) for smiles in drawn] == flat


def test_sources_that_cannot_be_fetched_are_named():
    with pytest.raises(InputError, match="no data source 'none'; there are: zinc250k"):
        source_named("none")
    with pytest.raises(InputError, match="no single file.*https://github.com/rdkit/benchmarking_platform"):
        source_named("muv-dud-chembl")


@pytest.mark.parametrize(("name", "column"), [("a.csv", "Split"), ("A.CSV", "split"), ("a.csv", "SPLIT ")])
def test_a_column_of_splits_is_found_in_any_case(tmp_path, name, column):
    (tmp_path / name).write_text(f"SMILES,{column}\nCC,train\nCCC,test\n")
    assert read_molecules(tmp_path / name) == (["CC", "CCC"], ["train", "test"])


def test_a_row_without_a_split_is_said_so(tmp_path):
    (tmp_path / "a.csv").write_text("smiles,split\nCC,train\nCCC,\n")
    with pytest.raises(InputError, match="must hold train, valid or test; got an empty cell"):
        read_molecules(tmp_path / "a.csv")
