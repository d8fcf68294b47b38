"""`molinterp features`: list, train and evaluate the features that a path can keep."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from molinterp.cli.options import target_of

if TYPE_CHECKING:
    from molinterp.io.labels import Labelled

LEAST_AUC = 0.6
"""Held-out ROC-AUC below which a classifier causes a warning; guessing has 0.5."""


@click.group()
def features() -> None:
    """List, train and evaluate the features that a path can keep, gain, lose or avoid."""


@features.command("list")
@click.option("--model", default="default", show_default=True, help="Name or folder of the model.")
@click.option("--json", "as_json", is_flag=True, help="Print all metrics as JSON.")
def list_(model: str, as_json: bool) -> None:
    """List trained classifiers, rules and properties, with their metrics."""
    from molinterp.model.bundle import Bundle
    from molinterp.model.feature_forms import feature_table

    table = feature_table(Bundle.load(model))
    if as_json:
        click.echo(json.dumps(table, indent=1))
        return
    columns = ("kind", "n", "auc_random", "auc_scaffold", "calibration_error", "rank_agreement", "meaning")
    click.echo("\t".join(("feature", *("compounds" if c == "n" else c for c in columns))))
    for name, facts in table.items():
        click.echo("\t".join([name, *(_cell(facts.get(c)) for c in columns)]))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@features.command()
@click.argument("name")
@click.argument("labels", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--column", help="Column of the labels.  [default: the only one of 0 and 1]")
@click.option("--at-least", type=float, help="Convert numbers to labels: 1 from this value on.")
@click.option("--model", default="default", show_default=True, help="Model to which the feature is added.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write.  [default: --model]")
@click.option("--meaning", help="Description of the feature for `features list`.")
@click.option("--molecules-only", is_flag=True, help="Write NAME.json and NAME.safetensors but no bundle.")
@click.option("--errors", type=click.Path(path_type=Path), help="File for the rows that were left out, .csv.")
@click.option("--smiles-column", help="Column of the molecules.  [default: smiles]")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Random seed.")
def train(
    name: str,
    labels: tuple[Path, ...],
    column: str | None,
    at_least: float | None,
    model: str,
    output: Path | None,
    meaning: str | None,
    molecules_only: bool,
    errors: Path | None,
    smiles_column: str | None,
    seed: int,
) -> None:
    """Train the feature NAME on LABELS, CSV files of SMILES and 0/1, and add it to a model.

    A classifier of molecules is fitted to the labels, and a latent classifier to its predictions at the
    reference points of the model. `molinterp path --keep NAME` then keeps the feature. The metrics are
    printed as JSON; `n` is the number of labelled molecules, `n_latent` that of reference points.
    """
    import torch

    from molinterp.chem.features import check_name
    from molinterp.errors import InputError
    from molinterp.io.classifier_files import save_classifier
    from molinterp.model.bundle import Bundle
    from molinterp.model.storage import check_folder, check_target
    from molinterp.training.classifiers import fit_classifier
    from molinterp.training.latent.features import fit_feature, reference_of
    from molinterp.training.settings import ClassifierFit

    check_name(name)
    if molecules_only and output is None:
        raise InputError("--molecules-only needs a folder to write to. Give --output.")
    target = target_of(model, output)
    (check_folder if molecules_only else check_target)(target)
    torch.set_num_threads(1)
    bundle = None if molecules_only else Bundle.load(model)
    if bundle is not None:
        # Fails before the work if there are none.
        reference_of(bundle)
    settings = ClassifierFit(seed=seed)
    read = _labelled(labels, column, at_least, smiles_column, errors, settings.n_each)
    click.echo(f"note: {_read_note(read)}", err=True)
    described = {"meaning": " ".join(meaning.split())} if meaning else {}
    facts = {**described, "labels": [p.name for p in labels], "column": read.columns[0], "at_least": at_least}
    classifier = fit_classifier(name, read.smiles, read.labels, settings, facts)
    if note := _doubt(classifier.facts):
        click.echo(f"warning: {note}", err=True)
    if bundle is None:
        save_classifier(classifier, target)
        click.echo(json.dumps(dict(classifier.facts), indent=1))
        return
    bundle = fit_feature(bundle, classifier, seed=seed)
    bundle.save(target)
    latent = bundle.realism.facts["features"][name]
    latent = {"n_latent" if key == "n" else key: value for key, value in latent.items()}
    click.echo(json.dumps({**classifier.facts, **latent}, indent=1))


def _labelled(
    labels: tuple[Path, ...],
    column: str | None,
    at_least: float | None,
    smiles_column: str | None,
    errors: Path | None,
    n_each: int,
) -> Labelled:
    """Read labels, report on stderr which rows are left out, and write these to `errors` if it is given."""
    from molinterp.io.files import check_place, write_whole
    from molinterp.io.labels import check_labels, left_out_table, read_labels

    if errors is not None:
        check_place(errors)
    read = read_labels(labels, column, at_least, smiles_column)
    for note in _left_out_notes(read):
        click.echo(f"note: {note}", err=True)
    if errors is not None:
        write_whole(errors, left_out_table(read.left_out))
    check_labels(read.labels, ", ".join(f"'{file}'" for file in labels), n_each)
    return read


def _doubt(facts: Mapping[str, Any]) -> str:
    """Warn of a classifier that hardly distinguishes the classes; empty if it does."""
    auc = facts.get("auc_random")
    if auc is None or auc >= LEAST_AUC:
        return ""
    return (
        f"its held-out ROC-AUC is {auc:.2f}, below {LEAST_AUC}: it hardly distinguishes the classes, so "
        "keeping it means little. Is this the right column?"
    )


def _read_note(read: Labelled) -> str:
    zeros, ones = read.n_each
    columns = ", ".join(dict.fromkeys(read.columns))
    return f"labels from column {columns}: {ones} compounds with 1, {zeros} with 0"


def _left_out_notes(read: Labelled) -> Iterator[str]:
    """Report how many rows of the label files were left out, by reason."""
    for reason, n in Counter(row.reason for row in read.left_out).most_common():
        yield f"{n} row{'s' * (n > 1)} left out: {reason}"


@features.command("eval")
@click.argument("name")
@click.argument("labels", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--column", help="Column of the labels.  [default: the only one of 0 and 1]")
@click.option("--at-least", type=float, help="Convert numbers to labels: 1 from this value on.")
@click.option("--model", default="default", show_default=True, help="Name or folder of the model.")
def evaluate(
    name: str, labels: tuple[Path, ...], column: str | None, at_least: float | None, model: str
) -> None:
    """Evaluate the feature NAME against LABELS, on molecules and in the latent space.

    Use other compounds than those it was trained on, because these make it look better than it is.
    """
    import torch

    from molinterp.model.bundle import Bundle
    from molinterp.training.latent.features import evaluate_feature

    torch.set_num_threads(1)
    read = _labelled(labels, column, at_least, None, None, n_each=1)
    click.echo(json.dumps(evaluate_feature(Bundle.load(model), name, read.smiles, read.labels), indent=1))
