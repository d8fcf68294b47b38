"""`molinterp fit`: what a bundle knows of realism, learnt on its latent space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from molinterp.cli.options import target_of


@click.command()
@click.argument(
    "part", type=click.Choice(["all", "heads", "density", "validity", "features", "windows", "familiar"])
)
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("--model", default="default", show_default=True, help="A shipped bundle, or a folder.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Folder written.  [default: that of --model]"
)
@click.option("--density", type=click.Choice(["mixture", "flow", "prior", "radial"]), default="mixture")
@click.option("--compounds", type=click.IntRange(min=2), default=30_000, show_default=True, help="Encoded.")
@click.option("--points", type=click.IntRange(min=100), default=16_000, show_default=True, help="Decoded.")
@click.option(
    "--head-compounds",
    type=click.IntRange(min=2),
    help="Teach the heads.  [default: 100000; all with --cache]",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Tokenised corpus of a training on MOLECULES, prepared where it is missing.",
)
@click.option(
    "--recombined",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Compounds made of pieces of the others that the heads are taught too, with --cache.",
)
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads of torch.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def fit(
    part: str,
    molecules: Path,
    model: str,
    output: Path | None,
    density: str,
    compounds: int,
    points: int,
    head_compounds: int | None,
    cache: Path | None,
    recombined: int,
    threads: int,
    seed: int,
    quiet: bool,
) -> None:
    """Fit a PART of a bundle on MOLECULES (.csv with a column smiles, or .smi; also .gz).

    The split train is learnt from, valid is measured on: by a column `split`, or as `molinterp train`
    divides a file without one. The parts are the heads (ECFP4 bits and properties from a latent point), the
    density of encoded compounds, the validity of decodes, the latent form of all features, the property
    windows: how far off the property head is, and where, and the familiar chemistry: atom environments and
    ring systems of the compounds. The encoder and the decoder stay. The figures go to stdout as JSON, and
    into the bundle.
    """
    import json

    import torch

    from molinterp.errors import InputError
    from molinterp.io.classifier_files import shipped_classifiers
    from molinterp.model.bundle import Bundle
    from molinterp.model.quantisation import as_written
    from molinterp.model.storage import check_target
    from molinterp.training.data.corpus import prepare, read_splits
    from molinterp.training.data.recombination import with_recombined
    from molinterp.training.familiar import fit_familiar
    from molinterp.training.latent.examples import gather
    from molinterp.training.latent.fit import PARTS, fit_parts
    from molinterp.training.latent.heads import N_COMPOUNDS, corpus_examples, head_examples

    def progress(items: Any, total: int, label: str) -> Any:
        return _bar(items, total, label, quiet)

    target = target_of(model, output)
    if recombined and not cache:
        raise InputError("`--recombined` needs --cache: a folder for what is known of each compound.")
    torch.set_num_threads(threads)
    bundle, parts = Bundle.load(model), PARTS if part == "all" else (part,)
    check_target(target)
    as_written(bundle.model)
    by_split = read_splits(molecules)
    train, held_out = by_split["train"], by_split["valid"]
    if part in ("all", "familiar"):
        bundle = fit_familiar(bundle, train, progress)
    if part == "familiar":
        bundle.save(target)
        click.echo(json.dumps(dict(bundle.realism.facts), indent=1))
        return
    options: dict[str, Any] = {"seed": seed, "progress": progress}
    material = gather(bundle, train, held_out, n_compounds=compounds, n_decodes=points, **options)
    examples = None
    if "heads" in parts and cache:
        tokenizer = bundle.tokenizer
        name, n_tokens = tokenizer.notation.name, tokenizer.n_tokens
        corpus = prepare(molecules, cache, name, n_tokens, progress=lambda i, n: progress(i, n, "tokenise"))
        # Those of the training, whatever the seed here: others would take minutes to make.
        seed_then = bundle.training.get("config", {}).get("seed", seed)
        corpus = with_recombined(
            corpus, recombined, cache, seed=seed_then, progress=lambda i, n: progress(i, n, "recombine")
        )
        examples = corpus_examples(bundle, corpus, head_compounds, **options)
    elif "heads" in parts:
        examples = head_examples(bundle, train, head_compounds or N_COMPOUNDS, **options)
    fitted = fit_parts(
        bundle, material, parts, shipped_classifiers(), examples=examples, density=density, **options
    )
    fitted.save(target)
    click.echo(json.dumps(dict(fitted.realism.facts), indent=1))


def _bar(items: Any, total: int, label: str, quiet: bool) -> Any:
    from tqdm import tqdm

    return tqdm(items, total=total, desc=label, leave=False, disable=quiet)
