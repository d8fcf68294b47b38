"""Entry point of the command line: commands, exit codes and error messages."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings

import click
from molinterp.cli.batch import batch
from molinterp.cli.check import check
from molinterp.cli.data import data
from molinterp.cli.features import features
from molinterp.cli.filters import filters
from molinterp.cli.fit import fit
from molinterp.cli.geometry import geometry
from molinterp.cli.median import median
from molinterp.cli.models import models
from molinterp.cli.path import path
from molinterp.cli.report import report
from molinterp.cli.retrain import self_train, tune_encoder
from molinterp.cli.train import train

from molinterp import __version__
from molinterp.errors import BundleError, DownloadError, MolinterpError

INTERNAL, USAGE, MISSING, INTERRUPTED = 1, 2, 4, 130


HELP = """Find paths of molecules between compounds with a molecular VAE.

\b
molinterp path aspirin ibuprofen
molinterp path A.smi B.smi -o path.sdf

Exit codes: 0 done, 1 internal error, 2 usage or bad input, 3 finished with failed rows, 4 model or
data missing or damaged, 130 interrupted.
"""


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="molinterp")
def cli() -> None:
    """Group of all commands; its help text is `HELP`."""


cli.add_command(path)
cli.add_command(report)
cli.add_command(batch)
cli.add_command(median)
cli.add_command(geometry)
cli.add_command(train)
cli.add_command(self_train)
cli.add_command(tune_encoder)
cli.add_command(models)
cli.add_command(data)
cli.add_command(fit)
cli.add_command(features)
cli.add_command(filters)
cli.add_command(check)


def main() -> None:
    """Run the command line and exit with its exit code."""
    # torch itself triggers this warning when it first takes a forward-mode derivative.
    warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
    stdout = sys.stdout
    _take_any_text(stdout)
    try:
        code = cli.main(standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        code = _fail("interrupted", INTERRUPTED)
    except KeyboardInterrupt:
        code = _fail("interrupted", INTERRUPTED)
    except click.ClickException as error:
        error.show()
        code = USAGE
    except BrokenPipeError:
        code = _leave_early()
    except SystemExit:
        if sys.stdout is stdout:
            raise
        code = _leave_early()  # click has caught the error first and replaced stdout
    except (BundleError, DownloadError) as error:
        code = _fail(str(error), MISSING)
    except MolinterpError as error:
        code = _fail(str(error), USAGE)
    except Exception as error:
        if "MOLINTERP_TRACEBACK" in os.environ:
            raise
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _drop_stdout()
            code = _fail("the output cannot be written: no space is left on its device.", USAGE)
        else:
            text = f"internal error: {type(error).__name__}: {error}"
            code = _fail(f"{text} (set MOLINTERP_TRACEBACK=1 to see where)", INTERNAL)
    sys.exit(code if isinstance(code, int) else 0)


def _take_any_text(stream: object) -> None:
    """Make a stream accept every character, so that no name or help text fails in any locale.

    Files and pipes get UTF-8, the encoding of standard input; a terminal gets escapes for characters that it
    cannot show.
    """
    if isinstance(stream, io.TextIOWrapper):
        encoding = None if stream.isatty() else "utf-8"
        stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _leave_early() -> int:
    """Exit quietly after the reader of stdout, such as `head`, has closed the pipe."""
    _drop_stdout()
    return 0


def _drop_stdout() -> None:
    """Redirect stdout to the null device, so that flushing it at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> int:
    click.echo(f"molinterp: {' '.join(message.split())}", err=True)
    return code
