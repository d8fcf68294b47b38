"""Latent points as features for scikit-learn: SMILES in, one column per latent dimension out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from molinterp.chem.standardise import standardise
from molinterp.errors import InputError, InvalidMoleculeError, ShapeError
from molinterp.model.bundle import loaded
from molinterp.model.protocol import LatentModel

ON_INVALID = ("raise", "nan")


@final
class LatentEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encode SMILES to the posterior means of a model.

    `fit` learns nothing; it only locates the model. A fitted encoder is pickled as its parameters, and
    loads the model again in the process that unpickles it.

    Attributes:
        latent_dim_: number of features.
    """

    def __init__(
        self,
        model: str | Path = "default",
        device: str = "cpu",
        batch_size: int = 256,
        invalid: str = "raise",
    ) -> None:
        """Set the parameters; `fit` validates them.

        Args:
            model: name of a shipped model, or the folder of a model.
            device: torch device on which to load the model.
            batch_size: number of molecules encoded at a time, at least 1.
            invalid: what to do with an invalid molecule: "raise" an error, or return a row of "nan".
        """
        self.model = model
        self.device = device
        self.batch_size = batch_size
        self.invalid = invalid

    def fit(self, X: Any, y: Any = None) -> LatentEncoder:
        """Validate the parameters and locate the model.

        Args:
            X: SMILES, as for `transform`; they are not encoded here.
            y: not used.

        Raises:
            InputError: a parameter is out of range.
            ShapeError: `X` is not a list of texts.
            BundleError: the model is missing or damaged.
        """
        if self.invalid not in ON_INVALID:
            raise InputError(f"`invalid` must be one of {', '.join(ON_INVALID)}; got {self.invalid!r}.")
        if self.batch_size < 1:
            raise InputError(f"`batch_size` must be at least 1; got {self.batch_size}.")
        _texts(X)
        self.latent_dim_ = loaded(self.model, self.device).latent_dim
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """Encode n molecules to latent points (n, latent_dim).

        Args:
            X: n SMILES, as a list, an array (n,) or (n, 1), a column, or a table with one column.

        Raises:
            InvalidMoleculeError: a text is not a molecule and `invalid` is "raise"; the row is named.
            VocabularyError: a molecule has atoms that the model cannot encode and `invalid` is "raise".
            ShapeError: `X` is not a list of texts.
            sklearn.exceptions.NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "latent_dim_")
        texts = _texts(X)
        model = loaded(self.model, self.device)
        out = np.full((len(texts), self.latent_dim_), np.nan, np.float32)
        for first in range(0, len(texts), self.batch_size):
            rows, smiles = [], []
            for i, text in enumerate(texts[first : first + self.batch_size], first):
                if (canonical := self._standard(model, text, i)) is not None:
                    rows.append(i)
                    smiles.append(canonical)
            if rows:
                out[rows] = model.posterior(smiles)[0].cpu().numpy()
        return out

    def inverse_transform(self, X: Any) -> npt.NDArray[np.object_]:
        """Decode n latent points to canonical SMILES (n,); None if no molecule is found.

        The points are taken to be those of compounds. Decode points between two compounds with
        `Bundle.recover`, which accepts their place t on the curve.

        Args:
            X: (n, latent_dim), as returned by `transform`; a row with a NaN decodes to None.

        Raises:
            ShapeError: `X` has the wrong shape.
            sklearn.exceptions.NotFittedError: `fit` was not called.
        """
        check_is_fitted(self, "latent_dim_")
        points = torch.from_numpy(np.asarray(X, dtype=np.float32))
        if points.ndim != 2 or points.shape[1] != self.latent_dim_:
            raise ShapeError(f"`X` must have shape (n, {self.latent_dim_}); got {tuple(points.shape)}.")
        model = loaded(self.model, self.device)
        out = np.full(len(points), None, dtype=object)
        rows = points.isfinite().all(1).nonzero()[:, 0]
        for part in rows.split(self.batch_size):
            out[part.numpy()] = [smiles or None for smiles in model.recover(points[part])]
        return out

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Return the column names (latent_dim,): latent0, latent1, …; `input_features` is ignored."""
        check_is_fitted(self, "latent_dim_")
        return np.array([f"latent{i}" for i in range(self.latent_dim_)], dtype=object)

    def _standard(self, model: LatentModel, text: str, row: int) -> str | None:
        """Return the canonical SMILES of an encodable molecule, or None if invalid ones are allowed."""
        try:
            smiles = standardise(text, row).smiles
        except InvalidMoleculeError:
            if self.invalid == "raise":
                raise
            return None
        if model.can_encode(smiles):
            return smiles
        if self.invalid == "raise":
            model.posterior([smiles])  # raises an error that names the atoms
        return None

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that the inputs are texts and that `fit` must be called."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.one_d_array = True, True
        tags.input_tags.two_d_array = False
        tags.requires_fit = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _texts(X: Any) -> Sequence[str]:
    from pandas import isna
    from pandas.api.types import is_scalar

    if isinstance(X, str):
        raise ShapeError("`X` must be a list of SMILES; got one text. Write [text].")
    array = np.asarray(X, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"`X` must have shape (n,) or (n, 1); got {array.shape}. Give one column.")
    return ["" if is_scalar(text) and isna(text) else str(text) for text in array]
