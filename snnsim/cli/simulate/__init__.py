"""`snnsim simulate`: a network file on events, or a model of a cortical network."""

from __future__ import annotations

import typer

from snnsim.cli.simulate import file, models

app = typer.Typer(no_args_is_help=True, help="Simulate a network file, or a published model of a cortical network.")
app.command("file")(file.command)
app.command("cuba")(models.cuba)
app.command("coba")(models.coba)
app.command("brunel")(models.brunel)
app.command("microcircuit")(models.microcircuit)
app.command("connectome")(models.connectome)
