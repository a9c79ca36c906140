"""`snnsim describe`: equations, parameters, units and references of a neuron, synapse or surrogate."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Annotated, Any

import typer

from snnsim.cli.options import AsJson, show
from snnsim.core.errors import ConfigurationError


def command(
    name: Annotated[str, typer.Argument(help="For example lif, cubalif, dense, atan; any case.")],
    as_json: AsJson = False,
) -> None:
    """Print the table of parameters with units, defaults, equations and references."""
    kind = _find(name)
    fields = [_row(field) for field in dataclasses.fields(kind) if field.metadata.get("kind")]
    ports = {str(port): str(how) for port, how in getattr(kind, "ports", {}).items()} \
        if isinstance(getattr(kind, "ports", None), dict) else {}
    result = {"name": kind.__name__, "description": inspect.getdoc(kind), "ports": ports, "fields": fields}
    if as_json:
        show(result, True, "")
    else:
        _print(result)


def _find(name: str) -> type:
    import snnsim.neurons
    import snnsim.plasticity
    import snnsim.synapses

    families = {key.lower(): kind for family in (snnsim.neurons, snnsim.plasticity, snnsim.synapses)
                for key, kind in vars(family).items() if inspect.isclass(kind)}
    plain = name.lower().replace("-", "").replace("_", "")
    if plain not in families:
        raise ConfigurationError(got=f"{name!r}", expected=f"one of {', '.join(sorted(families))}", where="describe",
                                 fix="choose one of these")
    return families[plain]


def _row(field: dataclasses.Field) -> dict[str, Any]:
    default = "" if field.default is dataclasses.MISSING else field.default
    plain = isinstance(default, float | int | str | bool | None)
    shown = default if plain else getattr(default, "__name__", "initialiser")
    if field.default_factory is not dataclasses.MISSING:
        made = field.default_factory()
        shown = "None" if made is None else type(made).__name__
    low, high = field.metadata.get("bounds", (None, None))
    return {"name": field.name, "default": str(shown), "unit": field.metadata["unit"], "meaning": field.metadata["doc"],
            "group": field.metadata.get("group", ""), "bounds": [low, high],
            "choices": list(field.metadata.get("choices", ()))}


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 120)
    console.print(f"[bold]{result['name']}[/bold]\n")
    console.print(escape(result["description"]))
    if result["ports"]:
        console.print("\nPorts: " + ", ".join(f"{port} ({how})" for port, how in result["ports"].items()))
    table = Table("parameter", "default", "unit", "meaning", "bounds or choices")
    for row in result["fields"]:
        limits = ", ".join(row["choices"]) or " to ".join("" if b is None else f"{b:g}" for b in row["bounds"]).strip()
        table.add_row(row["name"], row["default"], row["unit"], escape(row["meaning"]),
                      "" if limits == "to" else limits)
    console.print(table)
