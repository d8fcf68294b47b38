"""`molinterp path`: find a path of molecules between two compounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from molinterp.cli.options import Command, in_flag_names, path_options

from molinterp.paths.request import PathRequest

if TYPE_CHECKING:
    from molinterp.paths.path import MoleculePath


@click.command(cls=Command)
@click.argument("compounds", nargs=-1, metavar="START [WAY-POINT…] END")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File to write: .csv, .tsv, .xlsx, .json, .sdf, .smi or .html; may be given several times.",
)
@path_options()  # type: ignore[untyped-decorator]
@click.option("--print-config", is_flag=True, help="Print the request as TOML for --config and exit.")
@click.option(
    "--raw-csv", is_flag=True, help="Do not escape cells that a spreadsheet would read as formulas."
)
@click.option("-q", "--quiet", is_flag=True, help="Write only errors to stderr.")
@click.option("-v", "--verbose", is_flag=True, help="Write more about the path to stderr.")
def path(
    compounds: tuple[str, ...],
    outputs: tuple[Path, ...],
    given: dict[str, Any],
    print_config: bool,
    raw_csv: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Find molecules between START and END, through any way-points named between them.

    Each compound is a SMILES, a file (.smi, .sdf, .mol, .csv, also .gz), the name of a well-known drug, or -
    for standard input; the prefixes file:, smiles: and name: resolve ambiguities. The table is written to
    stdout as TSV, or to the files given by -o.
    """
    from molinterp.report.formats import check_writable

    for output in outputs:
        check_writable(output)
    request = _request(compounds, given)
    if print_config:
        click.echo(request.to_toml(), nl=False)
        return
    found = _solve(request, quiet)
    _write(found, outputs, request.n_paths, raw_csv)
    if quiet:
        return
    for note in found[0].notes:
        click.echo(f"note: {in_flag_names(note, path)}", err=True)
    if len(found) < request.n_paths:
        click.echo(f"note: {request.n_paths} paths were asked for; {len(found)} were found", err=True)
    for one in found:
        _log(one, verbose)


def _request(compounds: Sequence[str], given: dict[str, Any]) -> PathRequest:
    """Build the request; compounds on the command line replace those of the configuration file."""
    from molinterp.chem.standardise import standardise
    from molinterp.io.compounds import resolve_all

    if not compounds and "start" in given and "end" in given:
        return PathRequest.of(**given)
    if len(compounds) < 2:
        raise click.UsageError("a path needs two compounds, a start and an end.")
    PathRequest.of(**{name: v for name, v in given.items() if name not in ("start", "end", "via", "names")})
    ends = resolve_all(compounds)
    texts = [e.cxsmiles for e in ends]
    for text in texts:
        standardise(text)  # report a mistyped SMILES before torch is loaded
    named = {"start": texts[0], "end": texts[-1], "via": texts[1:-1], "names": [e.name for e in ends]}
    return PathRequest.of(**{**given, **named})


def _solve(request: PathRequest, quiet: bool) -> list[MoleculePath]:
    from molinterp.paths.interpolate import solve
    from molinterp.paths.library import Library

    library = None
    if isinstance(request.library, str):
        library = Library.load(Path(request.library), progress=_bar(quiet))
        if library.n_left_out and not quiet:
            click.echo(f"note: library: records that are no molecules: {library.n_left_out:,}", err=True)
    return solve(request, library=library)


def _write(found: Sequence[MoleculePath], outputs: Sequence[Path], n_paths: int, raw_csv: bool) -> None:
    from molinterp.io.files import write_whole
    from molinterp.report.formats import numbered, render, render_several

    if not outputs:
        several = n_paths > 1
        text = render_several(found, ".tsv", raw_cells=raw_csv) if several else None
        click.echo(text or render(found[0], ".tsv", raw_cells=raw_csv), nl=False)
    for output in outputs:
        for target, one in zip(numbered(output, n_paths), found, strict=False):
            write_whole(target, render(one, output.suffix, raw_cells=raw_csv))


def _bar(quiet: bool) -> Any:
    from tqdm import tqdm

    return lambda items: tqdm(items, desc="index library", leave=False, delay=1, disable=quiet)


def _log(found: MoleculePath, verbose: bool) -> None:
    largest = max((m.change.n_atoms for m in found if m.change is not None), default=None)
    said = [f"{len(found)} molecules", f"worst step {found.worst_step:.2f}, mean {found.mean_step:.2f}"]
    if largest is not None:
        said.append(f"largest step {largest} heavy atoms")
    if found.round_trips is not None and found.raw_validity is not None:
        exact = sum(trip.is_exact for trip in found.round_trips)
        said.append(f"{found.raw_validity:.0%} of {found.n_decoded} decodes are molecules")
        said.append(f"{exact} of 2 ends reconstructed")
    click.echo("; ".join([*said, f"chosen from {found.n_candidates}"]), err=True)
    if verbose:
        for reason, n in sorted(found.rejected.items()):
            click.echo(f"left out: {n} {reason}", err=True)
        for name, (low, high) in found.property_ranges().items():
            click.echo(f"{name}: {low:.4g} to {high:.4g}", err=True)
