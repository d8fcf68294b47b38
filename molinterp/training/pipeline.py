"""Train a bundle by its recipe, stage by stage; a finished stage is not run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, final

import torch

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.errors import InputError
from molinterp.io.classifier_files import shipped_classifiers
from molinterp.io.files import sha256, sha256_of, whole_file
from molinterp.model.bundle import Bundle
from molinterp.model.device import usable_device
from molinterp.model.storage import HEADER, check_target, locate, read_header
from molinterp.realism.fitting import Progress, silent
from molinterp.settings import to_table
from molinterp.training.data.corpus import Corpus, prepare, read_splits
from molinterp.training.data.feature_targets import with_feature_targets
from molinterp.training.data.recombination import with_recombined
from molinterp.training.data.settings import CorpusSettings, Recombination
from molinterp.training.evaluate import evaluate, read_split
from molinterp.training.familiar import fit_familiar
from molinterp.training.latent.examples import gather
from molinterp.training.latent.fit import fit_parts
from molinterp.training.latent.heads import HeadExamples, head_examples
from molinterp.training.latent.settings import LatentFit
from molinterp.training.recipe import Recipe, Stage, StageSettings
from molinterp.training.settings import Evaluation, Machine
from molinterp.training.vae.encoder_tuning import tune_encoder
from molinterp.training.vae.export import bundle_of, starting_weights
from molinterp.training.vae.self_training import self_train
from molinterp.training.vae.settings import EncoderTuning, SelfTraining, VAETraining
from molinterp.training.vae.trainer import Trainer
from molinterp.training.vae.weight_averaging import average


@final
@dataclass(frozen=True)
class Workshop:
    """What all stages of a training share."""

    corpus: CorpusSettings
    """Molecules."""
    folder: Path
    """For what is known of the molecules, and for checkpoints."""
    recombination: Recombination = field(default_factory=Recombination)
    """How compounds are recombined."""
    machine: Machine = field(default_factory=Machine)
    """What the stages run on."""
    progress: Progress = silent
    """Told of all that takes long."""

    @property
    def molecules(self) -> Path:
        """File of the molecules."""
        return Path(self.corpus.molecules)

    @property
    def cache(self) -> Path:
        """Folder of the tokenised corpus."""
        return self.folder / "corpus"

    def prepared(self, n_recombined: int, bundle: Bundle | None = None) -> Corpus:
        """Prepare the corpus, or load it.

        Args:
            n_recombined: compounds recombined from the others.
            bundle: whose vocabulary it must have; None means any.

        Raises:
            InputError: the molecules cannot be used, or give another vocabulary.
        """
        corpus, n, progress = self.corpus, self.machine.n_processes, self.progress
        made = prepare(self.molecules, self.cache, corpus.representation, corpus.n_tokens, n, progress)
        if bundle is not None and made.tokenizer.to_dict() != bundle.tokenizer.to_dict():
            raise InputError(
                f"`molecules` must be those that '{bundle.name}' was trained on; their vocabulary differs."
            )
        return with_recombined(made, n_recombined, self.cache, self.recombination, n, progress)


def workshop_of(
    bundle: Bundle, molecules: Path, folder: Path, machine: Machine, progress: Progress = silent
) -> Workshop:
    """Describe a workshop for further stages of a trained bundle.

    Args:
        bundle: whose vocabulary the corpus has.
        molecules: that it was trained on.
        folder: work folder of its training.
        machine: what the stages run on.
        progress: told of all that takes long.
    """
    vocabulary = bundle.tokenizer
    corpus = CorpusSettings(str(molecules), vocabulary.notation.name, vocabulary.n_tokens)
    return Workshop(corpus, folder, machine=machine, progress=progress)


def train(
    recipe: Recipe,
    folder: Path,
    *,
    machine: Machine | None = None,
    work: Path | None = None,
    progress: Progress = silent,
) -> Bundle:
    """Train a bundle by its recipe and save it.

    The call can be interrupted at any moment: repeated with the same recipe and folders, it skips the stages
    that are finished and resumes a VAE training in its midst. The bundle of each stage is kept.

    Args:
        recipe: corpus and stages.
        folder: of the bundle.
        machine: what it runs on; None means all cores.
        work: folder for the corpus, checkpoints and the bundles of the stages; None means `folder` with
            `.work` at its end.
        progress: told of all that takes long.

    Returns:
        The bundle of the last stage, as it is loaded from `folder`.

    Raises:
        InputError: the molecules, a start or a checkpoint does not fit the recipe.
        BundleError: `folder` is no bundle and not empty, or cannot be written.
    """
    # "." has no name for the folder of the work to bear.
    folder = folder.resolve() if folder.name in ("", "..") else folder
    check_target(folder)
    work = work or folder.with_name(f"{folder.name}.work")
    shop = Workshop(recipe.corpus, work, recipe.recombination, machine or Machine(), progress)
    _check(recipe)
    with threads_of(shop.machine):
        _run_stages(recipe, shop)
    bundle = Bundle.load(work / recipe.stages[-1].name)
    training = dict(bundle.training) | {"recipe": recipe.to_table()}
    replace(bundle, name=folder.name, training=training).save(folder)
    return Bundle.load(folder, shop.machine.device)


@contextmanager
def threads_of(machine: Machine) -> Iterator[None]:
    """Let torch use the threads of a machine meanwhile.

    Raises:
        InputError: torch cannot use its device here.
    """
    usable_device(machine.device)
    before = torch.get_num_threads()
    torch.set_num_threads(machine.threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _check(recipe: Recipe) -> None:
    """Find the bundles that stages begin from and the features that they name, before the work.

    Raises:
        BundleError: a start is neither an earlier stage nor a bundle.
        InputError: a feature does not ship.
    """
    known: set[str] = set()
    for stage in recipe.stages:
        for start in stage.start:
            if start not in known:
                read_header(locate(start))
        if isinstance(stage.settings, VAETraining):
            classifiers_named(stage.settings.features)
        known.add(stage.name)


def _run_stages(recipe: Recipe, shop: Workshop) -> None:
    """Run the stages that are not finished."""
    progress, data = shop.progress, sha256(shop.molecules) if shop.molecules.is_file() else ""
    shared = [data, to_table(recipe.corpus), to_table(recipe.recombination)]
    finished, keys = _Finished(shop.folder / "finished.json"), dict[str, str]()
    for stage in recipe.stages:
        starts = [keys.get(start) or sha256(locate(start) / HEADER) for start in stage.start]
        keys[stage.name] = _digest([shared, stage.kind, to_table(stage.settings), starts])
        target = shop.folder / stage.name
        if finished.holds(stage.name, keys[stage.name]) and (target / HEADER).exists():
            progress.note(f"stage {stage.name}: finished before")
            continue
        progress.note(f"stage {stage.name}")
        run_stage(stage, shop, [shop.folder / s if s in keys else locate(s) for s in stage.start]).save(
            target
        )
        finished.add(stage.name, keys[stage.name])


def _digest(content: Any) -> str:
    return sha256_of([json.dumps(content, sort_keys=True).encode()])[:16]


@final
class _Finished:
    """Names and keys of the stages that are finished, on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def holds(self, name: str, key: str) -> bool:
        return self._keys.get(name) == key

    def add(self, name: str, key: str) -> None:
        self._keys[name] = key
        with whole_file(self._path) as temporary:
            temporary.write_text(json.dumps(self._keys, indent=1), encoding="utf-8")


