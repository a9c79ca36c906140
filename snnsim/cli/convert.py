"""`snnsim convert`: between network files and NIR graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snnsim.core.errors import ConfigurationError


def command(
    source: Annotated[Path, typer.Argument(help="Network file (.h5) or NIR graph (.nir).")],
    target: Annotated[Path, typer.Argument(help="File to write: .nir or .h5.")],
    dt: Annotated[float | None, typer.Option(min=0.0, help="Step (ms), where a conversion needs one.")] = None,
    time_unit: Annotated[str, typer.Option(help="Unit of times in the NIR graph: s or ms.")] = "s",
) -> None:
    """Write a network in the other format."""
    import snnsim as sn

    kinds = (source.suffix, target.suffix)
    if kinds == (".h5", ".nir"):
        sn.to_nir(sn.load(source), target, dt=dt, time_unit=time_unit)
    elif kinds == (".nir", ".h5"):
        sn.save(sn.from_nir(source, dt=dt, time_unit=time_unit), target)
    else:
        raise ConfigurationError(got=f"{source.name} to {target.name}", expected=".h5 to .nir or .nir to .h5",
                                 where="convert", fix="name the files with these endings")
    print(target)
