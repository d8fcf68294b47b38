"""Declare an option once: its check, its help text, its group and how the command line parses it.

A settings class is a frozen dataclass whose fields are created by `option`. The class validates its values
with `check_fields`; commands, documentation and signatures derive from the same declarations.
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
    """Validates and parses the values of an option."""

    metavar: str = ""
    """Placeholder for the value on a help page."""

    @abstractmethod
    def __call__(self, name: str, value: Any) -> Any:
        """Validate a value and return it in its normal form.

        Raises:
            InputError: the option does not accept the value.
        """

    @abstractmethod
    def parse(self, text: str) -> Any:
        """Parse a value from the command line.

        Raises:
            ValueError: the text cannot be parsed.
        """


def refuse(name: str, wanted: str, value: Any, remedy: str = "") -> InputError:
    """Build the error for an option whose value is not what is `wanted`."""
    return InputError(f"`{name}` must be {wanted}; got {value!r}.", argument=name, remedy=remedy)


@final
@dataclass(frozen=True)
class Number(Check):
    """A number in a range; None if it is optional."""

    low: float = -math.inf
    """Smallest value."""
    high: float = math.inf
    """Largest value."""
    is_open: bool = False
    """Whether the bounds themselves are excluded."""
    is_whole: bool = False
    """Whether only whole numbers are accepted."""
    is_optional: bool = False
    """Whether None is accepted. Infinity is then read as None, because TOML has no null."""

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
    """A text; None if it is optional."""

    metavar: str = "TEXT"
    """Placeholder for the value on a help page."""
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
    """A list of texts; on the command line, repeat the option or separate the texts by commas."""

    metavar: str = "TEXT"
    """Placeholder for one text on a help page."""
    has_commas: bool = False
    """Whether the command line takes one comma-separated value, with "none" for an empty list."""
    is_optional: bool = False
    """Whether None is accepted."""
    choices: tuple[str, ...] = ()
    """Texts that are accepted; empty means any."""

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
    """A mapping of names to non-negative weights."""

    metavar: str = "TERM=NUMBER"
    """Placeholder for one weight on a help page."""

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
    """Validates and parses its values."""
    help: str
    """Help text of one or two sentences."""
    group: str
    """Heading under which a help page lists it."""
    flag: str = ""
    """Short form on the command line, such as "-d"; empty if there is none."""


def option(default: Any, check: Check, help: str, group: str, flag: str = "") -> Any:
    """Create a field of a settings class from its default and its declaration."""
    metadata = {"option": Option(check, help, group, flag)}
    if isinstance(default, dict):
        return field(default_factory=lambda: MappingProxyType(dict(default)), metadata=metadata)
    return field(default=default, metadata=metadata)


def options_of(settings: type) -> dict[str, tuple[Field[Any], Option]]:
    """Return the options of a settings class by name, in order of declaration."""
    return {f.name: (f, f.metadata["option"]) for f in fields(settings) if "option" in f.metadata}


def default_of(of: Field[Any]) -> Any:
    """Return the default of a field."""
    return of.default_factory() if callable(of.default_factory) else of.default


def check_fields(settings: Any) -> None:
    """Validate the values of a frozen settings object and replace each by its normal form.

    Raises:
        InputError: an option does not accept its value.
    """
    for name, (_, declared) in options_of(type(settings)).items():
        object.__setattr__(settings, name, declared.check(name, getattr(settings, name)))


def check_names(settings: type, names: Iterable[str]) -> None:
    """Check that options with these names exist.

    Raises:
        InputError: a name is unknown; the message suggests the nearest one.
    """
    known = list(options_of(settings))
    for name in names:
        if name not in known:
            raise InputError(
                f"`{name}` is not an option. {near(name, known) or 'Choose from ' + ', '.join(known) + '.'}",
                argument=name,
            )


def near(name: object, known: Iterable[str]) -> str:
    """Suggest the name that was meant, as a sentence; empty if no known name is similar."""
    found = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f"Did you mean {found[0]}?" if found else ""
