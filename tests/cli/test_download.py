import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from molinterp.pretrained import BUNDLES

from molinterp.training.data import datasets
from tests.conftest import SMALL
from tests.server import serving

TABLE = ("smiles\n" + "\n".join(SMALL)).encode()


@pytest.fixture
def site(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with serving() as one:
        yield one


def _source(monkeypatch, address, **fields):
    file = {"address": address, "sha256": None, "max_bytes": 10_000, "separator": ",", "column": "smiles"}
    monkeypatch.setattr(datasets, "sources", lambda: [{"name": "toy", "address": "-", "file": file | fields}])


@pytest.fixture
def archive(saved_bundle):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for path in saved_bundle.iterdir():
            packed.write(path, path.name)
    return out.getvalue()


def test_a_fetched_source_is_a_table_and_its_new_checksum_is_said(site, command, monkeypatch, tmp_path):
    _source(monkeypatch, site.add("toy.csv", TABLE))
    code, out, err = command("data", "fetch", "toy")
    assert (code, out) == (0, "")
    assert f"no SHA-256 of toy is known; this file has {hashlib.sha256(TABLE).hexdigest()}" in err
    assert f"{len(SMALL)} molecules written to toy.csv.gz" in err
    header, *rows = gzip.decompress((tmp_path / "toy.csv.gz").read_bytes()).decode().splitlines()
    assert header == "smiles,split" and [row.split(",")[0] for row in rows] == SMALL


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
    code, out, err = command("data", "fetch", "toy", "-q")
    assert (code, out) == (4, "") and message in err
    assert not (tmp_path / "toy.csv.gz").exists()


def test_no_network_is_exit_code_4(site, command, monkeypatch):
    with serving() as gone:
        _source(monkeypatch, gone.add("toy.csv", TABLE))
    code, out, err = command("data", "fetch", "toy", "-q")
    assert (code, out) == (4, "") and "cannot be reached" in err and len(err.splitlines()) == 1


def test_the_list_of_sources_is_a_table(command):
    code, out, _ = command("data", "list")
    header, *rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0 and header == ["name", "n_molecules", "checksum", "licence", "address"]
    assert {len(row) for row in rows} == {5}
    assert {row[2] for row in rows} == {"known", "unknown", "by hand"}


def test_a_bundle_by_its_address_is_listed_and_verified(site, command, archive):
    code, out, _ = command(
        "models", "download", site.add("tiny.zip", archive), "--sha256", hashlib.sha256(archive).hexdigest()
    )
    assert (code, out) == (0, "tiny\n")
    assert command("models", "list")[1].splitlines() == [*BUNDLES, "tiny"]
    assert command("models", "verify", "tiny")[:2] == (0, "small: sound\n")
    assert command("path", "CCO", "CCN", "--model", "tiny", "--pointwise", "-q")[0] == 0
    Path("pairs.csv").write_text("start,end\nCCO,CCN\n")
    found = command("batch", "pairs.csv", "-o", "out.csv", "--model", "tiny", "--pointwise", "-q")
    assert found == (0, "", "") and Path("out.csv").is_file()


def test_what_there_is_to_download_is_said(command):
    code, out, err = command("models", "download")
    assert (code, out) == (0, "")
    assert f"no bundle can be downloaded by name yet; these ship: {', '.join(BUNDLES)}" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("default",), 2, "ships with molinterp"),
        (("nothing-such",), 2, "to download; there are: none yet"),
        (("http://127.0.0.1:9/x.zip",), 2, "must come with the SHA-256"),
        (("http://127.0.0.1:9/x.zip", "--sha256", "0" * 64, "-q"), 4, "cannot be reached"),
    ],
)
def test_a_download_that_cannot_be_is_one_line(command, monkeypatch, tmp_path, arguments, code, message):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found, out, err = command("models", "download", *arguments)
    assert (found, out) == (code, "") and message in err.splitlines()[-1]
