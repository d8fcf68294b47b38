"""A path of molecules between two compounds: what was asked, and what was found."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from molinterp.errors import InputError
from molinterp.paths import display
from molinterp.paths.request import PathRequest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rdkit import Chem

    from molinterp.chem.changes import Change

WIDEST_SMILES = 60
"""Characters of a SMILES in the printed table of a path."""


@final
@dataclass(frozen=True, eq=False)
class LatentCurve:
    """The curve in latent space that a path was decoded from."""

    points: npt.NDArray[np.float32]
    """Points along it, ends included, (n, latent_dim)."""
    is_converged: bool = True
    """Whether the solver reached its tolerance on every leg; true for lines, which need none."""

    def __eq__(self, other: object) -> bool:
        """Whether two curves have the same points."""
        return (
            isinstance(other, LatentCurve)
            and self.is_converged == other.is_converged
            and np.array_equal(self.points, other.points)
        )

    def to_document(self) -> dict[str, Any]:
        """Values that JSON can hold; the points as little-endian 32-bit floats in base64."""
        data = base64.b64encode(self.points.astype("<f4").tobytes()).decode("ascii")
        return {"shape": list(self.points.shape), "points": data, "is_converged": self.is_converged}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> LatentCurve:
        """The curve that `to_document` described.

        Raises:
            ValueError: the points do not have the shape that is said.
        """
        points = np.frombuffer(base64.b64decode(document["points"], validate=True), "<f4")
        return cls(points.reshape(document["shape"]).astype(np.float32), bool(document["is_converged"]))


@final
@dataclass(frozen=True)
class StepChange:
    """What a step changes, from the molecule before to this one."""

    words: str
    """The change as a chemist says it, such as "phenyl -> 3-pyridyl"."""
    n_atoms: int
    """Heavy atoms that change, both molecules counted."""
    n_sites: int
    """Connected places that change."""
    is_readable: bool
    """Whether a chemist reads the change at one glance."""
    pairs: tuple[tuple[int, int], ...]
    """Atoms in common: of the molecule before and of this one, in the order of their SMILES."""

    @classmethod
    def of(cls, change: Change) -> StepChange:
        """The same of a change under an atom map."""
        return cls(change.words, change.size, change.n_sites, change.is_readable, change.pairs)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> StepChange:
        """The change that `dataclasses.asdict` described."""
        pairs = tuple((int(i), int(j)) for i, j in document["pairs"])
        return cls(**{**document, "pairs": pairs})


@final
@dataclass(frozen=True)
class PathMolecule:
    """One molecule of a path."""

    smiles: str
    """Canonical SMILES, stereo included."""
    t: float
    """Share of the path's Tanimoto length walked so far, 0 at the start and 1 at the end."""
    origin: str
    """Where the molecule came from: end, curve, neighbourhood, edit or library."""
    similarity: float | None
    """ECFP4 Tanimoto similarity to the molecule before, in [0, 1]; None for the first."""
    similarity_to_start: float
    """ECFP4 Tanimoto similarity to the start, in [0, 1]."""
    similarity_to_end: float
    """ECFP4 Tanimoto similarity to the end, in [0, 1]."""
    properties: Mapping[str, float]
    """Name to value, in the units of `molinterp.chem.properties`."""
    terms: Mapping[str, float]
    """λ terms by name, of the molecule and of its latent point, weighted, dimensionless, none negative."""
    features: Mapping[str, float] = field(default_factory=dict)
    """Feature asked for to its score on the molecule, in [0, 1]; it holds from 0.5 on."""
    verdict: str | None = None
    """Name of the first filter that the molecule fails between these ends, or "clean"; None if not asked."""
    verdict_alone: str | None = None
    """Name of the first filter that the molecule fails on its own, or "clean"; None if not asked."""
    is_known: bool | None = None
    """Whether it stands in the reference, stereo aside; None where there is no reference."""
    name: str = ""
    """What the user or the library calls it; may be empty. The request names the ends."""
    change: StepChange | None = None
    """What the step to it changes; None for the first, and if no atoms were mapped."""

    def verdicts(self) -> dict[str, str]:
        """The verdicts that were given, by the names of their columns."""
        given = {"verdict": self.verdict, "verdict_alone": self.verdict_alone}
        return {name: word for name, word in given.items() if word is not None}

    def to_document(self) -> dict[str, Any]:
        """Values that JSON can hold, those that are None or empty left out."""
        return {
            **({"name": self.name} if self.name else {}),
            "smiles": self.smiles,
            "t": self.t,
            "origin": self.origin,
            "similarity": self.similarity,
            "similarity_to_start": self.similarity_to_start,
            "similarity_to_end": self.similarity_to_end,
            **self.verdicts(),
            "properties": dict(self.properties),
            "features": dict(self.features),
            **({} if self.is_known is None else {"is_known": self.is_known}),
            "terms": dict(self.terms),
            **({} if self.change is None else {"change": asdict(self.change)}),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PathMolecule:
        """The molecule that `to_document` described."""
        change = document.get("change")
        return cls(**{**document, "change": None if change is None else StepChange.from_document(change)})


@final
@dataclass(frozen=True)
class RoundTrip:
    """What the model makes of one end when it encodes and decodes it.

    The curve of a path begins and ends at inverted points: latent points that decode to the ends.
    """

    smiles: str
    """Canonical SMILES of the reconstruction; empty where it is no molecule."""
    is_exact: bool
    """Whether that is the end itself, stereo included."""
    similarity: float
    """ECFP4 Tanimoto similarity of the two, in [0, 1]; 0 where there is no molecule."""
    is_exact_refined: bool
    """Whether the decode is the end itself once its latent point was inverted."""


@final
@dataclass(frozen=True)
class MoleculePath:
    """Molecules from a start to an end; both stand in it as the user's own compounds."""

    request: PathRequest
    """What was asked; `solve` of it gives this path again."""
    molecules: tuple[PathMolecule, ...]
    """Molecules in order, the two ends included."""
    curve: LatentCurve | None
    """The curve in latent space that was decoded; None if none was needed."""
    model: str
    """Name of the model."""
    is_bridged: bool
    """Whether every step is readable at one glance, or as similar as was asked where the model leads."""
    energy: float
    """½ n Σ λ̄² d² over its n steps, dimensionless."""
    length: float
    """Σ λ̄ d over its steps, dimensionless."""
    raw_validity: float | None
    """Share of the curve's decodes that are molecules, before any filter, in [0, 1]; None without decodes."""
    n_decoded: int
    """Decodes made along the curve."""
    n_candidates: int
    """Different molecules that the path could choose from."""
    rejected: Mapping[str, int]
    """Reason to number of different molecules that were left out."""
    round_trips: tuple[RoundTrip, RoundTrip] | None
    """What the model makes of the start and of the end; None if no curve was needed."""
    notes: tuple[str, ...] = ()
    """What standardisation changed on the ends, and what else a reader should know."""

    def __len__(self) -> int:
        """Number of molecules, ends included."""
        return len(self.molecules)

    def __iter__(self) -> Iterator[PathMolecule]:
        """Over the molecules in order."""
        return iter(self.molecules)

    def __getitem__(self, index: int) -> PathMolecule:
        """The molecule of a place, 0 for the start and -1 for the end."""
        return self.molecules[index]

    @property
    def start_name(self) -> str:
        """What the user called the start; may be empty."""
        return self.request.start_name

    @property
    def end_name(self) -> str:
        """What the user called the end; may be empty."""
        return self.request.end_name

    @property
    def smiles(self) -> list[str]:
        """Canonical SMILES in order, ends included."""
        return [m.smiles for m in self.molecules]

    @property
    def mols(self) -> list[Chem.Mol]:
        """RDKit molecules in order, ends included."""
        from rdkit import Chem

        return [Chem.MolFromSmiles(s) for s in self.smiles]

    @property
    def worst_step(self) -> float:
        """Smallest similarity between neighbours, in [0, 1]."""
        return min(m.similarity for m in self.molecules if m.similarity is not None)

    @property
    def mean_step(self) -> float:
        """Mean similarity between neighbours, in [0, 1]."""
        values = [m.similarity for m in self.molecules if m.similarity is not None]
        return sum(values) / len(values)

    @property
    def monotonicity(self) -> float:
        """Rank correlation of position and (similarity to end - similarity to start), in [-1, 1].

        1 means that every step leads away from the start and towards the end.
        """
        import pandas as pd

        pull = pd.Series([m.similarity_to_end - m.similarity_to_start for m in self.molecules])
        if pull.nunique() < 2:
            return 0.0
        return float(np.corrcoef(pull.rank(), np.arange(len(pull)))[0, 1])

    @property
    def quality(self) -> float:
        """Quality of the path, exp(-length), in (0, 1]: Struski et al., arXiv 1904.03445."""
        return math.exp(-self.length)

    def property_ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each property along the path."""
        names = self.molecules[0].properties
        return {n: (min(v), max(v)) for n in names if (v := [m.properties[n] for m in self.molecules])}

    def metrics(self) -> dict[str, Any]:
        """Numbers of the path, name to value."""
        return {
            "molecules": len(self),
            "worst_step": self.worst_step,
            "mean_step": self.mean_step,
            "monotonicity": self.monotonicity,
            "bridged": self.is_bridged,
            "energy": self.energy,
            "length": self.length,
            "quality": self.quality,
            "candidates": self.n_candidates,
            "rejected": dict(self.rejected),
            **self._of_curve(),
        }

    def _of_curve(self) -> dict[str, Any]:
        """Numbers of the curve's decodes and of the ends' round trips; empty if there was no curve."""
        if self.round_trips is None:
            return {}
        start, end = self.round_trips
        return {
            "raw_validity": self.raw_validity,
            "decoded": self.n_decoded,
            "start_reconstructed": start.is_exact,
            "end_reconstructed": end.is_exact,
            "start_refined": start.is_exact_refined,
            "end_refined": end.is_exact_refined,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a molecule: step, name, smiles, t, origin, similarities, verdicts, properties, λ terms."""
        import pandas as pd

        terms = {name: None for m in self.molecules for name in m.terms}
        has_changes = any(m.change is not None for m in self.molecules)
        names = [self.start_name, *(m.name for m in self.molecules[1:-1]), self.end_name]
        rows = [
            {
                "step": i,
                "name": name,
                "smiles": m.smiles,
                "t": m.t,
                "origin": m.origin,
                "similarity": m.similarity,
                "similarity_to_start": m.similarity_to_start,
                "similarity_to_end": m.similarity_to_end,
                **m.verdicts(),
                **({} if not has_changes else _change_columns(m.change)),
                **m.properties,
                **{f"feature_{name}": score for name, score in m.features.items()},
                **({} if m.is_known is None else {"is_known": m.is_known}),
                **{f"lambda_{name}": m.terms.get(name, 0.0) for name in terms},
            }
            for i, (m, name) in enumerate(zip(self.molecules, names, strict=True))
        ]
        frame = pd.DataFrame(rows)
        # The first molecule has neither.
        kinds = {"similarity": float, **({"n_changed": float} if has_changes else {})}
        return frame.astype(kinds)

    def to_json(self) -> str:
        """Text of a JSON object with all that the path holds, what was asked included."""
        trips = [None, None] if self.round_trips is None else [asdict(trip) for trip in self.round_trips]
        document = {
            "start": {"name": self.start_name, "smiles": self.smiles[0], "round_trip": trips[0]},
            "end": {"name": self.end_name, "smiles": self.smiles[-1], "round_trip": trips[1]},
            "request": self.request.given(),
            "model": self.model,
            "notes": list(self.notes),
            "metrics": self.metrics(),
            "molecules": [m.to_document() for m in self.molecules],
            "curve": None if self.curve is None else self.curve.to_document(),
        }
        return json.dumps(document, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> MoleculePath:
        """The path that `to_json` wrote.

        Raises:
            InputError: the text is not such a JSON object.
        """
        try:
            document = json.loads(text)
            metrics = document["metrics"]
            curve, trips = document["curve"], [document[end]["round_trip"] for end in ("start", "end")]
            has_curve = curve is not None
            return cls(
                request=PathRequest.of(**document["request"]),
                molecules=tuple(PathMolecule.from_document(m) for m in document["molecules"]),
                curve=LatentCurve.from_document(curve) if has_curve else None,
                model=document["model"],
                is_bridged=metrics["bridged"],
                energy=metrics["energy"],
                length=metrics["length"],
                raw_validity=metrics.get("raw_validity"),
                n_decoded=metrics.get("decoded", 0),
                n_candidates=metrics["candidates"],
                rejected=metrics["rejected"],
                round_trips=(RoundTrip(**trips[0]), RoundTrip(**trips[1])) if has_curve else None,
                notes=tuple(document["notes"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"a path must be JSON as `to_json` writes it; {type(error).__name__}: {error}."
            ) from error

    def to_sdf(self) -> str:
        """SDF text, a record a molecule, with 2-D coordinates and the columns of `to_frame`."""
        from molinterp.io.sdf import sdf_text

        return sdf_text(self.to_frame())

    def save(self, file: str | Path) -> None:
        """Write the path to a file in the format of its suffix, such as .html, .sdf, .csv, .json or .xlsx.

        Raises:
            InputError: the suffix is unknown, or the file cannot be written.
            MissingDependencyError: the format needs a package that is not installed.
        """
        display.current().save(self, Path(file))

    def __str__(self) -> str:
        """The molecules, a line each."""
        return "\n".join(self.smiles)

    def __repr__(self) -> str:
        """A table of the molecules: number, similarity to the one before, origin, change, name and SMILES."""
        names = [self.start_name, *(m.name for m in self.molecules[1:-1]), self.end_name]
        rows = [("", "similarity", "origin", "change", "name", "smiles")]
        for i, (m, name) in enumerate(zip(self.molecules, names, strict=True)):
            near = "" if m.similarity is None else f"{m.similarity:.2f}"
            short = m.smiles if len(m.smiles) <= WIDEST_SMILES else f"{m.smiles[: WIDEST_SMILES - 1]}…"
            words = "" if m.change is None else m.change.words
            rows.append((str(i), near, m.origin, words, name, short))
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]) - 1)]
        lines = (
            "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]) for row in rows
        )
        return f"MoleculePath of {len(self)} molecules\n" + "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        """The path as a notebook shows it: structures, numbers and trajectories."""
        return display.current().html(self)

    def plot(self, columns: Sequence[str] | str | None = None) -> Figure:
        """Columns of `to_frame`, or one, against the step, with matplotlib; None means every numeric one.

        Raises:
            InputError: a column that the path does not have, or that is no number.
            MissingDependencyError: matplotlib is not installed.
        """
        return display.current().plot(self, columns)

    def plot_latent(
        self,
        others: Sequence[MoleculePath] = (),
        *,
        model: Any = None,
        background: Sequence[str] | None = None,
    ) -> Figure:
        """The path, and others beside it, over two principal axes of the latent space and the density there.

        Dots are molecules; the curve that was decoded is drawn through, the straight line dashed. See
        `molinterp.report.latent_map.plot_latent` for the arguments and what is raised.
        """
        return display.current().plot_latent([self, *others], model=model, background=background)

    def grid(self, columns: int = 5) -> Any:
        """The structures in rows of `columns`, what changed since the last step marked.

        Raises:
            InputError: `columns` is below 1.
        """
        return display.current().grid(self, columns)


def _change_columns(change: StepChange | None) -> dict[str, Any]:
    return {
        "change": "" if change is None else change.words,
        "n_changed": None if change is None else change.n_atoms,
    }
