"""What is asked of a path: one frozen value that declares every option once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

from molinterp.errors import InputError
from molinterp.model.protocol import OutputSpace
from molinterp.options import (
    Check,
    Choice,
    Flag,
    Number,
    Text,
    Texts,
    Weights,
    check_fields,
    check_names,
    default_of,
    option,
    options_of,
    refuse,
)

CATALOGUES = ("PAINS", "BRENK")
"""Catalogues of structural alerts."""
TERM_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "density": 0.05,
        "validity": 0.3,
        "feature": 20.0,
        "range": 2.0,
        "qed": 16.0,
        "soft_alerts": 4.0,
        "rare_rings": 0.5,
        "foreign": 2.0,
    }
)
"""Default weights of the terms of λ; `feature` stands for every feature that is asked for."""


class Method(StrEnum):
    """Curve between the latent points of the two ends."""

    GEODESIC = "geodesic"
    """Shortest under the metric of the output space and λ."""
    LINEAR = "linear"
    """Straight line."""
    SLERP = "slerp"
    """Spherical line."""


class Objective(StrEnum):
    """How finely a path is cut."""

    SMOOTH = "smooth"
    """Many small steps."""
    SHORT = "short"
    """Few steps that are just small enough."""


@final
@dataclass(frozen=True)
class Compounds(Check):
    """Compounds by the name of their file, or themselves; None for none."""

    metavar: str = "FILE"
    """What a help page shows for the value."""
    has_names: bool = True
    """Whether each compound is a SMILES and a name, as of a library, or a SMILES alone."""

    def __call__(self, name: str, value: Any) -> str | tuple[Any, ...] | None:
        """See `Check`."""
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, Path):
            return str(value)
        if self.has_names:
            from molinterp.paths.library import Library

            if isinstance(value, Library):
                return tuple(zip(value.smiles, value.names or [""] * len(value), strict=True))
            if isinstance(value, Sequence) and all(len(v) == 2 for v in value):
                return tuple((str(smiles), str(called)) for smiles, called in value)
            raise refuse(name, "a Library or the name of a file", value)
        if isinstance(value, Sequence | frozenset | set):
            return tuple(sorted(str(v) for v in value))
        raise refuse(name, "a set of SMILES, from known_smiles, or the name of a file", value)

    def parse(self, text: str) -> str:
        """See `Check`."""
        return text


COMPOUNDS, CONSTRAINTS, COST, FILTERS, SEARCH, OUTPUT, ADVANCED = (
    "Compounds",
    "Features and properties",
    "Cost",
    "Filters",
    "Search",
    "Output",
    "Advanced",
)
"""Headings under which a help page groups the options."""
_FEATURE = Texts("FEATURE")


@final
@dataclass(frozen=True)
class PathRequest:
    """What is asked of a path between two compounds.

    Without `start` and `end` it is a template for many pairs; see `between`. Values are checked when it is
    made; whether the model knows a feature or can spell the ends is found out by `solve`.
    """

    start: str = option("", Text("SMILES"), "SMILES of the start.", COMPOUNDS)
    """SMILES of the start; empty for a template."""
    end: str = option("", Text("SMILES"), "SMILES of the end.", COMPOUNDS)
    """SMILES of the end; empty for a template."""
    via: tuple[str, ...] = option((), Texts("SMILES"), "SMILES of way-points, in order.", COMPOUNDS)
    """SMILES of way-points, in order."""
    names: tuple[str, ...] = option((), Texts("NAME"), "Names of start, way-points and end.", COMPOUNDS)
    """What to call start, way-points and end; empty for nothing."""
    library: Any = option(
        None, Compounds(), "File of existing compounds that may be used as intermediates.", COMPOUNDS
    )
    """File of compounds that may stand between, or (SMILES, name) of each; None for none."""
    only_library: bool = option(False, Flag(), "Use compounds of the library only.", COMPOUNDS)
    """Whether only compounds of the library may stand between."""
    reference: Any = option(
        None,
        Compounds(has_names=False),
        "File of known compounds; a column says which molecules are among them.",
        COMPOUNDS,
    )
    """File of known compounds, or their SMILES without stereo; None for none."""
    keep: tuple[str, ...] = option(
        (), _FEATURE, "Feature that all molecules must have, such as bbb or logp=1..4.", CONSTRAINTS
    )
    """Features that all molecules must have, in the language of `molinterp.chem.features`."""
    gain: tuple[str, ...] = option(
        (), _FEATURE, "Feature to gain: the start may lack it; once gained it stays.", CONSTRAINTS
    )
    """Features that the start may lack; once gained they stay."""
    lose: tuple[str, ...] = option(
        (), _FEATURE, "Feature to lose: the start may have it; once lost it stays away.", CONSTRAINTS
    )
    """Features that the start may have; once lost they stay away."""
    avoid: tuple[str, ...] = option((), _FEATURE, "Feature that no molecule may have.", CONSTRAINTS)
    """Features that no molecule may have."""
    substructure: str | None = option(
        None, Text("SMARTS", is_optional=True), "Pattern that all molecules must match.", CONSTRAINTS
    )
    """SMARTS that all molecules must match; None for none."""
    scaffold: bool = option(False, Flag(), "Keep the scaffold that the ends share.", CONSTRAINTS)
    """Whether all molecules must have the scaffold that the ends share."""
    max_sa: float | None = option(
        None,
        Number(1, 10, is_optional=True),
        "Largest synthetic accessibility score, 1 (easy) to 10 (hard).",
        FILTERS,
    )
    """Largest SA score; None means that of the harder end plus 0.5."""
    alerts: tuple[str, ...] = option(
        ("PAINS", "BRENK"),
        Texts("NAMES", has_commas=True, choices=CATALOGUES),
        "Alert catalogues to apply, or none.",
        FILTERS,
    )
    """Alert catalogues to apply; empty for none."""
    elements: tuple[str, ...] | None = option(
        None,
        Texts("SYMBOLS", has_commas=True, is_optional=True),
        "Allowed elements, such as C,N,O,F.",
        FILTERS,
    )
    """Symbols of the allowed elements; None means any that the model has seen."""
    n_molecules: int | None = option(
        None,
        Number(2, is_whole=True, is_optional=True),
        "Number of molecules wanted, ends included; with way-points, of each leg.",
        SEARCH,
    )
    """Molecules wanted, ends included; None leaves it open."""
    n_paths: int = option(1, Number(1, is_whole=True), "Number of different paths.", SEARCH)
    """Paths without a molecule between in common."""
    objective: Objective = option(
        Objective.SMOOTH, Choice(Objective), "Many small steps, or few that are just small enough.", SEARCH
    )
    """How finely the path is cut."""
    hybrids: bool = option(
        True, Flag(), "Use hybrids of the two aligned ends; without them the model leads.", SEARCH
    )
    """Whether hybrids of the two aligned ends are used; without them the model leads."""
    min_step_similarity: float | None = option(
        None,
        Number(0, 1, is_open=True, is_optional=True),
        "Smallest ECFP4 Tanimoto similarity of neighbours; 0.5 for paths without hybrids.",
        SEARCH,
    )
    """Smallest ECFP4 Tanimoto similarity of neighbours, in (0, 1); None means 0.5 for paths without hybrids
    and no bound on others."""
    edits: bool = option(True, Flag(), "Also use edits of molecules, not decodes alone.", SEARCH)
    """Whether edits of molecules are candidates too."""
    timeout: float | None = option(
        60.0,
        Number(0, is_open=True, is_optional=True),
        "Seconds after which the best path so far is taken.",
        SEARCH,
    )
    """Seconds after which the best path so far is taken; None for no limit."""
    method: Method = option(Method.GEODESIC, Choice(Method), "Curve in the latent space.", ADVANCED)
    """Curve in the latent space."""
    output_space: OutputSpace = option(
        OutputSpace.FINGERPRINT, Choice(OutputSpace), "What counts as a change along the geodesic.", ADVANCED
    )
    """What counts as a change along a geodesic."""
    pointwise: bool = option(
        False, Flag(), "Take the decodes of the curve as they come, jumps included.", ADVANCED
    )
    """Whether the first good decode at each point of the curve is taken, instead of a path of small steps."""
    term_weights: Mapping[str, float] = option(
        {},
        Weights(),
        f"Weight of a term of λ: {', '.join(TERM_WEIGHTS)}, or a feature by its name.",
        ADVANCED,
    )
    """Weights of the terms of λ by name; those not named keep their defaults, `TERM_WEIGHTS`."""
    epsilon: float = option(
        0.02,
        Number(0, 1, is_open=True),
        "ε of Q = ε/2 + (1 - ε) p: no term exceeds -log(ε/2) before it is weighted.",
        ADVANCED,
    )
    """ε of Q = ε/2 + (1 - ε) p, in (0, 1)."""
    seed: int = option(0, Number(0, 2**32 - 1, is_whole=True), "Seed of the sampled decodes.", ADVANCED)
    """Seed of the sampled decodes."""
    model: str = option("default", Text("MODEL"), "Name of a shipped model, or a folder.", ADVANCED)
    """Name of a shipped model, or its folder."""
    device: str = option("cpu", Text("DEVICE"), "Where to load the model: cpu, cuda or mps.", ADVANCED, "-d")
    """Where to load the model, as torch names it."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range, or two contradict each other.
        """
        check_fields(self)
        if self.only_library and (self.library is None or self.pointwise):
            raise InputError(
                "`only_library` must come with a `library` and without `pointwise`.", argument="only_library"
            )
        if self.n_paths > 1 and self.via:
            raise InputError("`n_paths` goes with two compounds; got way-points.", argument="n_paths")
        if self.names and len(self.names) != 2 + len(self.via):
            raise InputError(
                f"`names` must be one for each of {2 + len(self.via)} compounds; got {len(self.names)}.",
                argument="names",
            )

    @classmethod
    def of(cls, **options: Any) -> PathRequest:
        """Request with these options; a name that does not exist is an error that suggests the nearest.

        Raises:
            InputError: an option does not exist, is out of range, or contradicts another.
        """
        check_names(cls, options)
        return cls(**options)

    def between(self, start: str, end: str, names: Sequence[str] = ()) -> PathRequest:
        """The same request for another pair of compounds."""
        return replace(self, start=start, end=end, via=(), names=tuple(names))

    @property
    def start_name(self) -> str:
        """What to call the start; may be empty."""
        return self.names[0] if self.names else ""

    @property
    def end_name(self) -> str:
        """What to call the end; may be empty."""
        return self.names[-1] if self.names else ""

    @property
    def kept(self) -> tuple[str, ...]:
        """Features that all molecules must have, those of `substructure` and `scaffold` among them."""
        pattern = (f"smarts:{self.substructure}",) if self.substructure else ()
        return (*self.keep, *pattern, *(("scaffold",) if self.scaffold else ()))

    def given(self) -> dict[str, Any]:
        """Options that differ from their defaults, in types that JSON and TOML know."""
        defaults = {name: default_of(of) for name, (of, _) in options_of(PathRequest).items()}
        return {f.name: _plain(v) for f in fields(self) if (v := getattr(self, f.name)) != defaults[f.name]}

    def to_json(self) -> str:
        """Text of a JSON object with the options that differ from their defaults."""
        return json.dumps(self.given(), indent=1)

    @classmethod
    def from_json(cls, text: str) -> PathRequest:
        """The request that `to_json` wrote.

        Raises:
            InputError: an option does not exist or is out of range, or the text is no JSON object.
        """
        try:
            options = dict(json.loads(text))
        except (ValueError, TypeError) as error:
            raise InputError(f"a request must be a JSON object: {error}.") from error
        return cls.of(**options)

    def to_toml(self) -> str:
        """Text of a TOML file with the options that differ from their defaults."""
        import tomli_w

        # Where None is no default it stands for no limit, and TOML has no null.
        return tomli_w.dumps({n: math.inf if v is None else v for n, v in self.given().items()})


def read_config(file: Path) -> dict[str, Any]:
    """Options of a TOML file, as `PathRequest.to_toml` writes them.

    Raises:
        InputError: the file cannot be read, is not TOML, or names an option that does not exist.
    """
    import tomllib

    try:
        options = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"configuration '{file}' cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"configuration '{file}' is not TOML: {error}.") from error
    check_names(PathRequest, options)
    return options


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Mapping):
        return dict(value)
    return str(value) if isinstance(value, StrEnum) else value