def run_stage(stage: Stage, shop: Workshop, starts: Sequence[Path]) -> Bundle:
    """Run one stage.

    Args:
        stage: what to do.
        shop: corpus, machine and folders.
        starts: folders of the bundles that it begins from.

    Raises:
        InputError: the molecules, a start or a checkpoint does not fit the stage.
        BundleError: a start is missing or damaged.
    """
    bundles = [Bundle.load(start, shop.machine.device) for start in starts]
    if isinstance(stage.settings, VAETraining):
        return train_vae(stage, stage.settings, shop, bundles)
    if len(bundles) > 1:
        return average(bundles, stage.name)
    (bundle,) = bundles
    runs: Mapping[type[StageSettings], Callable[[Any, Workshop, Bundle], Bundle]] = {
        SelfTraining: _self_train,
        EncoderTuning: _tune_encoder,
        LatentFit: fit_latent,
        Evaluation: measure,
    }
    return runs[type(stage.settings)](stage.settings, shop, bundle)


def train_vae(stage: Stage, settings: VAETraining, shop: Workshop, starts: Sequence[Bundle]) -> Bundle:
    """Train a VAE, from scratch, from another bundle's parameters, or from its own checkpoint."""
    machine, progress = shop.machine, shop.progress
    corpus = shop.prepared(settings.n_recombined)
    classifiers = classifiers_named(settings.features)
    corpus = with_feature_targets(corpus, classifiers, shop.cache, machine.n_processes, progress)
    checkpoint = shop.folder / f"{stage.name}.checkpoint"
    trainer = Trainer(corpus, settings, checkpoint, machine.device, torch.get_num_threads())
    if trainer.state.step:
        aside = "; its `start` is left aside" if starts else ""
        progress.note(f"the training resumes from '{checkpoint}'{aside}")
        if trainer.changes:
            progress.note(f"'{checkpoint}' began with {'; '.join(trainer.changes)}")
    elif starts:
        (start,) = starts
        trainer.warm_start(starting_weights(start, corpus.tokenizer, trainer.model.config))
    trainer.run(progress)
    return bundle_of(trainer, stage.name, starts[0].training if starts else None)


