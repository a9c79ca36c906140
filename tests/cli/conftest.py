"""The command line, called in this process."""

import contextlib
import io
import sys

import pytest

from snnsim.cli import main


def _called(*arguments):
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["snnsim", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = before
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="session")
def snnsim():
    """(exit code, stdout, stderr) of the entry point."""
    return _called
