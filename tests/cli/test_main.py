"""Exit codes and streams of the command line as a process of its own, and what its start costs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import APART, END, START


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_pipe_gets_utf_8_whatever_the_locale(encoding):
    environment = {"PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [*APART, "path", "--help"], capture_output=True, env=os.environ | environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "WAY-POINT…" in done.stdout.decode("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell")
def test_a_reader_that_stops_early_is_no_error(quick):
    program, code = APART[:2], APART[2]
    command = f'"{program[0]}" {program[1]} "{code}" path {START} {END} {" ".join(quick)} -q | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("step\t") and done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell")
@pytest.mark.parametrize("command", [("models", "list"), ("data", "list"), ("path", "--help")])
def test_a_reader_that_is_gone_is_no_error(command):
    with subprocess.Popen([*APART, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", [("data", "list"), ("path", "--help")])
def test_a_full_disk_is_said(command):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*APART, *command], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "molinterp: the output cannot be written: no space is left on its device.\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from molinterp.cli.main import cli; cli(['--help'], standalone_mode=False); "
        "assert not {'torch', 'rdkit', 'pandas', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Exit codes" in done.stdout
