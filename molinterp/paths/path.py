"""A path of molecules between two compounds, and what is known of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from molinterp.report.plots import Picture


@final
@dataclass(frozen=True)
class Step:
    """One molecule of a path."""

    smiles: str
    """Canonical SMILES, stereo included."""
    t: float
    """Share of the path's Tanimoto length walked so far, 0 at the start and 1 at the end."""
    origin: str
    """Where the molecule came from: end, curve, neighbourhood, edit or library."""
    similarity: float | None
    """ECFP4 Tanimoto similarity to the step before, in [0, 1]; None for the first."""
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
    """What the judge of the path says, ends and constraints considered: clean, or the fault; see `Judge`.
    None where it was not asked."""
    verdict_alone: str | None = None
    """What is said of the molecule by itself: clean, or the fault; see `chem.judge.own_fault`."""
    is_known: bool | None = None
    """Whether it stands in the reference, stereo aside; None where there is no reference."""
    name: str = ""
    """What the user called it, where the path leads by way of it, or what the library calls it; may be empty.
    The path names its ends."""

    def verdicts(self) -> dict[str, str]:
        """The verdicts that were given, by the names of their columns."""
        given = {"verdict": self.verdict, "verdict_alone": self.verdict_alone}
        return {name: word for name, word in given.items() if word is not None}


@final
@dataclass(frozen=True)
class RoundTrip:
    """What the model makes of one end when it encodes and decodes it.

    The curve of a path begins and ends at refined latent points: moved until they decode to the ends.
    """

    smiles: str
    """Canonical SMILES of the reconstruction; empty where it is no molecule."""
    is_exact: bool
    """Whether that is the end itself, stereo included."""
    similarity: float
    """ECFP4 Tanimoto similarity of the two, in [0, 1]; 0 where there is no molecule."""
    is_exact_refined: bool
    """Whether the decode is the end itself once its latent point was refined."""


