import hashlib
import random

import pytest

from molinterp.errors import DownloadError, InputError
from molinterp.io.download import N_ATTEMPTS, cache_folder, fetch
from tests.server import serving

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LIMIT = 1_000_000


@pytest.fixture
def site():
    with serving() as one:
        yield one


def _files(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_fetched_once(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    for _ in range(2):
        found = fetch(address, tmp_path / "cache", "a.bin", SHA256, LIMIT)
        assert found.path.read_bytes() == CONTENT
        assert (found.sha256, found.is_known) == (SHA256, True)
    assert len(site.ranges) == 1
    assert _files(tmp_path / "cache") == ["a.bin"]


def test_a_cut_connection_is_taken_up_where_it_stopped(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    site.cuts = [100_000, 50_000]
    assert fetch(address, tmp_path, "a.bin", SHA256, LIMIT).path.read_bytes() == CONTENT
    assert site.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_the_next_call_goes_on_too(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    site.cuts = [10_000] * N_ATTEMPTS
    with pytest.raises(DownloadError, match="cut 4 times, 40000 bytes so far.*goes on where it stopped"):
        fetch(address, tmp_path, "a.bin", SHA256, LIMIT)
    assert fetch(address, tmp_path, "a.bin", SHA256, LIMIT).path.read_bytes() == CONTENT
    assert site.ranges[-1] == "bytes=40000-"
    assert _files(tmp_path) == ["a.bin"]


def test_a_file_that_changed_meanwhile_is_begun_anew(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    site.cuts = [10_000] * N_ATTEMPTS
    with pytest.raises(DownloadError, match="cut"):
        fetch(address, tmp_path, "a.bin", None, LIMIT)
    site.add("a.bin", CONTENT[::-1])
    assert fetch(address, tmp_path, "a.bin", None, LIMIT).path.read_bytes() == CONTENT[::-1]


def test_a_whole_part_that_was_never_put_in_place_is_no_trap(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    site.cuts = [len(CONTENT) - 1] + [0] * N_ATTEMPTS
    with pytest.raises(DownloadError, match="cut"):
        fetch(address, tmp_path, "a.bin", SHA256, LIMIT)
    with (tmp_path / "a.bin.part").open("ab") as stream:
        stream.write(CONTENT[-1:])
    site.cuts = []
    assert fetch(address, tmp_path, "a.bin", SHA256, LIMIT).path.read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_nothing(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    with pytest.raises(DownloadError, match=r"does not match its SHA-256, 0{64} \(given\)"):
        fetch(address, tmp_path, "a.bin", "0" * 64, LIMIT)
    assert _files(tmp_path) == []


def test_a_record_that_says_nothing_is_written_anew(site, tmp_path):
    (tmp_path / "a.bin.sha256").write_text("")
    found = fetch(site.add("a.bin", CONTENT), tmp_path, "a.bin", None, LIMIT)
    assert (found.sha256, found.is_known) == (SHA256, False)
    assert (tmp_path / "a.bin.sha256").read_text().strip() == SHA256


def test_an_unknown_checksum_is_recorded_and_held_to(site, tmp_path):
    address = site.add("a.bin", CONTENT)
    found = fetch(address, tmp_path, "a.bin", None, LIMIT)
    assert (found.sha256, found.is_known) == (SHA256, False)
    assert (tmp_path / "a.bin.sha256").read_text().strip() == SHA256
    site.add("a.bin", b"something else")
    found.path.write_bytes(b"damaged")
    with pytest.raises(DownloadError, match="recorded in .*a.bin.sha256' at the first fetch"):
        fetch(address, tmp_path, "a.bin", None, LIMIT)


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_file_that_is_too_large_is_not_kept(site, tmp_path, tells_length):
    site.tells_length = tells_length
    address = site.add("a.bin", CONTENT)
    with pytest.raises(DownloadError, match="larger than the 200000 bytes allowed"):
        fetch(address, tmp_path, "a.bin", None, 200_000)
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) < 100


def test_progress_ends_at_the_size_of_the_file(site, tmp_path):
    told = []
    fetch(site.add("a.bin", CONTENT), tmp_path, "a.bin", SHA256, LIMIT, lambda *now: told.append(now))
    done = [n for n, _ in told]
    assert done == sorted(done) and told[-1] == (len(CONTENT), len(CONTENT))


def test_no_server_is_named(tmp_path):
    with serving() as gone:
        address = gone.add("a.bin", CONTENT)
    with pytest.raises(DownloadError, match="cannot be reached: .*refused.*Check the network connection"):
        fetch(address, tmp_path, "a.bin", SHA256, LIMIT)


def test_a_missing_file_is_named(site, tmp_path):
    with pytest.raises(DownloadError, match="was refused: 404"):
        fetch(f"{site.address}/none", tmp_path, "none", None, LIMIT)


@pytest.mark.parametrize(
    ("address", "sha256", "message"),
    [
        ("file:///etc/passwd", None, "must begin with https:// or http://"),
        ("http://127.0.0.1/a", "abc", "64 hexadecimal digits"),
    ],
)
def test_what_cannot_be_asked_for_is_named(tmp_path, address, sha256, message):
    with pytest.raises(InputError, match=message):
        fetch(address, tmp_path, "a", sha256, LIMIT)


def test_the_cache_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("data") == tmp_path / "molinterp" / "data"
