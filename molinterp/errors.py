"""The exception and warning tree: every failure a user can act on has a name here."""

from __future__ import annotations

from typing import final


class MolinterpError(Exception):
    """Base of all errors that molinterp raises on purpose."""


@final
class InvalidMoleculeError(MolinterpError, ValueError):
    """A text is not a molecule that molinterp can take.

    Attributes:
        text: what was handed in.
        reason: why it was turned down, in words a chemist can act on.
        index: row in the input (0-based), or None for a single molecule.
    """

    def __init__(self, text: str, reason: str, index: int | None = None, where: str = "") -> None:
        """Build the message; `where` says in words what `index` says as a number."""
        shown = text if len(text) <= 80 else f"{text[:77]}..."
        place = where or ("" if index is None else f"row {index}")
        check = f" Check {place}." if place else ""
        super().__init__(f"SMILES {shown!r} is not a molecule that can be used: {reason}.{check}")
        self.text = text
        self.reason = reason
        self.index = index


@final
class VocabularyError(MolinterpError, ValueError):
    """A molecule holds tokens that the model's vocabulary does not have.

    Attributes:
        text: the SMILES that could not be tokenised.
        tokens: the unknown tokens, in order of appearance.
    """

    def __init__(self, text: str, tokens: tuple[str, ...], reason: str | None = None) -> None:
        """Name the unknown `tokens` of `text`, or give the `reason` where no token can be named."""
        why = reason or f"unknown token{'s' if len(tokens) > 1 else ''} {', '.join(tokens)}"
        super().__init__(
            f"SMILES {text!r} cannot be written in the model's vocabulary: {why}. "
            "Replace the unusual atoms, or train a bundle on molecules that hold them."
        )
        self.text = text
        self.tokens = tokens


@final
class ShapeError(MolinterpError, ValueError):
    """An array has another shape than the one asked for."""


@final
class NotFittedError(MolinterpError, RuntimeError):
    """Something is used before it was fitted."""


@final
class BundleError(MolinterpError):
    """A bundle, or a data file beside it, is missing, damaged or of another version."""


@final
class DownloadError(MolinterpError):
    """A file cannot be fetched: no connection, too large, or not the file that was meant."""


@final
class InputError(MolinterpError, ValueError):
    """An argument, a file or a column cannot be used.

    Attributes:
        argument: name of the argument at fault, as Python spells it; empty where none is.
        remedy: what to do next; empty where the message says all there is to say.
    """

    def __init__(self, message: str, *, argument: str = "", remedy: str = "") -> None:
        """Join `message` and `remedy`; the message names the argument in backquotes."""
        super().__init__(f"{message} {remedy}".rstrip())
        self.argument = argument
        self.remedy = remedy


@final
class WorkerError(MolinterpError, RuntimeError):
    """The worker processes of a batch cannot be started, here or on a cluster."""


@final
class MissingDependencyError(MolinterpError, ImportError):
    """Something needs a package that is an extra of molinterp's and is not installed."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        """Say what needs which package, and the command that installs it."""
        super().__init__(f"{what} need {package}. Install it: pip install 'molinterp[{extra}]'.")


@final
class NotFiniteError(MolinterpError, ArithmeticError):
    """A callable that was handed in gave NaN or infinity.

    Attributes:
        name: the callable, as the signature names it.
        pair: pair at fault (0-based, the batch flattened), or None where there are no pairs.
    """

    def __init__(self, name: str, pair: int | None = None) -> None:
        """Name the callable and the pair."""
        where = "" if pair is None else f" at pair {pair}"
        super().__init__(
            f"`{name}` must give finite numbers; got NaN or infinity{where}. "
            'Check it there; `geodesic` leaves such pairs out with errors="keep".'
        )
        self.name = name
        self.pair = pair


class MolinterpWarning(UserWarning):
    """Base of all warnings that molinterp gives."""


@final
class ConvergenceWarning(MolinterpWarning):
    """An iteration stopped before it converged."""
