"""`molinterp path`: two compounds in, a table of molecules out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from molinterp.cli.options import path_options, portable_options

if TYPE_CHECKING:
    from molinterp.paths.path import MoleculePath


@click.command()
@click.argument("compounds", nargs=-1, required=True, metavar="START [BY WAY OF…] END")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help=".csv, .tsv, .json, .sdf, .smi or .html; may be given several times.",
)
@path_options  # type: ignore[untyped-decorator]
@click.option(
    "--paths",
    "n_paths",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Paths without a molecule between in common; files are numbered.",
)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="Seconds."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda, mps.")
@click.option("--raw-csv", is_flag=True, help="Text cells as they are, formulas of a spreadsheet too.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", is_flag=True, help="More about the path on stderr.")
def path(
    compounds: tuple[str, ...],
    outputs: tuple[Path, ...],
    n_paths: int,
    timeout: float,
    seed: int,
    model: str,
    device: str,
    raw_csv: bool,
    quiet: bool,
    verbose: bool,
    **asked: Any,
) -> None:
    """Molecules between START and END, through those named between them.

    Each is a SMILES, a file (.smi, .sdf, .mol, .csv, also .gz), the name of a well-known drug, or -
    for standard input; file:, smiles: and name: say which where it is not clear. The table goes to
    stdout as TSV, or to the files given by -o.
    """
    from molinterp.batch.job import arguments
    from molinterp.io.compounds import resolve_all
    from molinterp.io.files import write_whole
    from molinterp.paths.interpolate import interpolate_several
    from molinterp.paths.library import Library
    from molinterp.paths.waypoints import interpolate_through
    from molinterp.report.formats import check_writable, numbered, render, render_several

    for output in outputs:
        check_writable(output)
    if len(compounds) < 2:
        raise click.UsageError("a path needs two compounds, a start and an end.")
    if len(compounds) > 2 and n_paths > 1:
        raise click.UsageError("--paths goes with two compounds.")
    ends = resolve_all(compounds)
    if asked["library"] is not None:
        asked["library"] = shelf = Library.load(asked["library"], progress=_bar(quiet))
        if shelf.n_left_out and not quiet:
            click.echo(f"note: library: records that are no molecules: {shelf.n_left_out:,}", err=True)
    options = arguments(portable_options(asked, timeout))
    options |= {"bundle": model, "seed": seed, "device": device, "names": [e.name for e in ends]}
    if len(ends) == 2:
        found = interpolate_several(ends[0].cxsmiles, ends[1].cxsmiles, n_paths, **options)
    else:
        found = [interpolate_through([e.cxsmiles for e in ends], **options)]
    if not outputs:
        if n_paths > 1:
            text = render_several(found, ".tsv", raw_cells=raw_csv)
        else:
            text = render(found[0], ".tsv", raw_cells=raw_csv)
        click.echo(text, nl=False)
    for output in outputs:
        for target, one in zip(numbered(output, n_paths), found, strict=False):
            write_whole(target, render(one, output.suffix, raw_cells=raw_csv))
    if quiet:
        return
    for note in found[0].notes:
        click.echo(f"note: {note}", err=True)
    if len(found) < n_paths:
        click.echo(f"note: {n_paths} paths were asked for; {len(found)} were found", err=True)
    for one in found:
        _log(one, verbose)


def _bar(quiet: bool) -> Any:
    from tqdm import tqdm

    return lambda items: tqdm(items, desc="index library", leave=False, delay=1, disable=quiet)


def _log(found: MoleculePath, verbose: bool) -> None:
    exact = sum(trip.is_exact for trip in found.round_trips)
    refined = sum(trip.is_exact_refined for trip in found.round_trips)
    click.echo(
        f"{len(found)} molecules; worst step {found.worst_step:.2f}, mean {found.mean_step:.2f}; "
        f"chosen from {found.n_candidates}; "
        f"{found.raw_validity:.0%} of {found.n_decoded} decodes are molecules; "
        f"{exact} of 2 ends reconstructed, {refined} from a refined latent point",
        err=True,
    )
    if verbose:
        for reason, n in sorted(found.rejected.items()):
            click.echo(f"left out: {n} {reason}", err=True)
        for name, (low, high) in found.property_ranges().items():
            click.echo(f"{name}: {low:.4g} to {high:.4g}", err=True)
