from dataclasses import MISSING, dataclass

import pytest

from molinterp.errors import InputError
from molinterp.settings import check, from_table, group, leaves, setting, to_table


@dataclass(frozen=True)
class Inner:
    rate: float = setting(0.5, "A rate.", above=0)
    n: int | None = setting(None, "A number.", low=2)

    def __post_init__(self):
        check(self)


@dataclass(frozen=True)
class Outer:
    file: str = setting(MISSING, "A file.")
    kind: str = setting("a", "A kind.", choices=("a", "b"))
    shares: tuple[float, ...] = setting((0.2, 0.8), "Shares.", low=0, expert=True)
    is_on: bool = setting(False, "A switch.")
    flat: Inner = group(lambda: Inner(0.1), "Flat.", flat=True)
    named: Inner = group(Inner, "Named.")

    def __post_init__(self):
        check(self)


def test_leaves_are_named_by_their_groups_and_know_their_defaults():
    found = {leaf.name: leaf for leaf in leaves(Outer)}
    assert list(found) == ["file", "kind", "is_on", "rate", "n", "named_rate", "named_n"]
    assert found["file"].default is MISSING
    assert (found["rate"].default, found["named_rate"].default) == (0.1, 0.5)
    assert (found["n"].type, found["n"].default) == (int, None)
    assert [leaf.name for leaf in leaves(Outer, is_expert=True)][2] == "shares"


def test_a_table_gives_the_settings_and_they_give_the_table():
    table = {"file": "x", "shares": [1, 2.5], "rate": 2, "named_n": 3, "is_on": True}
    settings = from_table(Outer, table)
    assert settings == Outer("x", shares=(1, 2.5), is_on=True, flat=Inner(2.0), named=Inner(n=3))
    assert from_table(Outer, to_table(settings)) == settings
    assert to_table(settings)["rate"] == 2.0 and "n" not in to_table(settings)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "here must have 'file'. Add it"),
        ({"file": "x", "rates": 1}, "here has no setting 'rates'. Did you mean rate?"),
        ({"file": "x", "rate": 0.0}, "`rate` must be greater than 0; got 0.0"),
        ({"file": "x", "named_n": 1}, "`n` must be at least 2; got 1"),
        ({"file": "x", "n": 2.5}, "`n` must be a whole number; got 2.5"),
        ({"file": "x", "n": True}, "`n` must be a whole number; got True"),
        ({"file": 7}, "`file` must be a text; got 7"),
        ({"file": "x", "kind": "c"}, "`kind` must be one of a, b; got 'c'"),
        ({"file": "x", "shares": [0.5, -1.0]}, "`shares` must be at least 0; got -1.0"),
        ({"file": "x", "shares": 0.5}, "`shares` must be a list; got 0.5"),
        ({"file": "x", "is_on": 1}, "`is_on` must be true or false; got 1"),
    ],
)
def test_what_is_wrong_is_named(table, message):
    with pytest.raises(InputError, match=message):
        from_table(Outer, table, "here")
