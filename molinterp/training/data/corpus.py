"""The training corpus on disk: tokens, fingerprints and properties of every molecule, made once.

The work is cut into chunks; each finished chunk is a file, so an interrupted preparation resumes where it
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
import numpy.typing as npt

from molinterp.chem.identity import hashed_split
from molinterp.chem.standardise import FORM
from molinterp.errors import InputError, InvalidMoleculeError, VocabularyError
from molinterp.io.files import sha256, whole_file
from molinterp.model.tokens import IntArray, Notation, Tokenizer, notation_named
from molinterp.realism.fitting import Progress, silent
from molinterp.training.data.datasets import read_molecules
from molinterp.training.data.settings import SPLITS

if TYPE_CHECKING:
    from rdkit import Chem


@final
@dataclass(frozen=True)
class Corpus:
    """Molecules ready for training; arrays run over molecules unless said otherwise."""

    tokenizer: Tokenizer
    """Vocabulary that the tokens are written in."""
    tokens: npt.NDArray[np.uint16]
    """All token sequences in one array, without start and end."""
    offsets: npt.NDArray[np.int64]
    """Where each molecule starts in `tokens`; one more entry than molecules."""
    bits: npt.NDArray[np.uint8]
    """ECFP4, packed eight to a byte, (n, 256)."""
    properties: npt.NDArray[np.float32]
    """(n, n_properties), in the units of `molinterp.chem.properties`."""
    split: npt.NDArray[np.uint8]
    """Index into SPLITS."""
    sha256: str
    """Hash of the file that it was made from."""
    n_dropped: int
    """Molecules of that file that have no standard form or cannot be written in the vocabulary."""
    feature_targets: npt.NDArray[np.float32] | None = None
    """(n, n_features), standardised log-odds of `features`; NaN where unknown. See `with_feature_targets`."""
    features: tuple[str, ...] = ()
    """Names of the classifiers that `feature_targets` come from."""
    n_recombined: int = 0
    """Molecules, the last ones, that are not in that file; see `with_recombined`."""

    def __len__(self) -> int:
        """Number of molecules."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens a molecule."""
        return np.diff(self.offsets)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Indices of the molecules of a split."""
        return np.flatnonzero(self.split == SPLITS.index(split))

    def sequence(self, row: int) -> IntArray:
        """Tokens of one molecule."""
        return self.tokens[self.offsets[row] : self.offsets[row + 1]].astype(np.int32)

    def smiles(self, rows: Iterable[int]) -> list[str]:
        """SMILES that the tokens of some molecules spell."""
        return [self.tokenizer.decode(self.sequence(row).tolist()) for row in rows]


def prepare(
    molecules: Path,
    cache: Path,
    representation: str,
    n_tokens: int,
    n_processes: int = 1,
    progress: Progress = silent,
    chunk_size: int = 4_096,
) -> Corpus:
    """Tokenise and describe a file of molecules, or load what an earlier call left in `cache`.

    Each is used in the standard form of `molinterp.chem.standardise`; those without one are dropped.
    Without a column `split`, a hash of the standard form without stereo holds out 1 % and 1 %.

    Args:
        molecules: .csv or .csv.gz with a column `smiles` and maybe `split` (train, valid, test).
        cache: folder for the chunks and the finished corpus.
        representation: "smiles" or "selfies".
        n_tokens: size of the vocabulary.
        n_processes: worker processes.
        progress: told of each chunk.
        chunk_size: molecules of a chunk.

    Raises:
        InputError: the file has no usable molecule or no `smiles` column.
    """
    if not molecules.is_file():
        raise InputError(f"file '{molecules}' does not exist or is not a file. Check the path.")
    digest = sha256(molecules)
    notation = notation_named(representation)
    finished = cache / f"corpus-{FORM}-{representation}-{n_tokens}-{digest[:12]}"
    if (finished / "corpus.json").exists():
        return _load(finished)
    smiles, named = read_molecules(molecules)
    split = None if named is None else np.array([SPLITS.index(name) for name in named], np.uint8)
    chunks = cache / f"standard-{FORM}-{representation}-{digest[:12]}"
    chunks.mkdir(parents=True, exist_ok=True)
    parts = [smiles[i : i + chunk_size] for i in range(0, len(smiles), chunk_size)]
    jobs = [(chunks / f"{i:05d}.npz", part, representation) for i, part in enumerate(parts)]
    with ProcessPoolExecutor(n_processes) as pool:
        for _ in progress(pool.map(_label_chunk, jobs), len(jobs), "tokenise"):
            pass
    corpus = _assemble(jobs, split, notation, n_tokens, digest)
    _save(corpus, finished)
    return corpus


def read_splits(molecules: Path) -> dict[str, list[str]]:
    """SMILES of a file by split, divided as `prepare` divides them; train and valid are not empty.

    Raises:
        InputError: the file cannot be read, or one of the two has no molecule.
    """
    from rdkit import rdBase

    smiles, split = read_molecules(molecules)
    if split is None:
        with rdBase.BlockLogs():
            found = map(standard_form, smiles)
            smiles = [standard[0] for standard in found if standard is not None]
        split = [hashed_split(text) for text in smiles]
    by_split = {name: [s for s, own in zip(smiles, split, strict=True) if own == name] for name in SPLITS}
    for name in ("train", "valid"):
        if not by_split[name]:
            raise InputError(
                f"'{molecules}' holds no molecule of the split {name!r}. Give it a column 'split' of train "
                "and valid; without one, one molecule in a hundred is valid."
            )
    return by_split


def standard_form(text: str) -> tuple[str, Chem.Mol] | None:
    """Standard form of a SMILES and its molecule, None where it has none.

    Most files hold standard forms already, which a canonicalisation tells for a tenth of the time.
    """
    from rdkit import Chem

    from molinterp.chem.parsing import MAX_CHARACTERS, check_size
    from molinterp.chem.standardise import standardise

    mol = Chem.MolFromSmiles(text) if len(text) <= MAX_CHARACTERS else None
    try:
        if mol is not None and "." not in text and is_plain(mol) and Chem.MolToSmiles(mol) == text:
            check_size(mol, text)
            return text, mol
        compound = standardise(text)
    except InvalidMoleculeError:
        return None
    return compound.smiles, compound.mol


def is_plain(mol: Chem.Mol) -> bool:
    """Whether no atom has a charge, an isotope label or too few bonds."""
    return not any(
        a.GetFormalCharge() or a.GetIsotope() or a.GetNumRadicalElectrons() for a in mol.GetAtoms()
    )


def _label_chunk(job: tuple[Path, Sequence[str], str]) -> None:
    """Standardise, split into symbols and label the molecules of a chunk and write them to its file."""
    from rdkit import RDLogger

    from molinterp.chem.properties import PROPERTIES, describe
    from molinterp.chem.similarity import N_BITS, ecfp4_array

    path, smiles, representation = job
    if path.exists():
        return
    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    notation = notation_named(representation)
    symbols = [""] * len(smiles)
    bits = np.zeros((len(smiles), N_BITS // 8), np.uint8)
    properties = np.full((len(smiles), len(PROPERTIES)), np.nan, np.float32)
    hashed = np.zeros(len(smiles), np.uint8)
    for i, text in enumerate(smiles):
        if (standard := standard_form(text)) is None:
            continue
        canonical, mol = standard
        with suppress(VocabularyError):
            symbols[i] = " ".join(notation.split(canonical))
        bits[i] = np.packbits(ecfp4_array(mol))
        properties[i] = list(describe(mol).values())
        hashed[i] = SPLITS.index(hashed_split(canonical))
    text_bytes = np.frombuffer("\n".join(symbols).encode(), np.uint8)
    with whole_file(path) as temporary:
        np.savez(temporary, symbols=text_bytes, bits=bits, properties=properties, hashed=hashed)


def _assemble(
    jobs: Sequence[tuple[Path, Sequence[str], str]],
    split: npt.NDArray[np.uint8] | None,
    notation: Notation,
    n_tokens: int,
    digest: str,
) -> Corpus:
    """Tokens and labels of all chunks; `split` None means `hashed_split`."""
    symbols: list[list[str]] = []
    bits, properties, hashed = [], [], []
    for path, _, _ in jobs:
        with np.load(path, allow_pickle=False) as chunk:
            symbols.extend(line.split() for line in chunk["symbols"].tobytes().decode().split("\n"))
            bits.append(chunk["bits"])
            properties.append(chunk["properties"])
            hashed.append(chunk["hashed"])
    if split is None:
        split = np.concatenate(hashed)
    is_train = split == SPLITS.index("train")
    fit_rows = np.flatnonzero(is_train)
    fitted = [symbols[i] for i in fit_rows if symbols[i]]
    tokenizer = Tokenizer.fit(notation, fitted, n_tokens)
    index = tokenizer.index
    kept = [i for i, s in enumerate(symbols) if s and all(x in index for x in s)]
    if not kept:
        raise InputError(
            "no molecule of the training file could be parsed and written in symbols that five or more of "
            f"its {len(fitted)} molecules of the split 'train' have. Give more of them."
        )
    sequences: list[IntArray] = []
    for i in range(0, len(kept), 20_000):
        sequences += tokenizer.merge([[index[x] for x in symbols[j]] for j in kept[i : i + 20_000]])
    return Corpus(
        tokenizer=tokenizer,
        tokens=np.concatenate(sequences).astype(np.uint16),
        offsets=np.append(0, np.cumsum([len(s) for s in sequences])).astype(np.int64),
        bits=np.concatenate(bits)[kept],
        properties=np.concatenate(properties)[kept],
        split=split[kept],
        sha256=digest,
        n_dropped=len(symbols) - len(kept),
    )


_ARRAYS = ("tokens", "offsets", "bits", "properties", "split")


def _save(corpus: Corpus, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", getattr(corpus, name), allow_pickle=False)
    header = corpus.tokenizer.to_dict() | {"sha256": corpus.sha256, "n_dropped": corpus.n_dropped}
    with whole_file(folder / "corpus.json") as temporary:
        temporary.write_text(json.dumps(header), encoding="utf-8")


def _load(folder: Path) -> Corpus:
    header = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
    arrays = {n: np.load(folder / f"{n}.npy", mmap_mode="r", allow_pickle=False) for n in _ARRAYS}
    return Corpus(
        tokenizer=Tokenizer.from_dict(header),
        sha256=header["sha256"],
        n_dropped=header["n_dropped"],
        **arrays,
    )
