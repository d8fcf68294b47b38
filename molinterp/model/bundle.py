"""A bundle: a trained model in one folder that can be shared, verified and loaded.

The folder holds `bundle.json`, three safetensors files of parameters (see `molinterp.model.quantisation`),
and the files of the realism models if these were fitted. `bundle.json` records the SHA-256 of every file,
which is checked at each load. Nothing is ever unpickled.
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
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file
from torch import Tensor

from molinterp.chem.classifier import MoleculeClassifier
from molinterp.chem.constraints import Constraint
from molinterp.chem.environments import EnvironmentTable
from molinterp.chem.familiar import FILE as FAMILIAR_FILE
from molinterp.chem.familiar import Familiar, shipped_familiar
from molinterp.chem.filters import decoded_molecule, decoded_smiles
from molinterp.chem.ring_systems import RingSystemTable
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
from molinterp.model.tokens import Tokenizer, groups_by_length, pad
from molinterp.realism.fitted import FILES as REALISM_FILES
from molinterp.realism.fitted import RealismModels
from molinterp.realism.latent_network import log_odds
from molinterp.realism.terms import DensityTerm, ProbabilityTerm, Term

SAME_POINT = 0.01
"""Distance below which a molecule counts as encoded at a point, in posterior standard deviations."""


@final
@dataclass(frozen=True)
class Bundle:
    """A trained model with everything that is needed to use it."""

    name: str
    """Name used in messages."""
    tokenizer: Tokenizer
    """Converts SMILES to tokens and back."""
    model: MoleculeVAE
    """The network, in evaluation mode."""
    property_names: tuple[str, ...]
    """Outputs of the property head, in order."""
    training: Mapping[str, Any]
    """Record of the training: hash and size of the data, budget, options, seed and versions."""
    figures: Mapping[str, Any]
    """Metrics measured by `molinterp models eval`."""
    realism: RealismModels = field(default_factory=RealismModels)
    """Density, validity and features on the latent space; empty if nothing was fitted."""
    tables: Familiar | None = None
    """Atom environments and ring systems of the training compounds; None if they were not counted."""

    @property
    def device(self) -> torch.device:
        """Device that holds the parameters."""
        return self.model.property_mean.device

    @property
    def familiar(self) -> Familiar:
        """Familiar chemistry: the model's own tables, or the shipped ones if it has none."""
        return self.tables or shipped_familiar()

    @property
    def environments(self) -> EnvironmentTable:
        """Familiar atom environments."""
        return self.familiar.environments

    @property
    def ring_systems(self) -> RingSystemTable:
        """Familiar ring systems."""
        return self.familiar.ring_systems

    @property
    def latent_dim(self) -> int:
        """Dimensions of z."""
        return self.model.config.latent_dim

    def can_encode(self, smiles: str) -> bool:
        """Whether a molecule can be written in the model's vocabulary."""
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
            VocabularyError: a molecule has tokens that are not in the vocabulary.
        """
        sequences = self.tokenizer.encode(smiles)
        mean, deviation = (torch.empty(len(smiles), self.latent_dim, device=self.device) for _ in range(2))
        for rows in groups_by_length([len(s) for s in sequences]):
            tokens = torch.from_numpy(pad([sequences[i] for i in rows])).to(self.device)
            index = torch.from_numpy(rows).to(self.device)
            mean[index], log_variance = self.model.encode(tokens)
            deviation[index] = (0.5 * log_variance).exp()
        return mean, deviation

    def encode(self, smiles: Sequence[str]) -> Tensor:
        """Latent points (n, latent_dim): the posterior means.

        Raises:
            VocabularyError: a molecule has tokens that are not in the vocabulary.
        """
        return self.posterior(smiles)[0]

    def invert(self, smiles: Sequence[str], z: Tensor | None = None) -> Inversion:
        """Find latent points that decode to given molecules, as far as possible.

        Args:
            smiles: canonical SMILES, as `molinterp.chem.standardise` writes them.
            z: (n, latent_dim), starting points; None means the posterior means.

        Raises:
            VocabularyError: a molecule has tokens that are not in the vocabulary.
        """
        mean, deviation = self.posterior(smiles)
        tokens = torch.from_numpy(pad(self.tokenizer.encode(smiles))).to(self.device)
        return invert(self.model, tokens, mean if z is None else z.to(self.device), deviation)

    def output_space(self, name: OutputSpace | str) -> Map | LocalSpace:
        """Return the map that pulls the metric back; see `model.output_spaces.output_space`.

        Raises:
            InputError: there is no such output space.
        """
        from molinterp.model.output_spaces import output_space

        return output_space(self, name)

    @property
    def classifiers(self) -> dict[str, MoleculeClassifier]:
        """Classifiers of molecules by the name of their feature: the shipped ones and the model's own."""
        return {**shipped_classifiers(), **self.realism.classifiers}

    def realism_terms(self, epsilon: float) -> tuple[Term, ...]:
        """Terms of λ that apply to every path: density and validity, if they were fitted."""
        terms: list[Term] = []
        if self.realism.index is not None:
            terms.append(DensityTerm(self.realism.index))
        if self.realism.validity is not None:
            terms.append(ProbabilityTerm("validity", log_odds(self.realism.validity), True, epsilon))
        return tuple(terms)

    def term(self, constraint: Constraint, epsilon: float) -> Term | None:
        """Term of λ for a constraint; None if its feature has no latent form."""
        from molinterp.model.feature_forms import latent_term

        return latent_term(self, constraint, epsilon)

    def decode(self, z: Tensor, t: Tensor | float = 0.0) -> list[str]:
        """Decode each point greedily and return its SMILES.

        The SMILES are not canonical. They may be invalid if the model writes SMILES rather than SELFIES.

        Args:
            z: (n, latent_dim).
            t: (n,) or one for all, in [0, 1]: place of each point on a curve between two compounds. At 0
                and 1 the decoder reconstructs the compound at z; half-way it writes a plausible one near z.

        Raises:
            ShapeError: z does not have the model's number of dimensions.
        """
        return [self.tokenizer.decode(row) for row in greedy(self.model, z.to(self.device), _blur(t))]

    def search(self, z: Tensor, width: int = 8, t: Tensor | float = 0.0) -> list[str]:
        """Find the most probable molecule at each point by beam search and return its SMILES.

        If no string of the beam is a molecule, the most probable string is returned.

        Args:
            z: (n, latent_dim).
            width: width of the beam.
            t: (n,) or one for all, in [0, 1]; see `decode`.
        """
        found = self.beams(z, width, t)
        return [next((s for s in texts if decoded_molecule(s) is not None), texts[0]) for texts in found]

    def beams(self, z: Tensor, width: int, t: Tensor | float = 0.0) -> list[list[str]]:
        """Return the SMILES of the `width` best strings of a beam search at each point, best first.

        Args:
            z: (n, latent_dim).
            width: width of the beam.
            t: (n,) or one for all, in [0, 1]; see `decode`.
        """
        found = beam(self.model, z.to(self.device), width, _blur(t))
        return [[self.tokenizer.decode(b.tokens) for b in beams] for beams in found]

    def recover(self, z: Tensor, width: int = 32, t: Tensor | float = 0.0) -> list[str]:
        """Recover the compound that is encoded at each point, as canonical SMILES.

        This is the greedy decode if its encoding is the point itself. Otherwise it is the molecule of a beam
        search whose encoding is nearest to the point, which need not be the most probable one. Empty if no
        string is a molecule.

        Args:
            z: (n, latent_dim).
            width: width of the beam.
            t: (n,) or one for all, in [0, 1]; see `decode`.

        Raises:
            ShapeError: z does not have the model's number of dimensions.
        """
        found = [decoded_smiles(text) for text in self.decode(z, t)]
        owned = [(i, text) for i, text in enumerate(found) if self._is_in_vocabulary(text)]
        recovered = {
            i for (i, _), d in zip(owned, self._distance(z, owned).tolist(), strict=True) if d < SAME_POINT
        }
        others = [i for i in range(len(found)) if i not in recovered]
        if others:
            beams = self.beams(z[others], width, t[others] if isinstance(t, Tensor) else t)
            texts = [[found[i], *map(decoded_smiles, own)] for i, own in zip(others, beams, strict=True)]
            for i, near in zip(others, self.by_distance(z[others], texts), strict=True):
                found[i] = next(iter(near), "")
        return found

    def by_distance(self, z: Tensor, smiles: Sequence[Sequence[str]]) -> list[list[str]]:
        """Sort the molecules of each point by the distance of their encoding from it, without duplicates.

        Distances are measured in posterior standard deviations of the molecule.

        Args:
            z: (n, latent_dim).
            smiles: canonical SMILES for each point; those that are empty or cannot be encoded are dropped.
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
        """Distance of each molecule's encoding from its row of z, in its posterior standard deviations."""
        mean, deviation = self.posterior([text for _, text in owned])
        return ((mean - z.to(self.device)[[i for i, _ in owned]]) / deviation).norm(dim=1)

    def sample(
        self,
        z: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        t: Tensor | float = 0.0,
    ) -> list[str]:
        """Draw one random decode at each point and return its SMILES; see `decode`."""
        strings = sample(self.model, z.to(self.device), generator, temperature, _blur(t))
        return [self.tokenizer.decode(row) for row in strings]

    def with_figures(self, figures: Mapping[str, Any]) -> Bundle:
        """Return the same model with other metrics."""
        return replace(self, figures=dict(figures))

    def save(self, folder: Path) -> None:
        """Write the bundle to a folder, replacing an existing bundle as a whole.

        If the process is killed, the old or the new bundle is complete, in `folder` or beside it.

        Raises:
            BundleError: the folder is a file, contains something other than a bundle or cannot be written,
                or a parameter is not finite.
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
            if self.tables is not None:
                save_arrays(self.tables.to_arrays(), temporary / FAMILIAR_FILE)
                (temporary / FAMILIAR_FILE).chmod(0o644)
                hashes[FAMILIAR_FILE] = sha256(temporary / FAMILIAR_FILE)
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
        """Load a shipped model by name, or any model from its folder.

        Raises:
            InputError: torch cannot use the device on this machine.
            BundleError: the bundle is missing, damaged or of an unsupported schema.
        """
        device = usable_device(device)
        folder = locate(name)
        header = read_header(folder)
        try:
            config = VAEConfig(**header["sizes"])
            tokenizer = Tokenizer.from_dict(header["vocabulary"])
            # Create the tensors without values: those of the files replace them.
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
            is_counted = FAMILIAR_FILE in header["files"]
            tables = Familiar.from_arrays(load_arrays(folder / FAMILIAR_FILE)) if is_counted else None
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
            tables=tables,
        )


def loaded(bundle: Bundle | str | Path | None = None, device: str | torch.device = "cpu") -> Bundle:
    """Load a model and cache it in memory until its files change.

    All callers share the cached model: do not change it.

    Args:
        bundle: name of a shipped model, or a folder; None means `default`. A `Bundle` is returned unchanged.
        device: device on which to load the tensors; ignored if `bundle` is already loaded.

    Raises:
        InputError: torch cannot use the device on this machine.
        BundleError: the bundle is missing, damaged or of an unsupported schema.
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
    """Return a model unchanged, or load the one that a name or folder denotes; see `loaded`."""
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
