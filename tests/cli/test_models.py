import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from molinterp.pretrained import BUNDLES

from molinterp.errors import BundleError
from molinterp.model.bundle import Bundle
from tests.cli.commands import QUICK, check_refused
from tests.conftest import SMALL
from tests.server import serving


@pytest.fixture
def site(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving() as one:
        yield one


@pytest.fixture
def archive(saved_bundle):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for path in saved_bundle.iterdir():
            packed.write(path, path.name)
    return out.getvalue()


def test_a_bundle_by_its_address_is_listed_and_verified(site, command, archive):
    code, out, _ = command(
        "models", "download", site.add("tiny.zip", archive), "--sha256", hashlib.sha256(archive).hexdigest()
    )
    assert (code, out) == (0, "tiny\n")
    assert command("models", "list").out.splitlines() == [*BUNDLES, "tiny"]
    assert command("models", "verify", "tiny")[:2] == (0, "small: sound\n")
    quick = ("--model", "tiny", *QUICK, "-q")
    assert command("path", "CCO", "CCN", *quick).code == 0
    Path("pairs.csv").write_text("start,end\nCCO,CCN\n")
    found = command("batch", "pairs.csv", "-o", "out.csv", *quick)
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


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("verify", "none"), 4, "must be one that ships"),
        (("eval", "none.csv"), 2, "does not exist"),
    ],
)
def test_bad_input_gives_one_line_and_its_exit_code(command, small, tmp_path, arguments, code, message):
    model = small if arguments[0] == "eval" else ()
    check_refused(command("models", *arguments, *model), code, message)
    assert list(tmp_path.iterdir()) == []


def test_figures_are_saved_and_a_closed_bundle_is_found_before(command, saved_bundle, molecules, monkeypatch):
    measured = []

    def measure(bundle, smiles, *_):
        measured.append(smiles)
        return {"n_molecules": len(smiles)}

    monkeypatch.setattr("molinterp.training.pipeline.evaluate", measure)
    few = ("--split", "train", "--n-molecules", "5", "-q")
    evaluate = ("models", "eval", molecules, "--model", "small", *few, "--save")
    answer = command(*evaluate)
    assert (answer.code, answer.err) == (0, "") and measured == [SMALL[:5]]
    assert Bundle.load("small").figures == {"n_molecules": 5}

    def closed(folder):
        raise BundleError("closed")

    monkeypatch.setattr("molinterp.model.storage.check_target", closed)
    assert command(*evaluate) == (4, "", "molinterp: closed\n") and len(measured) == 1
