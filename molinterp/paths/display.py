"""How a path shows itself: the pictures are drawn by a layer above, which the package names here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from molinterp.paths.path import MoleculePath


class Display(Protocol):
    """What draws and writes paths."""

    def html(self, path: MoleculePath) -> str:
        """HTML for the output of a notebook cell."""

    def save(self, path: MoleculePath, file: Path) -> None:
        """Write a path in the format of the file's suffix."""

    def plot(self, path: MoleculePath, columns: Sequence[str] | str | None) -> Any:
        """Columns against the step, as a matplotlib figure."""

    def plot_latent(
        self, paths: Sequence[MoleculePath], *, model: Any, background: Sequence[str] | None
    ) -> Any:
        """Paths over the density of the latent space, as a matplotlib figure."""

    def grid(self, path: MoleculePath, columns: int) -> Any:
        """Structures in rows, as a picture."""


_provider: list[Callable[[], Display]] = []


def provide(provider: Callable[[], Display]) -> None:
    """Name the function that gives the display; it is called when a path is first shown."""
    _provider[:] = [provider]


def current() -> Display:
    """The display that was provided."""
    return _provider[0]()
