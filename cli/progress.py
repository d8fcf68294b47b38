"""Show the progress of long tasks on stderr."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, final

import click

Item = TypeVar("Item")


@final
class Bars:
    """One progress bar per task; see `molinterp.realism.fitting.Progress`."""

    def __init__(self, quiet: bool = False) -> None:
        """Show bars and notes, unless `quiet`."""
        self._quiet = quiet
        self._bar: Any = None

    def __call__(self, items: Iterable[Item], total: int, label: str) -> Iterable[Item]:
        """Iterate over items under a bar."""
        from tqdm import tqdm

        self._bar = tqdm(items, total=total, desc=label, leave=False, disable=self._quiet)
        return self._bar  # type: ignore[no-any-return]

    def show(self, figures: str) -> None:
        """Show metrics beside the running bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(figures, refresh=False)

    def note(self, text: str) -> None:
        """Print a line above the bar."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.clear()
        click.echo(text, err=True)
