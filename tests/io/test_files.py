import hashlib
import os

import pytest

from molinterp.errors import InputError
from molinterp.io.files import replace_folder, sha256, sha256_of, whole_file, write_whole


def test_a_hash_is_that_of_the_standard(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == sha256_of([b"a", b"bc"]) == hashlib.sha256(b"abc").hexdigest()


def test_nothing_half_written_is_left(tmp_path):
    target = tmp_path / "path.csv"
    target.mkdir()
    (target / "in-the-way").touch()
    with pytest.raises(InputError, match="cannot be written"):
        write_whole(target, "x")
    assert [p.name for p in tmp_path.iterdir()] == ["path.csv"]


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "path.csv", "x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "path.csv"
    target.write_text("old and long")
    write_whole(target, "new")
    assert target.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["path.csv"]


def test_a_link_stays_one_and_its_file_is_written(tmp_path):
    (tmp_path / "shared").mkdir()
    link = tmp_path / "path.csv"
    link.symlink_to(tmp_path / "shared" / "real.csv")
    for text in ("first", "second"):
        write_whole(link, text)
        assert link.is_symlink() and (tmp_path / "shared" / "real.csv").read_text() == text


def test_a_file_of_several_writes_is_whole_or_not_there(tmp_path):
    target = tmp_path / "a.npz"
    with pytest.raises(KeyboardInterrupt), whole_file(target) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with whole_file(target) as temporary:
        assert temporary.parent == tmp_path and temporary.suffix == ".npz"
        temporary.write_bytes(b"half")
        assert not target.exists()
    assert target.read_bytes() == b"half" and list(tmp_path.iterdir()) == [target]


def test_the_umask_holds_whatever_the_writer_does(tmp_path):
    (tmp_path / "as-it-is").touch()
    with whole_file(tmp_path / "a") as temporary:
        temporary.chmod(0o600)
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "as-it-is").stat().st_mode


def test_a_folder_takes_the_place_of_another(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    replace_folder(tmp_path / "new", tmp_path / "old")
    assert [p.name for p in tmp_path.rglob("*")] == ["old", "new"]
