"""`molinterp refine`: a bundle in, one that is better between compounds and at them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("bundle")
@click.argument("molecules", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder of the bundle.")
@click.option("--rounds", type=click.IntRange(min=0), default=2, show_default=True)
@click.option("--points", type=click.IntRange(min=1), default=12_000, show_default=True, help="A round.")
@click.option("--steps", type=click.IntRange(min=1), default=600, show_default=True, help="A round.")
@click.option(
    "--beam",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Most probable strings considered a point, beside 8 samples.",
)
@click.option(
    "--compounds",
    type=click.IntRange(min=2),
    default=60_000,
    show_default=True,
    help="Compounds between which points are drawn.",
)
@click.option("--learning-rate", type=click.FloatRange(min=0), default=4e-4, show_default=True)
@click.option(
    "--encoder-steps",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="In which the encoder is taught the decoder, after the rounds.",
)
@click.option(
    "--recombined", type=click.IntRange(min=0), default=0, show_default=True, help="As in the training."
)
@click.option("--cache", required=True, type=click.Path(path_type=Path), help="Cache of the training.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of torch.  [default: all cores]")
@click.option("--processes", type=click.IntRange(min=1), default=1, show_default=True, help="To judge.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("-d", "--device", default="cpu", show_default=True, help="cpu, cuda.")
def refine(
    bundle: str,
    molecules: Path,
    output: Path,
    rounds: int,
    points: int,
    steps: int,
    beam: int,
    compounds: int,
    learning_rate: float,
    encoder_steps: int,
    recombined: int,
    cache: Path,
    threads: int | None,
    processes: int,
    seed: int,
    device: str,
) -> None:
    """Refine BUNDLE between the MOLECULES it was trained on.

    Points between random training compounds are decoded in several ways, and of what a judge lets pass
    the decoder is taught the molecule that is encoded nearest to the point. With --encoder-steps the encoder
    then learns to spell compounds by the decoder as it is. The bundle is written after each round and at the
    end, without density, validity and features: `molinterp fit` makes them anew.
    """
    import sys
    from functools import partial

    import torch
    from tqdm import tqdm

    from molinterp.errors import InputError
    from molinterp.model.bundle import Bundle
    from molinterp.model.storage import check_target
    from molinterp.training.data.corpus import prepare
    from molinterp.training.data.recombination import with_recombined
    from molinterp.training.vae.encoder_tuning import EncoderConfig, fit_encoder
    from molinterp.training.vae.self_training import RefineConfig
    from molinterp.training.vae.self_training import refine as run

    if not rounds and not encoder_steps:
        raise InputError("nothing to do: `--rounds` and `--encoder-steps` are both 0. Give one of them.")
    if threads:
        torch.set_num_threads(threads)
    check_target(output)
    loaded = Bundle.load(bundle, device)
    vocabulary = loaded.tokenizer
    corpus = prepare(molecules, cache, vocabulary.notation.name, vocabulary.n_tokens)
    if corpus.tokenizer.to_dict() != vocabulary.to_dict():
        raise InputError(f"`MOLECULES` must be what '{bundle}' was trained on; its vocabulary differs.")
    # Those of the training, whatever the seed here: others would take minutes to make.
    seed_then = loaded.training.get("config", {}).get("seed", seed)
    corpus = with_recombined(corpus, recombined, cache, processes, seed_then)
    config = RefineConfig(
        n_compounds=compounds,
        n_rounds=rounds,
        n_points=points,
        beam_width=beam,
        n_steps=steps,
        learning_rate=learning_rate,
        n_processes=processes,
        seed=seed,
    )

    bar = tqdm(total=1000, bar_format="{l_bar}{bar}| {elapsed}")

    def tick(stage: str, done: float) -> None:
        if stage != bar.desc.removesuffix(": "):
            bar.reset()
        bar.set_description(stage, refresh=False)
        bar.n = round(1000 * done)
        bar.update(0)

    def show(text: str, refined: Any) -> None:
        refined.save(output)
        bar.write(text, file=sys.stderr)

    with bar:
        refined = run(loaded, corpus, config, show, tick) if rounds else loaded
        if encoder_steps:
            n_parts = torch.get_num_threads() if loaded.device.type == "cpu" else 1
            taught = EncoderConfig(n_steps=encoder_steps, n_parts=n_parts, seed=seed)
            show("the encoder is taught", fit_encoder(refined, corpus, taught, partial(tick, "encoder")))
