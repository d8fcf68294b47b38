"""Recipe of a bundle: the corpus and the stages of its training, in Python or in TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias, final

from molinterp.errors import InputError
from molinterp.settings import from_table, to_table
from molinterp.training.data.settings import CorpusSettings, Recombination
from molinterp.training.latent.settings import LatentFit
from molinterp.training.settings import Evaluation
from molinterp.training.vae.settings import Averaging, EncoderTuning, SelfTraining, VAETraining

StageSettings: TypeAlias = VAETraining | SelfTraining | EncoderTuning | Averaging | LatentFit | Evaluation
KINDS: Mapping[str, type[StageSettings]] = MappingProxyType(
    {
        "train": VAETraining,
        "self-train": SelfTraining,
        "tune-encoder": EncoderTuning,
        "average": Averaging,
        "fit": LatentFit,
        "evaluate": Evaluation,
    }
)
"""Kind of a stage in a recipe to its settings."""


@final
@dataclass(frozen=True)
class Stage:
    """One step from some bundles to the next one."""

    settings: StageSettings
    """What it does."""
    name: str = ""
    """What later stages call its bundle; empty means its kind."""
    start: tuple[str, ...] = ()
    """Earlier stages that it begins from, or bundles by name or folder; empty means the stage before it, and
    for a training that it begins from scratch."""

    def __post_init__(self) -> None:
        """Name the stage.

        Raises:
            InputError: the name cannot be that of a file, or the stage begins from too many or too few.
        """
        object.__setattr__(self, "name", self.name or self.kind)
        if not self.name.replace("-", "").replace("_", "").isalnum():
            raise InputError(f"`name` of a stage must be letters, digits, - and _; got {self.name!r}.")
        n = len(self.start)
        if isinstance(self.settings, Averaging) and n < 2:
            raise InputError(f"stage {self.name!r} must average two bundles or more; got {n}. Name them.")
        if not isinstance(self.settings, Averaging) and n > 1:
            raise InputError(f"stage {self.name!r} must begin from one bundle; got {', '.join(self.start)}.")

    @property
    def kind(self) -> str:
        """Kind of the stage, as a recipe names it."""
        return next(kind for kind, cls in KINDS.items() if isinstance(self.settings, cls))


@final
@dataclass(frozen=True)
class Recipe:
    """How a bundle is made: a corpus and the stages that lead to the bundle, the last one's."""

    corpus: CorpusSettings
    """Molecules."""
    stages: tuple[Stage, ...]
    """In the order in which they run."""
    recombination: Recombination = field(default_factory=Recombination)
    """How compounds are recombined, for the stages that ask for some."""

    def __post_init__(self) -> None:
        """Let each stage without a start begin from the one before it.

        Raises:
            InputError: there is no stage, two bear one name, or the first one has nothing to begin from.
        """
        if not self.stages:
            raise InputError("a recipe must have at least one stage; it has none. Add [[stages]].")
        linked: list[Stage] = []
        for stage in self.stages:
            if stage.name in [earlier.name for earlier in linked]:
                raise InputError(f"two stages are called {stage.name!r}. Give one of them another `name`.")
            start = stage.start
            if not start and not isinstance(stage.settings, VAETraining):
                if not linked:
                    raise InputError(
                        f"the first stage, {stage.name!r}, has no bundle to begin from. Begin with a stage "
                        "of the kind 'train', or give its `start`."
                    )
                start = (linked[-1].name,)
            linked.append(Stage(stage.settings, stage.name, start))
        object.__setattr__(self, "stages", tuple(linked))

    def to_table(self) -> dict[str, Any]:
        """Tables of TOML types from which `from_table` makes the same recipe."""
        stages = [
            {"stage": s.kind, "name": s.name, "start": list(s.start), **to_table(s.settings)}
            for s in self.stages
        ]
        return {
            "corpus": to_table(self.corpus),
            "recombination": to_table(self.recombination),
            "stages": stages,
        }

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Recipe:
        """Make a recipe from tables, such as those of a TOML file.

        Raises:
            InputError: a name is unknown or missing, or a value is wrong.
        """
        known = ("corpus", "recombination", "stages")
        for name in table:
            if name not in known:
                raise InputError(f"a recipe has no table {name!r}; it has {', '.join(known)}.")
        corpus, recombination = table.get("corpus", {}), table.get("recombination", {})
        stages = table.get("stages", [])
        if not isinstance(stages, list):
            raise InputError("`stages` of a recipe must be tables; write [[stages]] above each.")
        return cls(
            from_table(CorpusSettings, corpus, "[corpus]"),
            tuple(_stage(stage, number) for number, stage in enumerate(stages, 1)),
            from_table(Recombination, recombination, "[recombination]"),
        )

    def to_toml(self) -> str:
        """Write the recipe as TOML, all settings named."""
        import tomli_w

        return tomli_w.dumps(self.to_table())

    @classmethod
    def from_toml(cls, path: Path) -> Recipe:
        """Read a recipe.

        Raises:
            InputError: the file cannot be read or is no recipe.
        """
        try:
            return cls.from_table(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"'{path}' cannot be read: {error.strerror}. Check the path.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"'{path}' is not TOML: {error}.") from error
        except InputError as error:
            raise InputError(f"'{path}': {error}") from error


def _stage(table: Mapping[str, Any], number: int) -> Stage:
    values = dict(table)
    kind, name, start = values.pop("stage", None), values.pop("name", ""), values.pop("start", [])
    where = f"stage {number}" + (f" ({name})" if name else "")
    if kind not in KINDS:
        raise InputError(f"`stage` of {where} must be one of {', '.join(KINDS)}; got {kind!r}.")
    starts = (start,) if isinstance(start, str) else tuple(start)
    try:
        return Stage(from_table(KINDS[kind], values, where), name, starts)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
