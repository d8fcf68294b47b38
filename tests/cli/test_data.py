import gzip
import hashlib

import pytest

from molinterp.training.data import datasets
from tests.cli.commands import check_refused, rows
from tests.conftest import SMALL
from tests.server import serving

TABLE = ("smiles\n" + "\n".join(SMALL)).encode()


@pytest.fixture
def site(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving() as one:
        yield one


def _source(monkeypatch, address, **fields):
    file = {"address": address, "sha256": None, "max_bytes": 10_000, "separator": ",", "column": "smiles"}
    monkeypatch.setattr(datasets, "sources", lambda: [{"name": "toy", "address": "-", "file": file | fields}])


def test_a_fetched_source_is_a_table_and_its_new_checksum_is_said(site, command, monkeypatch, tmp_path):
    _source(monkeypatch, site.add("toy.csv", TABLE))
    code, out, err = command("data", "fetch", "toy")
    assert (code, out) == (0, "")
    assert f"no SHA-256 of toy is known; this file has {hashlib.sha256(TABLE).hexdigest()}" in err
    assert f"{len(SMALL)} molecules written to toy.csv.gz" in err
    header, *lines = gzip.decompress((tmp_path / "toy.csv.gz").read_bytes()).decode().splitlines()
    assert header == "smiles,split" and [line.split(",")[0] for line in lines] == SMALL


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("none/toy.csv.gz", "folder 'none' of the output does not exist. Make it first."),
        ("taken.csv.gz", "output 'taken.csv.gz' cannot be written: check the folder's permissions."),
    ],
)
def test_an_output_that_cannot_be_is_found_before_the_download(
    site, command, monkeypatch, tmp_path, output, message
):
    (tmp_path / "taken.csv.gz").mkdir()
    _source(monkeypatch, site.add("toy.csv", TABLE))
    assert command("data", "fetch", "toy", "-q", "-o", output) == (2, "", f"molinterp: {message}\n")
    assert not (tmp_path / "cache").exists()


def test_a_known_checksum_needs_no_word(site, command, monkeypatch):
    _source(monkeypatch, site.add("toy.csv", TABLE), sha256=hashlib.sha256(TABLE).hexdigest())
    assert command("data", "fetch", "toy", "-q") == (0, "", "")


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"sha256": "0" * 64}, "does not match its SHA-256"), ({"max_bytes": 10}, "larger than the 10 bytes")],
)
def test_a_file_that_is_not_the_one_meant_leaves_nothing(
    site, command, monkeypatch, tmp_path, fields, message
):
    _source(monkeypatch, site.add("toy.csv", TABLE), **fields)
    check_refused(command("data", "fetch", "toy", "-q"), 4, message)
    assert not (tmp_path / "toy.csv.gz").exists()


def test_no_network_is_exit_code_4(site, command, monkeypatch):
    with serving() as gone:
        _source(monkeypatch, gone.add("toy.csv", TABLE))
    code, out, err = command("data", "fetch", "toy", "-q")
    assert (code, out) == (4, "") and "cannot be reached" in err and len(err.splitlines()) == 1


def test_the_list_of_sources_is_a_table(command):
    code, out, _ = command("data", "list")
    header, *sources = rows(out)
    assert code == 0 and header == ["name", "n_molecules", "checksum", "licence", "address"]
    assert {len(row) for row in sources} == {5}
    assert {row[2] for row in sources} == {"known", "unknown", "by hand"}
