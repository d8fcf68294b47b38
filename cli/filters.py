"""`molinterp filters`: what the filters are, and how often each fails compounds that are sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rdkit import Chem

    from molinterp.chem.filters.survey import Survey


@click.group()
def filters() -> None:
    """Filters that decide which molecules may stand in a path."""


@filters.command("report")
@click.argument("molecules", nargs=-1)
@click.option("--model", default="default", show_default=True, help="Bundle whose familiar chemistry counts.")
@click.option("--strict", is_flag=True, help="Soft alerts fail a molecule too.")
@click.option("--reasons", is_flag=True, help="A row for each reason too.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def report(molecules: tuple[str, ...], model: str, strict: bool, reasons: bool, quiet: bool) -> None:
    """False alarms: the share of sound compounds that fail each filter on their own, as TSV.

    The compounds are the shipped drugs and those of the files MOLECULES; without a file, compounds of ChEMBL
    that no shipped model was trained on. A compound that fails several filters counts for each.
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
    """Filters and reasons that fail a molecule of some set, in the order of the sets."""
    return list(dict.fromkeys(key for s in found.values() for key in s.by_reason))
