"""`molinterp models`: list, look at, verify and evaluate bundles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click


@click.group()
def models() -> None:
    """Bundles: what ships, what is in them, how good they are."""


@models.command("list")
def list_() -> None:
    """Names of the bundles that ship."""
    from molinterp.pretrained import BUNDLES

    for name in BUNDLES:
        click.echo(name)


@models.command()
@click.argument("bundle", default="default")
def info(bundle: str) -> None:
    """Sizes, training and figures of BUNDLE as JSON."""
    from molinterp.bundle import locate, read_header

    header = read_header(locate(bundle))
    vocabulary = header.pop("vocabulary")
    header["representation"] = vocabulary["representation"]
    header["n_symbols"], header["n_merges"] = len(vocabulary["symbols"]), len(vocabulary["merges"])
    click.echo(json.dumps(header, indent=1))


@models.command()
@click.argument("bundle", default="default")
def verify(bundle: str) -> None:
    """Hold every file of BUNDLE against its SHA-256 and load it."""
    from molinterp.bundle import Bundle

    click.echo(f"{Bundle.load(bundle).name}: sound")


@models.command("eval")
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option("--split", default="test", show_default=True, help="Rows used, by the column `split`.")
@click.option("-n", "n_molecules", type=click.IntRange(min=2), default=2000, show_default=True)
@click.option("--pairs", "n_pairs", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda, mps.")
@click.option("--save", is_flag=True, help="Write the figures into the bundle.")
def evaluate(
    molecules: Path,
    model: str,
    split: str,
    n_molecules: int,
    n_pairs: int,
    seed: int,
    device: str,
    save: bool,
) -> None:
    """Figures of a bundle on random molecules of a held-out split of MOLECULES (.csv, .csv.gz)."""
    from molinterp.bundle import Bundle, locate
    from molinterp.evaluation import evaluate as measure
    from molinterp.evaluation import read_split

    bundle = Bundle.load(model, device)
    smiles = read_split(molecules, split, n_molecules, seed)
    figures = measure(bundle, smiles, n_pairs, seed, _bar)
    figures["command"] = f"molinterp models eval MOLECULES -n {n_molecules} --pairs {n_pairs} --seed {seed}"
    if save:
        bundle.with_figures(figures).save(locate(model))
    click.echo(json.dumps(figures, indent=1))


def _bar(items: Any, total: int, label: str) -> Any:
    from tqdm import tqdm

    return tqdm(items, total=total, desc=label, leave=False)