@final
@dataclass(frozen=True)
class MoleculePath:
    """Molecules from a start to an end; both stand in it as the user's own compounds."""

    steps: tuple[Step, ...]
    """Molecules in order, the two ends included."""
    start_name: str
    """What the user called the start; may be empty."""
    end_name: str
    """What the user called the end; may be empty."""
    method: str
    """Curve in latent space: geodesic, linear or slerp."""
    bundle: str
    """Name of the model."""
    seed: int
    """Seed of the sampled decodes."""
    is_bridged: bool
    """Whether every step is as similar as was asked."""
    energy: float
    """½ n Σ λ̄² d² over its n steps, dimensionless."""
    length: float
    """Σ λ̄ d over its steps, dimensionless."""
    raw_validity: float
    """Share of the curve's decodes that are molecules, before any filter, in [0, 1]."""
    n_decoded: int
    """Decodes made along the curve."""
    n_candidates: int
    """Different molecules that the path could choose from."""
    rejected: Mapping[str, int]
    """Reason to number of different molecules that were left out."""
    round_trips: tuple[RoundTrip, RoundTrip]
    """What the model makes of the start and of the end."""
    notes: tuple[str, ...] = ()
    """What standardisation changed on the ends, and what else a reader should know."""

    def __len__(self) -> int:
        """Number of molecules, ends included."""
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        """Over the steps in order."""
        return iter(self.steps)

    @property
    def smiles(self) -> list[str]:
        """Canonical SMILES in order, ends included."""
        return [s.smiles for s in self.steps]

    @property
    def worst_step(self) -> float:
        """Smallest similarity between neighbours, in [0, 1]."""
        return min(s.similarity for s in self.steps if s.similarity is not None)

    @property
    def mean_step(self) -> float:
        """Mean similarity between neighbours, in [0, 1]."""
        values = [s.similarity for s in self.steps if s.similarity is not None]
        return sum(values) / len(values)

    @property
    def monotonicity(self) -> float:
        """Rank correlation of position and (similarity to end - similarity to start), in [-1, 1].

        1 means that every step leads away from the start and towards the end.
        """
        import numpy as np
        import pandas as pd

        pull = pd.Series([s.similarity_to_end - s.similarity_to_start for s in self.steps])
        if pull.nunique() < 2:
            return 0.0
        return float(np.corrcoef(pull.rank(), np.arange(len(pull)))[0, 1])

    @property
    def quality(self) -> float:
        """Quality of the path, exp(-length), in (0, 1]: Struski et al., arXiv 1904.03445."""
        return math.exp(-self.length)

    def property_ranges(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each property along the path."""
        names = self.steps[0].properties
        return {n: (min(v), max(v)) for n in names if (v := [s.properties[n] for s in self.steps])}

    def figures(self) -> dict[str, Any]:
        """The figures of the path, name to value."""
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
            "raw_validity": self.raw_validity,
            "decoded": self.n_decoded,
            "rejected": dict(self.rejected),
            "start_reconstructed": self.round_trips[0].is_exact,
            "end_reconstructed": self.round_trips[1].is_exact,
            "start_refined": self.round_trips[0].is_exact_refined,
            "end_refined": self.round_trips[1].is_exact_refined,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a molecule: step, name, smiles, t, origin, similarities, verdicts, properties, λ terms."""
        import pandas as pd

        terms = {name: None for s in self.steps for name in s.terms}
        names = [self.start_name, *(s.name for s in self.steps[1:-1]), self.end_name]
        rows = [
            {
                "step": i,
                "name": name,
                "smiles": s.smiles,
                "t": s.t,
                "origin": s.origin,
                "similarity": s.similarity,
                "similarity_to_start": s.similarity_to_start,
                "similarity_to_end": s.similarity_to_end,
                **s.verdicts(),
                **s.properties,
                **{f"feature_{name}": score for name, score in s.features.items()},
                **({} if s.is_known is None else {"is_known": s.is_known}),
                **{f"lambda_{name}": s.terms.get(name, 0.0) for name in terms},
            }
            for i, (s, name) in enumerate(zip(self.steps, names, strict=True))
        ]
        frame = pd.DataFrame(rows)
        return frame.astype({"similarity": float})

    def to_sdf(self) -> str:
        """SDF text, a record a molecule, with 2-D coordinates and the columns of `to_frame`."""
        from molinterp.io.sdf import sdf_text

        return sdf_text(self.to_frame())

    def __str__(self) -> str:
        """The molecules, a line each."""
        return "\n".join(self.smiles)

    def _repr_html_(self) -> str:
        """The path as a notebook shows it: structures, figures and trajectories."""
        from molinterp.report.notebook import fragment
        from molinterp.report.view import view_of

        return fragment(view_of(self))

    def plot(self, columns: Sequence[str] | str | None = None) -> Figure:
        """Columns of `to_frame`, or one, against the step, with matplotlib; None means every numeric one.

        Raises:
            InputError: a column that the path does not have, or that is no number.
            MissingDependencyError: matplotlib is not installed.
        """
        from molinterp.report.plots import plot
        from molinterp.report.view import view_of

        return plot(view_of(self), columns)

    def plot_latent(
        self,
        others: Sequence[MoleculePath] = (),
        *,
        bundle: Any = None,
        background: Sequence[str] | None = None,
        output_space: str = "fingerprint",
    ) -> Figure:
        """The path, and others beside it, over two principal axes of the latent space and the density there.

        Dots are molecules; the geodesic between the ends is drawn through, the straight line dashed. See
        `molinterp.report.latent_map.plot_latent` for the arguments and what is raised.
        """
        from molinterp.report.latent_map import plot_latent

        return plot_latent([self, *others], bundle=bundle, background=background, output_space=output_space)

    def grid(self, columns: int = 5) -> Picture:
        """The structures in rows of `columns`, what changed since the last step marked.

        Raises:
            InputError: `columns` is below 1.
        """
        from molinterp.report.plots import grid
        from molinterp.report.view import view_of

        return grid(view_of(self), columns)
