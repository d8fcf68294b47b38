"""Declare an option once: its check, its help, its group and how a command line reads it.

A settings class is a frozen dataclass whose fields are made by `option`. The class checks its values with
`check_fields`; commands, documents and signatures read the same declarations.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from numbers import Integral, Real
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

from molinterp.errors import InputError


class Check(ABC):
    """What an option accepts."""

    metavar: str = ""
    """What a help page shows for the value."""

    @abstractmethod
    def __call__(self, name: str, value: Any) -> Any:
        """Value in its normal form.

        Raises:
            InputError: the option does not accept it.
        """

    @abstractmethod
    def parse(self, text: str) -> Any:
        """Value of a text from a command line.

        Raises:
            ValueError: the text spells no such value.
        """


def refuse(name: str, wanted: str, value: Any, remedy: str = "") -> InputError:
    """Error for an option whose value is not the one wanted."""
    return InputError(f"`{name}` must be {wanted}; got {value!r}.", argument=name, remedy=remedy)


@final
@dataclass(frozen=True)
class Number(Check):
    """A number in a range, or None where that is allowed."""

    low: float = -math.inf
    """Smallest value."""
    high: float = math.inf
    """Largest value."""
    is_open: bool = False
    """Whether the bounds themselves are left out."""
    is_whole: bool = False
    """Whether only whole numbers are accepted."""
    is_optional: bool = False
    """Whether None is accepted, and infinity for it, which a TOML file can hold."""

    @property
    def metavar(self) -> str:  # type: ignore[override]
        """INTEGER or NUMBER."""
        return "INTEGER" if self.is_whole else "NUMBER"

    def __call__(self, name: str, value: Any) -> int | float | None:
        """See `Check`."""
        if self.is_optional and value in (None, math.inf):
            return None
        kind = Integral if self.is_whole else Real
        is_number = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not self._holds(value):
            raise refuse(name, self._wanted(), value)
        return int(value) if self.is_whole else float(value)

    def _holds(self, value: float) -> bool:
        return self.low < value < self.high if self.is_open else self.low <= value <= self.high

    def _wanted(self) -> str:
        what = "a whole number" if self.is_whole else "a number"
        if math.isinf(self.high):
            bound = f"above {_shown(self.low)}" if self.is_open else f"at least {_shown(self.low)}"
            return what if math.isinf(self.low) else f"{what}, {bound}"
        brackets = "()" if self.is_open else "[]"
        return f"{what} in {brackets[0]}{_shown(self.low)}, {_shown(self.high)}{brackets[1]}"

    def parse(self, text: str) -> int | float:
        """See `Check`."""
        return int(text) if self.is_whole else float(text)


def _shown(bound: float) -> str:
    return str(int(bound)) if float(bound).is_integer() else f"{bound:g}"


@final
@dataclass(frozen=True)
class Choice(Check):
    """One of the values of an enumeration."""

    enumeration: type[StrEnum]
    """The enumeration."""

    @property
    def metavar(self) -> str:  # type: ignore[override]
        """The values."""
        return ", ".join(self.enumeration)

    def __call__(self, name: str, value: Any) -> StrEnum:
        """See `Check`."""
        try:
            return self.enumeration(value)
        except ValueError:
            raise refuse(
                name, f"one of {', '.join(self.enumeration)}", value, near(value, self.enumeration)
            ) from None

    def parse(self, text: str) -> str:
        """See `Check`."""
        return text


@final
@dataclass(frozen=True)
class Flag(Check):
    """True or False."""

    def __call__(self, name: str, value: Any) -> bool:
        """See `Check`."""
        if not isinstance(value, bool):
            raise refuse(name, "True or False", value)
        return value

    def parse(self, text: str) -> bool:
        """See `Check`."""
        raise ValueError("a flag takes no value")


@final
@dataclass(frozen=True)
class Text(Check):
    """A text, or None where that is allowed."""

    metavar: str = "TEXT"
    """What a help page shows for the value."""
    is_optional: bool = False
    """Whether None is accepted."""

    def __call__(self, name: str, value: Any) -> str | None:
        """See `Check`."""
        if value is None and self.is_optional:
            return None
        if isinstance(value, Path):
            return str(value)
        if not isinstance(value, str):
            raise refuse(name, "a text", value)
        return value

    def parse(self, text: str) -> str:
        """See `Check`."""
        return text


@final
@dataclass(frozen=True)
class Texts(Check):
    """Several texts; on a command line the option is given several times, or once with commas."""

    metavar: str = "TEXT"
    """What a help page shows for one."""
    has_commas: bool = False
    """Whether a command line gives them in one value with commas, and "none" for none."""
    is_optional: bool = False
    """Whether None is accepted."""
    choices: tuple[str, ...] = ()
    """The texts that are accepted; empty for any."""

    def __call__(self, name: str, value: Any) -> tuple[str, ...] | None:
        """See `Check`."""
        if value is None and self.is_optional:
            return None
        if isinstance(value, str):
            raise refuse(name, "a list", value, f"Write [{value!r}].")
        several = tuple(value) if isinstance(value, Iterable) else (value,)
        if not isinstance(value, Iterable) or not all(isinstance(v, str) for v in several):
            raise refuse(name, "a list of texts", value)
        for text in several if self.choices else ():
            if text not in self.choices:
                raise refuse(name, f"among {', '.join(self.choices)}", text, near(text, self.choices))
        return several

    def parse(self, text: str) -> tuple[str, ...]:
        """See `Check`."""
        if not self.has_commas:
            return (text,)
        return () if text == "none" else tuple(part.strip() for part in text.split(","))


@final
@dataclass(frozen=True)
class Weights(Check):
    """Names with weights, none negative."""

    metavar: str = "TERM=NUMBER"
    """What a help page shows for one."""

    def __call__(self, name: str, value: Any) -> Mapping[str, float]:
        """See `Check`."""
        if not isinstance(value, Mapping):
            raise refuse(name, "a mapping of terms to weights", value)
        for term, weight in value.items():
            is_number = isinstance(weight, Real) and not isinstance(weight, bool)
            if not is_number or not 0 <= weight < math.inf:
                raise InputError(
                    f"`{name}` must be at least 0 and finite; got {weight!r} for {term}.", argument=name
                )
        return MappingProxyType({str(term): float(weight) for term, weight in value.items()})

    def parse(self, text: str) -> dict[str, float]:
        """See `Check`."""
        out = {}
        for part in text.split(","):
            term, _, number = part.rpartition("=")
            if not term:
                raise ValueError("no name")
            out[term.strip()] = float(number)
        return out


@final
@dataclass(frozen=True)
class Option:
    """Declaration of an option."""

    check: Check
    """What it accepts."""
    help: str
    """What it means, in one or two sentences."""
    group: str
    """Heading of a help page under which it stands."""
    flag: str = ""
    """Name on a command line where one letter stands for it too, as "-d"."""


def option(default: Any, check: Check, help: str, group: str, flag: str = "") -> Any:
    """Field of a settings class: its default and its declaration."""
    metadata = {"option": Option(check, help, group, flag)}
    if isinstance(default, dict):
        return field(default_factory=lambda: MappingProxyType(dict(default)), metadata=metadata)
    return field(default=default, metadata=metadata)


def options_of(settings: type) -> dict[str, tuple[Field[Any], Option]]:
    """Options that a settings class declares, by name, in order."""
    return {f.name: (f, f.metadata["option"]) for f in fields(settings) if "option" in f.metadata}


def default_of(of: Field[Any]) -> Any:
    """Default of a field."""
    return of.default_factory() if callable(of.default_factory) else of.default


def check_fields(settings: Any) -> None:
    """Replace each value of a frozen settings object by its normal form.

    Raises:
        InputError: an option does not accept its value.
    """
    for name, (_, declared) in options_of(type(settings)).items():
        object.__setattr__(settings, name, declared.check(name, getattr(settings, name)))


def check_names(settings: type, names: Iterable[str]) -> None:
    """Make sure that options of these names exist.

    Raises:
        InputError: one does not; the message suggests the nearest name.
    """
    known = list(options_of(settings))
    for name in names:
        if name not in known:
            raise InputError(
                f"`{name}` is not an option. {near(name, known) or 'Choose from ' + ', '.join(known) + '.'}",
                argument=name,
            )


def near(name: object, known: Iterable[str]) -> str:
    """Suggestion for a mistyped name, as a sentence; empty where no name is near."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else ""
