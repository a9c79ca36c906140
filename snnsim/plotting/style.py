"""One look for all pictures: colours that colour-blind readers can tell apart, labels with units, files.

Pictures are plain `matplotlib.figure.Figure` objects: no window system, no global state.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnsim.core.errors import ConfigurationError
from snnsim.io.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

# Okabe & Ito 2008, "Color Universal Design": blue, vermilion, green, purple, orange, sky blue, black.
# Their yellow is left out: it is too faint on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#333333"
FAINT = "#B8B8B8"

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that pictures are the same on every machine
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "text.color": INK,
    "svg.hashsalt": "snnsim",
}
# What a file would otherwise say about when and by what it was written.
_SILENT: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """Settings of matplotlib while a picture is made or written; the reader's own settings stay untouched."""
    import matplotlib

    settings: Any = _SETTINGS  # matplotlib's stubs ask for a literal key
    with matplotlib.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that no global list knows of; call within `styled`.

    Args:
        width: inches.
        height: inches.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def colour(index: int) -> str:
    """Colour of the curve or population with this number; they repeat after seven.

    Args:
        index: number from 0.

    Example:
        >>> colour(0), colour(7) == colour(0)
        ('#0072B2', True)
    """
    return PALETTE[index % len(PALETTE)]


def diverging() -> Colormap:
    """Colours for signed numbers: blue below zero, white at zero, vermilion above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("snnsim_signed", ["#00456B", PALETTE[0], "#FFFFFF", PALETTE[1], "#7A3500"])


def sequential() -> Colormap:
    """Colours for counts and shares: white at zero, deep blue at most."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("snnsim_share", ["#FFFFFF", PALETTE[5], PALETTE[0], "#00304A"])


def label(name: str, unit: str = "") -> str:
    """Text of an axis: name and unit.

    Args:
        name: the quantity.
        unit: its unit; "" and "1" are not shown.

    Example:
        >>> label("time", "ms"), label("weight")
        ('time (ms)', 'weight')
    """
    return name if unit in ("", "1") else f"{name} ({unit})"


def short_number(value: float) -> str:
    """A count of at most three digits and a suffix.

    Args:
        value: the count.

    Example:
        >>> short_number(950), short_number(12_800), short_number(3_000_000)
        ('950', '12.8k', '3M')
    """
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:g}"


def hide_spines(axes: Axes, names: Iterable[str] = ("left", "bottom", "top", "right")) -> None:
    """Remove these borders of an axes.

    Args:
        axes: where.
        names: of the borders.
    """
    for name in names:
        axes.spines[name].set_visible(False)


def png_bytes(figure: Figure, dpi: float = 120.0) -> bytes:
    """The picture as PNG, the same bytes each time: no dates, no program names.

    Args:
        figure: what to draw.
        dpi: pixels per inch.
    """
    buffer = io.BytesIO()
    with styled():
        figure.savefig(buffer, format="png", dpi=dpi, metadata=_SILENT["png"])
    return buffer.getvalue()


def save(figure: Figure, path: str | Path, *, overwrite: bool = False, dpi: float = 150.0) -> Path:
    """Write a picture whole or not at all; an earlier file stays unless told otherwise.

    Args:
        figure: what to draw.
        path: file that ends in .png, .svg or .pdf.
        overwrite: whether an earlier file may be replaced.
        dpi: pixels per inch (PNG).

    Returns:
        The path.

    Raises:
        OutputExistsError: the file exists and `overwrite` is False.
        ConfigurationError: another ending.
    """
    path = Path(path)
    kind = path.suffix.lstrip(".").lower()
    if kind not in _SILENT:
        raise ConfigurationError(got=f"a picture file {path.name!r}", expected=f"one that ends in {', '.join(_SILENT)}",
                                 where="plotting.save", fix="choose one of these endings")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, overwrite=overwrite) as temporary, styled():
        figure.savefig(temporary, format=kind, dpi=dpi, metadata=_SILENT[kind])
    return path
