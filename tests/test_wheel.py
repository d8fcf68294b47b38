"""Build a wheel and hold it against the tree: a sub-package or a data file left out is silent."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAPPED = {"cli": "molinterp/cli", "data": "molinterp/data", "pretrained": "molinterp/pretrained"}
SHIPPED = {".py", ".pyi", ".csv", ".json", ".npz", ".smi", ".safetensors", ".css", ".js", ".toml"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source = tmp_path_factory.mktemp("source") / "molinterp"
    leave = shutil.ignore_patterns(
        ".git", ".venv", "*.egg-info", "build", "__pycache__", "*.cache", "tests", "docs"
    )
    shutil.copytree(ROOT, source, ignore=leave)
    out = source.parent / "dist"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PIP_NO_INDEX": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = out.glob("*.whl")
    return file


def _tree():
    for top in ("molinterp", *MAPPED):
        for file in (ROOT / top).rglob("*"):
            if (file.suffix in SHIPPED or file.name == "py.typed") and "__pycache__" not in file.parts:
                relative = file.relative_to(ROOT).as_posix()
                yield MAPPED[top] + relative.removeprefix(top) if top in MAPPED else relative


def test_the_wheel_holds_what_the_tree_holds(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {n for n in archive.namelist() if ".dist-info/" not in n}
    assert packed == set(_tree())


def test_nothing_leaks_to_the_top_level(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {n.split("/")[0] for n in archive.namelist()}
    assert all(t == "molinterp" or t.endswith(".dist-info") for t in tops), tops


def test_the_wheel_bears_licence_and_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry,) = [n for n in names if n.endswith("entry_points.txt")]
        assert "molinterp = molinterp.cli.main:main" in archive.read(entry).decode()
        assert any(n.endswith("LICENSE") for n in names)
