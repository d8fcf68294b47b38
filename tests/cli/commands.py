"""The command line as tests call it: in this process, or in one of its own where that is what counts."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple
from unittest.mock import patch

import torch
from molinterp.data import drugs

START, END = "aspirin", "ketoprofen"
"""Compounds by name that the small bundle of the tests can spell."""
START_SMILES, END_SMILES = drugs()[START], drugs()[END]
QUICK = ("--pointwise", "--method", "linear")
"""The quick sort of path, where the path itself is not what is tested."""
SIZES = ("--latent-dim", "4", "--embedding-dim", "8", "--encoder-dim", "8", "--decoder-dim", "16")
LOUD = ("train", "m.csv", "--n-tokens", "60", "--head-dim", "8", "--features", "none", *SIZES)
"""`molinterp train` of so small a network that its training takes no time."""
TINY = (*LOUD, "-q")
STEPS = "--n-steps"
APART = (sys.executable, "-c", "from molinterp.cli.main import main; main()")
"""The command line in a process of its own."""


class Answer(NamedTuple):
    code: int
    out: str
    err: str


def run(*arguments: str, stdin: str = "", cwd: Path | str = ".") -> Answer:
    """Run a command in this process; all that goes to the two streams is caught, RDKit's log too."""
    from molinterp.cli.main import main

    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        with _untouched(), chdir(cwd), _streams(stdin, out, err):
            sys.argv = ["molinterp", *arguments]
            try:
                main()
            except SystemExit as ended:
                code = ended.code
        for stream in (out, err):
            stream.seek(0)
        return Answer(code, out.read().decode("utf-8"), err.read().decode("utf-8"))


@contextmanager
def _untouched() -> Iterator[None]:
    """What a command may set for its whole process is set back."""
    n_threads = torch.get_num_threads()
    with patch.object(sys, "argv", sys.argv), patch.dict(os.environ), warnings.catch_warnings():
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)


@contextmanager
def _streams(stdin: str, out: BinaryIO, err: BinaryIO) -> Iterator[None]:
    """Standard input and both outputs, those of compiled code too."""
    given = io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8")), encoding="utf-8")
    with _descriptor(1, out) as stdout, _descriptor(2, err) as stderr:
        with patch.multiple(sys, stdin=given, stdout=stdout, stderr=stderr):
            yield


@contextmanager
def _descriptor(number: int, file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    before = os.dup(number)
    os.dup2(file.fileno(), number)
    try:
        with open(number, "w", encoding="utf-8", newline="", closefd=False) as stream:
            yield stream
    finally:
        os.dup2(before, number)
        os.close(before)


def check_refused(answer: Answer, code: int, message: str) -> None:
    """A command ended with its exit code, said why, and wrote nothing to stdout."""
    assert message in answer.err
    assert answer.code == code
    assert answer.out == ""
    assert "Traceback" not in answer.err


def rows(text: str) -> list[list[str]]:
    """Cells of a TSV, the header first."""
    return [line.split("\t") for line in text.splitlines()]


def smiles_of(text: str) -> list[str]:
    """Molecules of the TSV of a path."""
    return [row[2] for row in rows(text)[1:]]
