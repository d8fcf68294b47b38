"""Ten thousand hostile strings: a molecule or a named refusal each, at once and in bounded memory."""

import os
import random
import time
import tracemalloc

import pytest
from molinterp.data import drugs

from molinterp.chem.standardise import standardise
from molinterp.errors import InvalidMoleculeError

N_STRINGS = int(os.environ.get("MOLINTERP_FUZZ", "100")) * 10
"""Strings of a run; MOLINTERP_FUZZ=1000 makes 10,000 of them."""
PIECES = (
    "C c N n O o S P F Cl Br I [nH] [C@H] [C@@] [O-] [N+] [S+] [2H] [H] [13C] [Na+] [Zn] [Pt] * ( ) = # $ - / \\ . "
    "1 2 %12 %(100) [ ] -> ~ > >> | { } [R1] [#6] [C;H1] : @ é \x00 InChI= InChI=1S/ /c1- /h1H V2000 | |&1: Sg:n: [C:1]"
).split(" ")
LONG = [
    "C" * 2000,
    "[" * 2000,
    "(" * 2000,
    "C(" * 900,
    "C1" * 900,
    "C%10" * 450,
    ".".join("C" * 900),
    "[Na+]." * 300 + "C",
    "InChI=1S/" + "C9H9/" * 300,
    "InChI=1S/C999999999999H1",
    "InChI=1S/C20H42/" + "c1-2" * 200,
    "[C+999999999999]",
    "[999999999999C]",
    "[C:999999999999]",
    "C |" + "&1:0," * 300 + "|",
    "C |(" + "0,0,;" * 300 + ")|",
    "C |$" + ";" * 1500 + "$|",
    "*" * 1900,
    "[Pt]" * 450,
    "c1ccccc1" * 240,
]


def strings(n: int):
    source = random.Random(26)
    names = sorted(drugs().values())
    for _ in range(n):
        kind = source.randrange(3)
        if kind == 0:
            yield "".join(source.choice(PIECES) for _ in range(source.randrange(1, 60)))
            continue
        text = list(source.choice(names))
        for _ in range(source.choice((1, 1, 2, 5))):
            text.insert(source.randrange(len(text) + 1), source.choice(PIECES))
            if kind == 2:
                del text[source.randrange(len(text))]
        yield "".join(text)


def outcome(text: str) -> str:
    start = time.process_time()
    try:
        found = standardise(text)
        assert standardise(found.smiles).smiles == found.smiles
    except InvalidMoleculeError as error:
        assert error.reason
        found = None
    assert time.process_time() - start < 5, text
    return "" if found is None else found.smiles


def test_a_hostile_string_is_a_molecule_or_a_named_refusal():
    tracemalloc.start()
    n_read = sum(bool(outcome(text)) for text in strings(N_STRINGS))
    assert 0 < n_read < N_STRINGS
    assert tracemalloc.get_traced_memory()[1] < 300 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_a_long_one_is_too(text):
    outcome(text)
