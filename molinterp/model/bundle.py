"""A bundle: vocabulary, network and heads in one folder that can be shared, checked and loaded.

The folder holds `bundle.json`, three safetensors files of weights (see `molinterp.model.quantisation`), and,
where they were fitted, files with what is known of realism. Every file's SHA-256 stands in `bundle.json`
and is checked at each load. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.chem.constraints import Constraint
from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.filters import decoded_molecule, decoded_smiles, default_table
from molinterp.errors import BundleError, VocabularyError
from molinterp.geometry.output_spaces import LocalSpace, Map
from molinterp.io.classifier_files import shipped_classifiers
from molinterp.io.files import replace_folder, sha256
from molinterp.model.decoding import beam, blur_at, greedy, sample
from molinterp.model.device import usable_device
from molinterp.model.header import BROKEN, check_tensors, seal
from molinterp.model.inversion import Inversion, invert
from molinterp.model.network import MoleculeVAE, VAEConfig
from molinterp.model.protocol import LatentModel, OutputSpace
from molinterp.model.quantisation import packed, unpacked
from molinterp.model.storage import (
    HEADER,
    SCHEMA,
    WEIGHTS,
    check_target,
    damaged,
    locate,
    read_header,
)
from molinterp.model.tokens import Tokenizer, alike, pad
from molinterp.realism.fitted import FILES as REALISM_FILES
from molinterp.realism.fitted import RealismModels
from molinterp.realism.latent_network import log_odds
from molinterp.realism.terms import DensityTerm, ProbabilityTerm, Term

AT_HOME = 0.01
"""A molecule is encoded at a point itself when it is no farther from it, in standard deviations."""


@final
@dataclass(frozen=True)
class Bundle:
    """A trained model with all that is needed to use it."""

    name: str
    """What it is called in messages."""
    tokenizer: Tokenizer
    """SMILES to tokens and back."""
    model: MoleculeVAE
    """The network, in evaluation mode."""
    property_names: tuple[str, ...]
    """Outputs of the property head, in order."""
    training: Mapping[str, Any]
    """Data hash and counts, budget, options, seed and versions of the training."""
    figures: Mapping[str, Any]
    """Figures measured by `molinterp models eval`."""
    realism: RealismModels = field(default_factory=RealismModels)
    """Density, validity and features on the latent space; empty where nothing was fitted."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.property_mean.device

    @property
    def latent_dim(self) -> int:
        """Dimensions of z."""
        return self.model.config.latent_dim

    def can_encode(self, smiles: str) -> bool:
        """Whether a molecule can be written in the bundle's vocabulary."""
        try:
            self.tokenizer.symbol_ids(smiles)
        except VocabularyError:
            return False
        return True

    @torch.no_grad()
    def posterior(self, smiles: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z|x), two tensors (n, latent_dim).

        Args:
            smiles: canonical SMILES, as `molinterp.chem.standardise` writes them.

        Raises:
            VocabularyError: a molecule holds tokens that the vocabulary lacks.
        """
        sequences = self.tokenizer.encode(smiles)
        mean, deviation = (torch.empty(len(smiles), self.latent_dim, device=self.device) for _ in range(2))
        for rows in alike([len(s) for s in sequences]):
            tokens = torch.from_numpy(pad([sequences[i] for i in rows])).to(self.device)
            index = torch.from_numpy(rows).to(self.device)
            mean[index], log_variance = self.model.encode(tokens)
            deviation[index] = (0.5 * log_variance).exp()
        return mean, deviation

    def encode(self, smiles: Sequence[str]) -> Tensor:
        """Latent points (n, latent_dim): the posterior means.

        Raises:
            VocabularyError: a molecule holds tokens that the vocabulary lacks.
        """
        return self.posterior(smiles)[0]

    def invert(self, smiles: Sequence[str], z: Tensor | None = None) -> Inversion:
        """Find latent points that decode to given molecules, as far as there are any.

        Args:
            smiles: canonical SMILES, as `molinterp.chem.standardise` writes them.
            z: (n, latent_dim), starting points; None means the posterior means.

        Raises:
            VocabularyError: a molecule holds tokens that the vocabulary lacks.
        """
        mean, deviation = self.posterior(smiles)
        tokens = torch.from_numpy(pad(self.tokenizer.encode(smiles))).to(self.device)
        return invert(self.model, tokens, mean if z is None else z.to(self.device), deviation)

    def output_space(self, name: OutputSpace | str) -> Map | LocalSpace:
        """Map whose Euclidean pull-back is the metric; see `model.output_spaces.output_space`.

        Raises:
            InputError: there is no such output space.
        """
        from molinterp.model.output_spaces import output_space

        return output_space(self, name)

    @property
    def environments(self) -> EnvironmentTable:
        """Atom environments of the compounds that the model was trained on."""
        return default_table()

    @property
    def classifiers(self) -> dict[str, MoleculeClassifier]:
        """Molecule-level classifiers by the name of their feature: those that ship, and the bundle's own."""
        return {**shipped_classifiers(), **self.realism.classifiers}

    def realism_terms(self, epsilon: float) -> tuple[Term, ...]:
        """Terms of λ that hold for every path: density and validity, where they were fitted."""
        terms: list[Term] = []
        if self.realism.index is not None:
            terms.append(DensityTerm(self.realism.index))
        if self.realism.validity is not None:
            terms.append(ProbabilityTerm("validity", log_odds(self.realism.validity), True, epsilon))
        return tuple(terms)

    def term(self, constraint: Constraint, epsilon: float) -> Term | None:
        """Term of λ for a constraint; None where its feature has no latent form."""
        from molinterp.model.feature_forms import latent_term

        return latent_term(self, constraint, epsilon)

    def decode(self, z: Tensor, t: Tensor | float = 0.0) -> list[str]:
        """SMILES of the greedy decode at each point of z (n, latent_dim).

        They are not canonical and may be no molecule; a SMILES bundle can spell invalid ones.

        Args:
            z: (n, latent_dim).
            t: (n,) or one for all, in [0, 1]: place of each point on a curve between two compounds; at 0
                and 1 the decoder looks for the compound at z, half-way for a plausible one about z.

        Raises:
            ShapeError: z has another number of dimensions than the bundle.
        """
        return [self.tokenizer.decode(row) for row in greedy(self.model, z.to(self.device), _blur(t))]

    def search(self, z: Tensor, width: int = 8, t: Tensor | float = 0.0) -> list[str]:
        """SMILES of the most probable molecule that a beam search finds at each point of z (n, latent_dim).

        The most probable string that spells a molecule; where none of the beam does, the most probable one.

        Args:
            z: (n, latent_dim).
            width: strings of the beam.
            t: (n,) or one for all, in [0, 1]; see `decode`.
        """
        found = self.beams(z, width, t)
        return [next((s for s in texts if decoded_molecule(s) is not None), texts[0]) for texts in found]

    def beams(self, z: Tensor, width: int, t: Tensor | float = 0.0) -> list[list[str]]:
        """SMILES of the `width` most probable strings that a beam search finds at each point, best first.

        Args:
            z: (n, latent_dim).
            width: strings of the beam.
            t: (n,) or one for all, in [0, 1]; see `decode`.
        """
        found = beam(self.model, z.to(self.device), width, _blur(t))
        return [[self.tokenizer.decode(b.tokens) for b in beams] for beams in found]

    def recover(self, z: Tensor, width: int = 32, t: Tensor | float = 0.0) -> list[str]:
        """Canonical SMILES of the compound at each point of z (n, latent_dim).

        The greedy decode where that is encoded at the point itself; else, of the molecules that a beam search
        finds, the one that is encoded nearest, which need not be the most probable. Empty where no string
        spells a molecule.

        Args:
            z: (n, latent_dim).
            width: strings of the beam.
            t: (n,) or one for all, in [0, 1]; see `decode`.

        Raises:
            ShapeError: z has another number of dimensions than the bundle.
        """
        found = [decoded_smiles(text) for text in self.decode(z, t)]
        owned = [(i, text) for i, text in enumerate(found) if self._is_in_vocabulary(text)]
        at_home = {
            i for (i, _), d in zip(owned, self._distance(z, owned).tolist(), strict=True) if d < AT_HOME
        }
        others = [i for i in range(len(found)) if i not in at_home]
        if others:
            beams = self.beams(z[others], width, t[others] if isinstance(t, Tensor) else t)
            texts = [[found[i], *map(decoded_smiles, own)] for i, own in zip(others, beams, strict=True)]
            for i, near in zip(others, self.by_distance(z[others], texts), strict=True):
                found[i] = next(iter(near), "")
        return found

    def by_distance(self, z: Tensor, smiles: Sequence[Sequence[str]]) -> list[list[str]]:
        """For each point its different molecules, that encoded nearest to it first.

        Distances are taken in posterior standard deviations of the molecule.

        Args:
            z: (n, latent_dim).
            smiles: canonical SMILES for each point; what is empty or not in the vocabulary is left out.
        """
        different = [filter(self._is_in_vocabulary, dict.fromkeys(own)) for own in smiles]
        owned = [(i, text) for i, texts in enumerate(different) for text in texts]
        found: list[list[str]] = [[] for _ in smiles]
        for k in self._distance(z, owned).argsort(stable=True).tolist():
            i, text = owned[k]
            found[i].append(text)
        return found

    def _is_in_vocabulary(self, text: str) -> bool:
        return bool(text) and self.can_encode(text)

    def _distance(self, z: Tensor, owned: Sequence[tuple[int, str]]) -> Tensor:
        """How far each molecule is encoded from its row of z, in its posterior standard deviations."""
        mean, deviation = self.posterior([text for _, text in owned])
        return ((mean - z.to(self.device)[[i for i, _ in owned]]) / deviation).norm(dim=1)

    def sample(
        self,
        z: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        t: Tensor | float = 0.0,
    ) -> list[str]:
        """SMILES of one random decode at each point of z (n, latent_dim); see `decode`."""
        strings = sample(self.model, z.to(self.device), generator, temperature, _blur(t))
        return [self.tokenizer.decode(row) for row in strings]

    def with_figures(self, figures: Mapping[str, Any]) -> Bundle:
        """The same bundle with other figures."""
        return replace(self, figures=dict(figures))

    def save(self, folder: Path) -> None:
        """Write the bundle; an existing one is replaced as a whole.

        A kill at any moment leaves the old one or the new one beside `folder`, where it is not in it.

        Raises:
            BundleError: the folder is a file or holds something else than a bundle, or cannot be written; or
                weights are not finite.
        """
        folder = folder.resolve()
        check_target(folder)
        temporary = folder.with_name(f".{folder.name}.tmp")
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            weights = self.model.state_dict()
            hashes = {}
            for name, prefixes in WEIGHTS.items():
                part = packed({k: v for k, v in weights.items() if k.startswith(prefixes)})
                hashes[name] = _write(part, temporary / name)
            files, realism = self.realism.to_files()
            for name, part in files.items():
                hashes[name] = _write(part, temporary / name)
            header = self._header() | ({"realism": realism} if files else {}) | {"files": hashes}
            text = json.dumps(seal(json.loads(json.dumps(header))), indent=1)
            (temporary / HEADER).write_text(text + "\n", encoding="utf-8")
            replace_folder(temporary, folder)
        except OSError as error:
            raise BundleError(f"bundle '{folder}' cannot be written: {error.strerror}.") from error

    def _header(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "figures": dict(self.figures),
            "training": dict(self.training),
            "sizes": self.model.config.to_dict(),
            "properties": list(self.property_names),
            "vocabulary": self.tokenizer.to_dict(),
        }

    @classmethod
    def load(cls, name: str | Path = "default", device: str | torch.device = "cpu") -> Bundle:
        """Load a shipped bundle by name, or any bundle by its folder.

        Raises:
            InputError: torch cannot use the device here.
            BundleError: it is missing, damaged, or of a schema that this version does not read.
        """
        device = usable_device(device)
        folder = locate(name)
        header = read_header(folder)
        try:
            config = VAEConfig(**header["sizes"])
            tokenizer = Tokenizer.from_dict(header["vocabulary"])
            # Tensors are created without values, then taken from the files.
            with torch.device("meta"):
                model = MoleculeVAE(config)
            weights: dict[str, Tensor] = {}
            for file in WEIGHTS:
                tensors = load_file(folder / file)
                check_tensors({file: tensors}, header)
                weights |= unpacked(tensors)
            model.load_state_dict(weights, assign=True)
            extra = {file: load_file(folder / file) for file in REALISM_FILES if file in header["files"]}
            check_tensors(extra, header)
            realism = RealismModels.from_files(extra, header["realism"]) if extra else RealismModels()
            realism.move_to(device)
        except (*BROKEN, SafetensorError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise BundleError(damaged(folder, reason)) from error
        return cls(
            name=header["name"],
            tokenizer=tokenizer,
            model=model.to(device).eval(),
            property_names=tuple(header["properties"]),
            training=header["training"],
            figures=header["figures"],
            realism=realism,
        )


def loaded(bundle: Bundle | str | Path | None = None, device: str | torch.device = "cpu") -> Bundle:
    """What `Bundle.load` gives, kept in memory for the next call until its files are written anew.

    All callers share it: it is not to be changed.

    Args:
        bundle: one that ships, by name, or a folder; None means `default`. A bundle is given back as it is.
        device: where its tensors shall be; of no account for a bundle.

    Raises:
        InputError: torch cannot use the device here.
        BundleError: it is missing, damaged, or of a schema that this version does not read.
    """
    if isinstance(bundle, Bundle):
        return bundle
    folder = locate(bundle or "default").resolve()
    try:
        header = (folder / HEADER).stat()
    except OSError as error:
        raise BundleError(damaged(folder, f"{HEADER}: {error.strerror}")) from error
    return _loaded(folder, str(device), header.st_mtime_ns, header.st_size)


def name_of(model: LatentModel | str | Path) -> str:
    """Name or folder by which a request names a model."""
    return str(model) if isinstance(model, str | Path) else model.name


def model_of(model: LatentModel | str | Path, device: str | torch.device = "cpu") -> LatentModel:
    """A model itself, or the bundle of a name or folder; see `loaded`."""
    return loaded(model, device) if isinstance(model, str | Path) else model


@lru_cache(maxsize=2)
def _loaded(folder: Path, device: str, mtime_ns: int, size: int) -> Bundle:
    return Bundle.load(folder, device)


def _blur(t: Tensor | float) -> Tensor | float:
    return blur_at(t) if isinstance(t, Tensor) else float(blur_at(torch.tensor(t)))


def _write(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Write a file of tensors and return its SHA-256."""
    save_file(dict(tensors), path)
    path.chmod(0o644)
    return sha256(path)
