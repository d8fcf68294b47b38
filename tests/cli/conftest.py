from collections.abc import Callable
from pathlib import Path

import pytest

from molinterp.batch.in_process import InProcess
from molinterp.batch.job import open_compute
from molinterp.model.bundle import Bundle
from molinterp.paths.request import PathRequest
from tests.cli.commands import END, QUICK, START, Answer, run
from tests.conftest import SMALL


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Answer]:
    """The command line in this process and in the folder `tmp_path`: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    return run


@pytest.fixture
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """`molinterp batch` computes in this process, where its worker processes are not what is tested."""

    def engine(request: PathRequest, *_: object) -> InProcess:
        return InProcess(open_compute(request))

    monkeypatch.setattr("molinterp.batch.pool.Pool", engine)


@pytest.fixture(scope="session")
def small(small_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The small bundle as a command is told of it; it is not to be changed."""
    folder = tmp_path_factory.mktemp("bundles") / "small"
    small_bundle.save(folder)
    return "--model", str(folder)


@pytest.fixture(scope="session")
def quick(small: tuple[str, str]) -> tuple[str, ...]:
    """Options of the quick sort of path by the small bundle."""
    return *QUICK, *small


@pytest.fixture(scope="session")
def table(quick: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """What `molinterp path` answers for the two compounds."""
    answer = run("path", START, END, *quick, cwd=tmp_path_factory.mktemp("empty"))
    assert answer.code == 0, answer.err
    return answer


@pytest.fixture
def molecules(tmp_path: Path) -> str:
    """Name of a table of molecules in the folder of the command."""
    (tmp_path / "m.csv").write_text("\n".join(["smiles,split", *(f"{s},train" for s in SMALL * 5)]))
    return "m.csv"
