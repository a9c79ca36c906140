import dataclasses
import importlib
import pkgutil

import pytest

import snnsim.hardware
from snnsim.core.bibliography import reference, references
from snnsim.core.errors import ConfigurationError
from snnsim.hardware import Cost, Figure, Term


def _figures():
    for found in pkgutil.walk_packages(snnsim.hardware.__path__, "snnsim.hardware."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            yield from ((f"{found.name}.{name}", f) for f in _inside(value))


def _inside(value):
    if isinstance(value, Figure):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _inside(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from _inside(each)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _inside(getattr(value, field.name))


def test_every_figure_has_a_source_that_exists_and_a_place():
    found = list(_figures())
    assert len(found) > 50
    for name, figure in found:
        assert figure.reference.key in references(), name
        assert figure.place, name


def test_bibliography_reads():
    assert list(references()) == sorted(references())
    for entry in references().values():
        assert entry.fields["author"]
        assert entry.fields["title"]
        assert entry.url.startswith("https://"), entry.key
        assert "{" not in entry.text
    with pytest.raises(ConfigurationError, match="REFERENCES"):
        reference("nobody2020")


def test_unknown_is_not_zero():
    unknown = Figure(None, "pJ", "sanafe", "fitted", place="none")
    term = Term("write", "x", 3, "writes", unknown)
    assert str(unknown) == "not known"
    assert term.energy_j is None
    assert Cost("t", "a", "", (term,)).energy_j is None


@pytest.mark.parametrize(
    "wrong",
    [
        dict(evidence="guess"),
        dict(scope="both"),
        dict(value=-1.0),
        dict(value=float("nan")),
        dict(low=2.0),
        dict(value=None, high=1.0),
    ],
)
def test_figures_that_cannot_be(wrong):
    with pytest.raises(ConfigurationError):
        Figure(**{**dict(value=1.0, unit="pJ", source="sanafe", evidence="fitted"), **wrong})


def test_all_in_is_never_mixed():
    terms = tuple(
        Term("e", "x", 1, "events", Figure(1.0, "pJ", "sanafe", "fitted", scope)) for scope in ("per-term", "all-in")
    )
    with pytest.raises(ConfigurationError, match="one scope"):
        Cost("t", "mixed", "", terms)
