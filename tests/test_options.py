from dataclasses import dataclass
from enum import StrEnum

import pytest

from molinterp.errors import InputError
from molinterp.options import Choice, Flag, Number, Text, Texts, Weights, check_fields, check_names, option


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@dataclass(frozen=True)
class Settings:
    share: float = option(0.5, Number(0, 1, is_open=True), "Share.", "G")
    count: int | None = option(None, Number(1, is_whole=True, is_optional=True), "Count.", "G")
    colour: Colour = option(Colour.RED, Choice(Colour), "Colour.", "G")
    names: tuple[str, ...] = option((), Texts(choices=("a", "b")), "Names.", "G")
    weights: object = option({}, Weights(), "Weights.", "G")
    is_on: bool = option(False, Flag(), "On.", "G")
    label: str | None = option(None, Text(is_optional=True), "Label.", "G")

    def __post_init__(self):
        check_fields(self)


def test_values_take_their_normal_form():
    got = Settings(share=1 / 4, count=3.0 and 3, colour="green", names=["a"], weights={"x": 1}, is_on=True)
    assert (got.share, got.count, got.colour, got.names) == (0.25, 3, Colour.GREEN, ("a",))
    assert dict(got.weights) == {"x": 1.0} and got.label is None
    assert Settings(count=float("inf")).count is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 1}, r"`share` must be a number in \(0, 1\); got 1"),
        ({"share": float("nan")}, r"`share` must be a number in \(0, 1\); got nan"),
        ({"share": True}, r"`share` must be a number in \(0, 1\); got True"),
        ({"count": 0}, "`count` must be a whole number, at least 1; got 0"),
        ({"count": 1.5}, "`count` must be a whole number, at least 1; got 1.5"),
        ({"count": "3"}, "`count` must be a whole number, at least 1; got '3'"),
        ({"colour": "gren"}, "`colour` must be one of red, green; got 'gren'. Did you mean green?"),
        ({"names": "a"}, r"`names` must be a list; got 'a'\. Write \['a'\]"),
        ({"names": ["c"]}, "`names` must be among a, b; got 'c'"),
        ({"names": 3}, "`names` must be a list of texts; got 3"),
        ({"weights": {"x": -1.0}}, "`weights` must be at least 0 and finite; got -1.0 for x"),
        ({"weights": ["x"]}, "`weights` must be a mapping of terms to weights"),
        ({"is_on": 1}, "`is_on` must be True or False; got 1"),
        ({"label": 3}, "`label` must be a text; got 3"),
    ],
)
def test_a_value_out_of_range_is_named(values, message):
    with pytest.raises(InputError, match=message) as caught:
        Settings(**values)
    assert caught.value.argument == next(iter(values))


def test_a_mistyped_name_is_met_by_the_nearest():
    with pytest.raises(InputError, match=r"`cuont` is not an option\. Did you mean count\?"):
        check_names(Settings, ["cuont"])
    with pytest.raises(InputError, match="`zzz` is not an option. Choose from share, count"):
        check_names(Settings, ["zzz"])


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (Number(), "1e-2", 0.01),
        (Number(is_whole=True), "7", 7),
        (Texts(), "a,b", ("a,b",)),
        (Texts(has_commas=True), "C, N", ("C", "N")),
        (Texts(has_commas=True), "none", ()),
        (Weights(), "a=1,b=0.5", {"a": 1.0, "b": 0.5}),
    ],
)
def test_a_command_line_is_read(check, text, value):
    assert check.parse(text) == value


@pytest.mark.parametrize(
    ("check", "text"),
    [(Number(), "x"), (Number(is_whole=True), "1.5"), (Weights(), "a"), (Weights(), "a=x"), (Flag(), "1")],
)
def test_a_text_that_spells_no_value_is_an_error(check, text):
    with pytest.raises(ValueError, match=r".+"):
        check.parse(text)
