"""Exceptions and warnings: every failure that a user can act on has a class of its own."""

from __future__ import annotations

from typing import final


class MolinterpError(Exception):
    """Base class of all errors that molinterp raises deliberately."""


@final
class InvalidMoleculeError(MolinterpError, ValueError):
    """A text does not describe a molecule that molinterp accepts.

    Attributes:
        text: the text itself.
        reason: why it was rejected, in words that a chemist can act on.
        index: row in the input (0-based), or None for a single molecule.
    """

    def __init__(self, text: str, reason: str, index: int | None = None, where: str = "") -> None:
        """Build the message; `where` describes the place in words and takes precedence over `index`."""
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        place = where or ("" if index is None else f"row {index}")
        check = f" Check {place}." if place else ""
        super().__init__(f"SMILES {shown!r} is not a molecule that can be used: {reason}.{check}")
        self.text = text
        self.reason = reason
        self.index = index


@final
class VocabularyError(MolinterpError, ValueError):
    """A molecule contains tokens that are not in the model's vocabulary.

    Attributes:
        text: the SMILES that could not be tokenised.
        tokens: the unknown tokens, in order of appearance.
    """

    def __init__(self, text: str, tokens: tuple[str, ...], reason: str | None = None) -> None:
        """Name the unknown `tokens` of `text`, or give a `reason` if no token can be named."""
        why = reason or f"unknown token{'s' if len(tokens) > 1 else ''} {', '.join(tokens)}"
        super().__init__(
            f"SMILES {text!r} cannot be written in the model's vocabulary: {why}. "
            "Replace the unusual atoms, or train a model on molecules that contain them."
        )
        self.text = text
        self.tokens = tokens


@final
class ShapeError(MolinterpError, ValueError):
    """An array has the wrong shape."""


@final
class NotFittedError(MolinterpError, RuntimeError):
    """An object was used before it was fitted."""


@final
class BundleError(MolinterpError):
    """A bundle or one of its data files is missing, damaged or of an unsupported version."""


@final
class DownloadError(MolinterpError):
    """A file cannot be downloaded: there is no connection, it is too large, or its checksum is wrong."""


@final
class InputError(MolinterpError, ValueError):
    """An argument, a file or a column cannot be used.

    Attributes:
        argument: name of the invalid argument, as Python spells it; empty if no argument is at fault.
        remedy: what to do next; empty if the message already says it.
    """

    def __init__(self, message: str, *, argument: str = "", remedy: str = "") -> None:
        """Join `message` and `remedy`; the message should name the argument in backquotes."""
        super().__init__(f"{message} {remedy}".rstrip())
        self.argument = argument
        self.remedy = remedy


@final
class WorkerError(MolinterpError, RuntimeError):
    """The worker processes of a batch cannot be started or were lost, locally or on a cluster."""


@final
class MissingDependencyError(MolinterpError, ImportError):
    """A feature needs an optional package that is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        """Name the feature, the package that it needs and the command that installs it."""
        super().__init__(f"{what} need {package}. Install it: pip install 'molinterp[{extra}]'.")


@final
class NotFiniteError(MolinterpError, ArithmeticError):
    """A user-supplied callable or curve gave NaN or infinity.

    Attributes:
        name: argument at fault, as the signature names it.
        pair: index of the pair (0-based, in the flattened batch), or None if there are no pairs.
    """

    def __init__(self, name: str, pair: int | None = None) -> None:
        """Name the argument and the pair."""
        where = "" if pair is None else f" at pair {pair}"
        super().__init__(
            f"`{name}` must give finite numbers; got NaN or infinity{where}. "
            'Check it there, or let `geodesic` skip such pairs with errors="keep".'
        )
        self.name = name
        self.pair = pair


class MolinterpWarning(UserWarning):
    """Base class of all warnings that molinterp issues."""


@final
class ConvergenceWarning(MolinterpWarning):
    """An iteration stopped before it converged."""
