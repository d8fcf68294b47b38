import hashlib
import io
import tarfile
import zipfile

import pytest
from molinterp.pretrained import BUNDLES

from molinterp.errors import BundleError, DownloadError, InputError
from molinterp.model import bundle_archives as archives
from molinterp.model.bundle import Bundle
from molinterp.model.bundle_archives import download_bundle, downloads, unpack
from molinterp.model.storage import HEADER, downloaded_names, locate
from tests.server import serving


@pytest.fixture
def site(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving() as one:
        yield one


def _zip(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _tar(files, kind=tarfile.REGTYPE):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "/etc/passwd"
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _files_of(bundle, folder=""):
    return {f"{folder}{p.name}": p.read_bytes() for p in bundle.iterdir()}


def _hash(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("pack", [_zip, _tar])
@pytest.mark.parametrize("folder", ["", "small/"])
def test_a_downloaded_bundle_is_used_by_its_name(site, saved_bundle, pack, folder):
    content = pack(_files_of(saved_bundle, folder))
    name = download_bundle(site.add("tiny.tar.gz", content), _hash(content))
    assert name == "tiny" and downloaded_names() == ("tiny",)
    there, here = Bundle.load("tiny"), Bundle.load(saved_bundle)
    assert there.decode(there.encode(["CCO", "c1ccccc1"])) == here.decode(here.encode(["CCO", "c1ccccc1"]))
    assert sorted(p.name for p in locate("tiny").parent.iterdir()) == ["tiny"]


def test_a_name_of_the_manifest_is_downloaded(site, saved_bundle, monkeypatch):
    content = _zip(_files_of(saved_bundle))
    entry = {"address": site.add("x.zip", content), "sha256": _hash(content), "bytes": len(content)}
    monkeypatch.setattr(archives, "downloads", lambda: {"large": entry})
    assert download_bundle("large") == "large"
    assert Bundle.load("large").name == "small"


def test_an_archive_larger_than_the_manifest_says_is_not_taken(site, saved_bundle, monkeypatch):
    content = _zip(_files_of(saved_bundle))
    entry = {"address": site.add("x.zip", content), "sha256": _hash(content), "bytes": len(content) - 1}
    monkeypatch.setattr(archives, "downloads", lambda: {"large": entry})
    with pytest.raises(DownloadError, match="larger than"):
        download_bundle("large")


def test_a_damaged_bundle_does_not_replace_a_sound_one(site, saved_bundle):
    files = _files_of(saved_bundle)
    sound, harmed = _zip(files), _zip(files | {"decoder.safetensors": files["decoder.safetensors"][:-1]})
    download_bundle(site.add("a.zip", sound), _hash(sound), "mine")
    with pytest.raises(BundleError, match="does not match its SHA-256"):
        download_bundle(site.add("b.zip", harmed), _hash(harmed), "mine")
    assert Bundle.load("mine").name == "small"
    assert sorted(p.name for p in locate("mine").parent.iterdir()) == ["mine"]


@pytest.mark.parametrize("pack", [_zip, _tar])
@pytest.mark.parametrize(
    "name",
    [
        "../bundle.json",
        "/tmp/bundle.json",
        "a/../../bundle.json",
        "a/b/bundle.json",
        "..\\bundle.json",
        "x.py",
    ],
)
def test_an_archive_writes_nothing_but_a_bundles_files(tmp_path, pack, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "a").write_bytes(pack({name: b"{}"}))
    with pytest.raises(BundleError, match="is (a path that leads elsewhere|not a file of a bundle)"):
        unpack(tmp_path / "a", tmp_path / "in")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "in"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_a_tar_are_turned_down(tmp_path, kind):
    (tmp_path / "a").write_bytes(_tar({HEADER: b""}, kind))
    with pytest.raises(BundleError, match="not a regular file"):
        unpack(tmp_path / "a", tmp_path)


def test_links_of_a_zip_are_turned_down(tmp_path):
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        link = zipfile.ZipInfo(HEADER)
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BundleError, match="not a regular file"):
        unpack(tmp_path / "a", tmp_path)
    assert not (tmp_path / HEADER).exists()


def test_an_archive_that_unpacks_to_too_much_is_stopped(tmp_path):
    (tmp_path / "a").write_bytes(_zip({HEADER: b"0" * 1_000_000}))
    with pytest.raises(DownloadError, match="unpacks to more than 500000 bytes"):
        unpack(tmp_path / "a", tmp_path, 500_000)
    assert (tmp_path / HEADER).stat().st_size <= 500_000


TORN = _zip({HEADER: b"{}" * 99})[:-30]


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100, TORN], ids=["empty", "text", "torn"])
def test_what_is_no_archive_is_named(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BundleError, match="the archive cannot be read"):
        unpack(tmp_path / "a", tmp_path)


def test_a_file_that_stands_twice_is_named(tmp_path):
    (tmp_path / "a").write_bytes(_tar({HEADER: b"{}", f"x/{HEADER}": b"[]"}))
    with pytest.raises(BundleError, match="holds a file twice"):
        unpack(tmp_path / "a", tmp_path)


@pytest.mark.parametrize(
    ("asked", "options", "message"),
    [
        ("default", {}, "ships with molinterp; there is nothing to download"),
        ("nothing-of-that-name", {}, "no bundle 'nothing-of-that-name' to download"),
        ("https://example.org/x.zip", {}, "must come with the SHA-256"),
        ("https://example.org/x.zip", {"sha256": "0" * 64, "name": "default"}, "cannot be called 'default'"),
        ("https://example.org/x.zip", {"sha256": "0" * 64, "name": "../x"}, "cannot be called '../x'"),
    ],
)
def test_what_cannot_be_downloaded_is_named(asked, options, message):
    with pytest.raises(InputError, match=message):
        download_bundle(asked, **options)


def test_the_manifest_names_no_bundle_that_ships():
    for name, entry in downloads().items():
        assert name not in BUNDLES
        assert entry["address"].startswith("https://") and len(entry["sha256"]) == 64 and entry["bytes"] > 0
