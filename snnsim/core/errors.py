"""Errors that say what was got, what was expected, where, and what to do."""

from __future__ import annotations


class SnnsimError(Exception):
    """An error with four parts, printed one a line.

    Args:
        got: what was found, with its value.
        expected: what would have been right.
        where: the population, projection, field or file that is meant.
        fix: what the reader can do about it.

    Example:
        >>> print(ConfigurationError(got="tau_mem = -2.0 ms", expected="a positive time",
        ...                          where="population 'hidden'", fix="pass tau_mem > 0"))
        population 'hidden': got tau_mem = -2.0 ms, expected a positive time. To fix it: pass tau_mem > 0.
    """

    def __init__(self, *, got: str, expected: str, where: str, fix: str):
        self.got, self.expected, self.where, self.fix = got, expected, where, fix
        super().__init__(f"{where}: got {got}, expected {expected}. To fix it: {fix}.")

    def __reduce__(self):
        return _rebuild, (type(self), self.got, self.expected, self.where, self.fix)


def _rebuild(kind: type[SnnsimError], got: str, expected: str, where: str, fix: str) -> SnnsimError:
    return kind(got=got, expected=expected, where=where, fix=fix)


class ConfigurationError(SnnsimError, ValueError):
    """A network, parameter or option that cannot be what was meant."""


class ShapeError(SnnsimError, ValueError):
    """An array whose shape or dtype does not fit."""


class DelayError(SnnsimError, ValueError):
    """A delay off the grid, out of range, or a cycle without any delay."""


class DataError(SnnsimError, ValueError):
    """Events, labels or files of data that are damaged or of another layout."""


class FileFormatError(SnnsimError, ValueError):
    """A network file, checkpoint or graph that is damaged, foreign or too new."""


class UnsupportedError(SnnsimError, TypeError):
    """Something valid that this engine, format or target cannot do."""


class DivergenceError(SnnsimError, ArithmeticError):
    """A simulation or training run that left the finite numbers."""


class OutputExistsError(SnnsimError, FileExistsError):
    """A result that would overwrite an earlier one."""


class OutputError(SnnsimError, OSError):
    """A result that cannot be written: no room, no permission, or the folder is gone."""