def classifiers_named(features: str) -> dict[str, MoleculeClassifier]:
    """Classifiers of the features that a recipe names.

    Raises:
        InputError: one of them does not ship.
    """
    shipped = dict(shipped_classifiers())
    if features in ("all", "none"):
        return shipped if features == "all" else {}
    names = [name.strip() for name in features.split(",")]
    for name in names:
        if name not in shipped:
            raise InputError(
                f"`features` must name some of {', '.join(shipped)}, or all or none; got {name!r}."
            )
    return {name: shipped[name] for name in names}


def _self_train(settings: SelfTraining, shop: Workshop, bundle: Bundle) -> Bundle:
    corpus = shop.prepared(settings.n_recombined, bundle)
    return self_train(bundle, corpus, settings, shop.machine.n_processes, shop.progress)


def _tune_encoder(settings: EncoderTuning, shop: Workshop, bundle: Bundle) -> Bundle:
    corpus = shop.prepared(settings.n_recombined, bundle)
    return tune_encoder(bundle, corpus, settings, torch.get_num_threads(), shop.progress)


def fit_latent(settings: LatentFit, shop: Workshop, bundle: Bundle) -> Bundle:
    """Fit parts of a bundle's realism on its training compounds, and measure them on its validation split."""
    seed, progress = settings.seed, shop.progress
    splits = read_splits(shop.molecules)
    if "familiar" in settings.parts:
        bundle = fit_familiar(bundle, splits["train"], progress)
    if settings.parts == ("familiar",):
        return bundle
    examples = gather(bundle, splits["train"], splits["valid"], settings.examples, seed, progress)

    def of_heads() -> HeadExamples:
        corpus = shop.prepared(settings.n_recombined)
        return head_examples(bundle, corpus, settings.heads.n_compounds, seed, progress)

    made = of_heads if settings.needs_heads else None
    return fit_parts(bundle, examples, settings, shipped_classifiers(), made, progress)


def measure(settings: Evaluation, shop: Workshop, bundle: Bundle) -> Bundle:
    """Measure a bundle on a split of the molecules, and give it the figures."""
    trained_on = bundle.training.get("data_sha256")
    smiles = read_split(shop.molecules, settings.split, settings.n_molecules, trained_on)
    return bundle.with_figures(evaluate(bundle, smiles, settings, shop.progress))
