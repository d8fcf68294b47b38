"""Options of a path that commands share, and what they say to `molinterp.interpolate`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from molinterp.errors import InputError

if TYPE_CHECKING:
    from molinterp.io.molecule_files import Record

_OPTIONS = (
    click.option(
        "--method", type=click.Choice(["geodesic", "linear", "slerp"]), default="geodesic", show_default=True
    ),
    click.option(
        "--output-space",
        type=click.Choice(["latent", "fingerprint", "properties", "tokens"]),
        default="fingerprint",
        show_default=True,
        help="What counts as a change along the geodesic.",
    ),
    click.option(
        "--keep", multiple=True, metavar="FEATURE", help="All molecules must have it, as bbb, logp=1..4."
    ),
    click.option(
        "--gain", multiple=True, metavar="FEATURE", help="The start may lack it; once gained it stays."
    ),
    click.option(
        "--lose", multiple=True, metavar="FEATURE", help="The start may have it; once lost it stays away."
    ),
    click.option("--avoid", multiple=True, metavar="FEATURE", help="No molecule may have it."),
    click.option(
        "--weight",
        multiple=True,
        metavar="TERM=NUMBER",
        help="Weight in λ: density, validity, feature, or one feature by its name.",
    ),
    click.option(
        "--epsilon",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.02,
        show_default=True,
        help="ε of Q = ε/2 + (1 - ε) p: a term weighs -log(ε/2) at most.",
    ),
    click.option(
        "--steps",
        type=click.IntRange(min=2),
        help="Molecules wanted, ends included; with compounds on the way, of each leg.  [default: auto]",
    ),
    click.option(
        "--min-step-similarity",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=0.5,
        show_default=True,
        help="Least ECFP4 Tanimoto similarity of neighbours.",
    ),
    click.option(
        "--objective",
        type=click.Choice(["smooth", "short"]),
        default="smooth",
        show_default=True,
        help="Many small steps, or few that are just small enough.",
    ),
    click.option("--max-sa", type=click.FloatRange(1, 10), help="Largest SA score.  [default: ends' + 0.5]"),
    click.option("--alerts", default="PAINS,BRENK", show_default=True, help="Catalogues to heed, or none."),
    click.option("--elements", help="Only these, as C,N,O,F.  [default: any familiar]"),
    click.option("--substructure", metavar="SMARTS", help="The same as --keep smarts:SMARTS."),
    click.option("--scaffold", is_flag=True, help="The same as --keep scaffold."),
    click.option(
        "--library", type=click.Path(path_type=Path), help="Compounds that exist; they may stand too."
    ),
    click.option("--only-library", is_flag=True, help="Only compounds of the library may stand between."),
    click.option("--reference", type=click.Path(), help="Known compounds: a column says which steps are."),
    click.option("--no-edits", is_flag=True, help="Molecules that the model decodes, and no others."),
    click.option("--pointwise", is_flag=True, help="Decodes of the curve as they come, jumps and all."),
)


_OTHER_FLAGS = {
    "bundle": "--model",
    "catalogues": "--alerts",
    "max_sa_score": "--max-sa",
    "n_paths": "--paths",
    "weights": "--weight",
}
"""Arguments of functions whose flag bears another name."""


def path_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a path; what is wrong with one is said of its flag."""

    @functools.wraps(command)
    def in_flags(*args: Any, **asked: Any) -> Any:
        try:
            return command(*args, **asked)
        except InputError as error:
            options = click.get_current_context().command.params
            raise InputError(_with_flags(str(error), [o.opts[-1] for o in options])) from error

    decorated: Callable[..., Any] = in_flags
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _with_flags(message: str, flags: Sequence[str]) -> str:
    """A message with the flags of a command in place of the arguments in backquotes that they stand for."""
    names = {flag.removeprefix("--").replace("-", "_"): flag for flag in flags if flag.startswith("--")}
    names |= {name: flag for name, flag in _OTHER_FLAGS.items() if flag in flags}
    return re.sub(r"`(\w+)`", lambda quoted: names.get(quoted[1], quoted[0]), message)


def portable_options(asked: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
    """Arguments of `molinterp.interpolate`, of JSON types, from the values of `path_options`.

    `timeout` None means that the clock decides no path, as in a batch.
    """
    from molinterp.batch.job import NO_TIMEOUT

    library = asked["library"]
    pattern = [f"smarts:{asked['substructure']}"] if asked["substructure"] else []
    scaffold = ["scaffold"] if asked["scaffold"] else []
    return {
        "method": asked["method"],
        "output_space": asked["output_space"],
        "keep": [*asked["keep"], *pattern, *scaffold],
        **{name: list(asked[name]) for name in ("gain", "lose", "avoid")},
        "weights": dict(_weight(text) for text in asked["weight"]),
        "epsilon": asked["epsilon"],
        "steps": asked["steps"],
        "pointwise": asked["pointwise"],
        "search": {
            "min_step_similarity": asked["min_step_similarity"],
            "objective": asked["objective"],
            "edits": not asked["no_edits"],
            "timeout": NO_TIMEOUT if timeout is None else timeout,
        },
        "limits": {
            "max_sa_score": asked["max_sa"],
            "catalogues": [] if asked["alerts"] == "none" else asked["alerts"].split(","),
            "elements": None if asked["elements"] is None else asked["elements"].split(","),
        },
        "library": str(library) if isinstance(library, Path) else library,
        "only_library": asked["only_library"],
        "reference": asked["reference"],
    }


def _weight(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise click.BadParameter(
            f"must be TERM=NUMBER, as density=0.1; got {text!r}.", param_hint="--weight"
        ) from None


def tell_changes(compounds: Sequence[Record]) -> None:
    """Say on stderr what standardisation changes on the compounds of a command."""
    from molinterp.chem.standardise import standardise

    for number, compound in enumerate(compounds, start=1):
        for change in standardise(compound.cxsmiles).changes:
            click.echo(f"note: {compound.name or f'compound {number}'}: {change}", err=True)


def target_of(model: str, output: Path | None) -> Path:
    """Folder that a command writes a bundle to: the output asked for, else that of its model.

    Raises:
        InputError: none is asked for, and the model ships with molinterp.
        BundleError: the model is missing.
    """
    from molinterp.pretrained import BUNDLES

    from molinterp.model.storage import locate

    if output is None and model in BUNDLES:
        raise InputError(f"{model!r} ships with molinterp and is not written over: give --output a folder.")
    return output or locate(model)


@contextmanager
def byte_bar(label: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar of a download on stderr: told bytes done and bytes in all."""
    from tqdm import tqdm

    with tqdm(desc=label, unit="B", unit_scale=True, leave=False, disable=quiet) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
