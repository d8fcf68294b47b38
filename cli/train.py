"""`molinterp train`: molecules in, a bundle out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Budget of wall-clock time.")
@click.option("--optimiser-steps", type=click.IntRange(min=1), help="Budget of optimiser steps.")
@click.option(
    "--representation", type=click.Choice(["selfies", "smiles"]), default="smiles", show_default=True
)
@click.option("--tokens", type=click.IntRange(min=50), default=1000, show_default=True, help="Vocabulary.")
@click.option("--latent-dim", type=click.IntRange(min=2), default=64, show_default=True)
@click.option("--embedding-dim", type=click.IntRange(min=4), default=256, show_default=True)
@click.option("--encoder-dim", type=click.IntRange(min=8), default=512, show_default=True)
@click.option("--decoder-dim", type=click.IntRange(min=8), default=768, show_default=True)
@click.option("--head-dim", type=click.IntRange(min=8), default=512, show_default=True)
@click.option(
    "--encoder-blocks",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Residual blocks behind the encoder.",
)
@click.option(
    "--upper-dim",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Hidden size of an upper layer of the encoder, which sees both sides of each token; try 256.",
)
@click.option(
    "--condition-dim",
    type=click.IntRange(min=0),
    default=192,
    show_default=True,
    help="Features of z that the decoder sees beside it.",
)
@click.option("--batch-size", type=click.IntRange(min=2), default=256, show_default=True)
@click.option(
    "--length-power",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Draw a molecule in proportion to its tokens to this power; 1 teaches large ones better.",
)
@click.option(
    "--quiet-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of molecules taught near their posterior mean once the KL term is on; try 0.75.",
)
@click.option("--learning-rate", type=click.FloatRange(min=0), default=1.4e-3, show_default=True)
@click.option("--kl-weight", type=click.FloatRange(min=0), default=0.1, show_default=True)
@click.option(
    "--bit-weight",
    type=click.FloatRange(min=0),
    default=0.01,
    show_default=True,
    help="Of the fingerprint head in the loss.",
)
@click.option(
    "--property-weight",
    type=click.FloatRange(min=0),
    default=0.1,
    show_default=True,
    help="Of the property head.",
)
@click.option(
    "--feature-weight",
    type=click.FloatRange(min=0),
    default=0.3,
    show_default=True,
    help="Of the features that are taught.",
)
@click.option(
    "--teach",
    default="all",
    show_default=True,
    help="Features that the latent space is to hold, separated by commas; all that ship, or none.",
)
@click.option(
    "--recombined",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Compounds made of pieces of those of MOLECULES that are learnt beside them.",
)
@click.option(
    "--warm-start",
    help="Bundle whose weights are the first; same vocabulary and sizes, save those that can grow.",
)
@click.option("--cache", type=click.Path(path_type=Path), help="Tokenised corpus.  [default: OUTPUT.cache]")
@click.option("--threads", type=click.IntRange(min=1), help="Cores that share each batch.  [default: all]")
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="To tokenise.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def train(
    molecules: Path,
    output: Path,
    minutes: float | None,
    optimiser_steps: int | None,
    representation: str,
    tokens: int,
    latent_dim: int,
    embedding_dim: int,
    encoder_dim: int,
    decoder_dim: int,
    head_dim: int,
    encoder_blocks: int,
    upper_dim: int,
    condition_dim: int,
    batch_size: int,
    length_power: float,
    quiet_share: float,
    learning_rate: float,
    kl_weight: float,
    bit_weight: float,
    property_weight: float,
    feature_weight: float,
    teach: str,
    recombined: int,
    warm_start: str | None,
    cache: Path | None,
    threads: int | None,
    processes: int,
    seed: int,
    device: str,
    quiet: bool,
) -> None:
    """Train a bundle on MOLECULES (.csv with a column smiles, or .smi; also .gz).

    A column `split` (train, valid, test) is kept to; without one, one molecule in a hundred is held
    out for each of the last two. The run can be stopped at any moment: the same command goes on from
    OUTPUT.checkpoint.
    """
    import torch

    from molinterp.errors import InputError
    from molinterp.model.device import usable_device
    from molinterp.model.storage import check_target, locate, read_header
    from molinterp.training.data.corpus import prepare
    from molinterp.training.data.feature_targets import with_odds
    from molinterp.training.data.recombination import with_recombined
    from molinterp.training.vae.export import bundle_of, starting_weights
    from molinterp.training.vae.trainer import Trainer, TrainingConfig, sizes_for

    if minutes is None and optimiser_steps is None:
        raise InputError("a training needs a budget: give --minutes or --optimiser-steps.")
    usable_device(device)
    if output.name in ("", ".."):
        # "." has no name for the cache and the checkpoint to bear.
        output = output.resolve()
    check_target(output)
    before = read_header(locate(warm_start))["training"] if warm_start else None
    threads = threads or torch.get_num_threads()
    torch.set_num_threads(threads)
    classifiers = _classifiers(teach)
    cache = cache or output.with_name(f"{output.name}.cache")
    corpus = prepare(molecules, cache, representation, tokens, processes, _bar("tokenise", quiet))
    corpus = with_recombined(corpus, recombined, cache, processes, seed, _bar("recombine", quiet))
    corpus = with_odds(corpus, classifiers, cache, processes, _bar("teach", quiet))
    config = TrainingConfig(
        minutes=minutes,
        n_steps=optimiser_steps,
        batch_size=batch_size,
        length_power=length_power,
        quiet_share=quiet_share,
        learning_rate=learning_rate,
        kl_weight=kl_weight,
        bit_weight=bit_weight,
        property_weight=property_weight,
        feature_weight=feature_weight,
        seed=seed,
    )
    sizes = sizes_for(
        corpus,
        latent_dim=latent_dim,
        embedding_dim=embedding_dim,
        encoder_dim=encoder_dim,
        decoder_dim=decoder_dim,
        head_dim=head_dim,
        encoder_blocks=encoder_blocks,
        upper_dim=upper_dim,
        condition_dim=condition_dim,
    )
    checkpoint = output.with_name(f"{output.name}.checkpoint")
    trainer = Trainer(corpus, config, sizes, checkpoint, device, threads)
    if warm_start and trainer.state.step == 0:
        trainer.warm_start(starting_weights(warm_start, corpus.tokenizer, sizes))
    elif warm_start:
        click.echo(f"note: the run goes on from '{checkpoint}'; --warm-start is left aside", err=True)
    if trainer.changes:
        click.echo(f"note: '{checkpoint}' began with {'; '.join(trainer.changes)}", err=True)
    with _Progress(quiet) as show:
        trainer.run(show)
    bundle_of(trainer, output.name, before).save(output)
    if not quiet:
        click.echo(f"bundle written to {output}; measure it with `molinterp models eval`", err=True)


def _bar(what: str, quiet: bool) -> Any:
    from tqdm import tqdm

    return lambda items, total: tqdm(items, total=total, desc=what, unit="chunk", disable=quiet)


def _classifiers(teach: str) -> dict[str, Any]:
    """The classifiers that `--teach` names."""
    from molinterp.errors import InputError
    from molinterp.io.classifier_files import shipped_classifiers

    shipped = dict(shipped_classifiers())
    if teach in ("all", "none"):
        return shipped if teach == "all" else {}
    names = [name.strip() for name in teach.split(",")]
    for name in names:
        if name not in shipped:
            raise InputError(
                f"`--teach` must name some of {', '.join(shipped)}, or all or none; got {name!r}."
            )
    return {name: shipped[name] for name in names}


class _Progress:
    """A bar over the budget, with loss, KL, reconstruction and molecules a second beside it."""

    def __init__(self, quiet: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=1000, disable=quiet, bar_format="{l_bar}{bar}| {elapsed} {postfix}")

    def __enter__(self) -> Any:
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def _show(self, report: Any) -> None:
        self._bar.n = round(1000 * report.progress)
        self._bar.set_postfix_str(
            f"step {report.state.step} loss {report.loss:.2f} reconstruction {report.reconstruction:.2f} "
            f"between {report.between:.1f} KL {report.kl:.1f} nats {report.rate:.0f} molecules/s"
        )
        if report.validation:
            figures = " ".join(f"{k} {v:.3f}" for k, v in report.validation.items())
            self._bar.write(f"step {report.state.step} validation: {figures}")
