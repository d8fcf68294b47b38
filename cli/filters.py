"""`molinterp filters`: measure how often each filter fails real compounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rdkit import Chem

    from molinterp.chem.filters.survey import Survey


@click.group()
def filters() -> None:
    """Measure the filters that decide which molecules may occur in a path."""


@filters.command("report")
@click.argument("molecules", nargs=-1)
@click.option("--model", default="default", show_default=True, help="Model whose familiar chemistry is used.")
@click.option("--strict", is_flag=True, help="Let soft alerts fail a molecule too.")
@click.option("--reasons", is_flag=True, help="Add a row for each reason.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress on stderr.")
def report(molecules: tuple[str, ...], model: str, strict: bool, reasons: bool, quiet: bool) -> None:
    """Report the false alarms of each filter, the share of real compounds that fail it, as TSV.

    The compounds are the shipped drugs and those of the files MOLECULES; without files, compounds of ChEMBL
    that no shipped model was trained on. A compound that fails several filters counts for each of them.
    """
    from molinterp.data import drugs, held_out_file

    from molinterp.chem.filters import FILTERS, Filters
    from molinterp.chem.filters.survey import survey
    from molinterp.chem.standardise import standardise
    from molinterp.model.storage import familiar_of

    alone = Filters.alone(familiar_of(model), soft_alerts_pass=not strict)
    found = {"drugs": survey((standardise(s).mol for s in drugs().values()), alone)}
    for file in molecules or (str(held_out_file()),):
        found[file if molecules else "chembl"] = survey(_molecules(file, quiet), alone)
    click.echo("\t".join(["filter", *found, *(["reason"] if reasons else [])]))
    click.echo("\t".join(["n_molecules", *(str(s.n_molecules) for s in found.values())]))
    click.echo("\t".join(["any", *(f"{s.n_failed / max(1, s.n_molecules):.4f}" for s in found.values())]))
    for each in FILTERS:
        click.echo("\t".join([each.name, *(f"{s.share(each.name):.4f}" for s in found.values())]))
    for name, reason in _reasons(found) if reasons else ():
        shares = [s.by_reason.get((name, reason), 0) / max(1, s.n_molecules) for s in found.values()]
        click.echo("\t".join([name, *(f"{share:.4f}" for share in shares), reason]))


def _molecules(file: str, quiet: bool) -> Iterator[Chem.Mol]:
    from contextlib import suppress

    from tqdm import tqdm

    from molinterp.chem.standardise import standardise
    from molinterp.errors import InvalidMoleculeError
    from molinterp.io.molecule_files import read_records

    for record in tqdm(read_records(file), desc=file, unit=" molecules", leave=False, disable=quiet):
        with suppress(InvalidMoleculeError):
            yield standardise(record.smiles).mol


def _reasons(found: dict[str, Survey]) -> list[tuple[str, str]]:
    """Return the filters and reasons that fail any molecule, in the order of the sets."""
    return list(dict.fromkeys(key for s in found.values() for key in s.by_reason))
