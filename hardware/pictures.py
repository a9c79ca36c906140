"""Pictures for a report: PNG bytes, checked."""

from __future__ import annotations

import io
from typing import Any

from snnsim.core.errors import ConfigurationError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def as_png(picture: Any, title: str) -> bytes:
    """PNG bytes of a picture.

    Args:
        picture: PNG bytes, or a matplotlib figure.
        title: its title, for errors.

    Raises:
        ConfigurationError: something else.
    """
    if hasattr(picture, "savefig"):
        file = io.BytesIO()
        # Without the software's version, so that equal figures give equal bytes.
        picture.savefig(file, format="png", dpi=150, bbox_inches="tight", metadata={"Software": None})
        picture = file.getvalue()
    if not (isinstance(picture, bytes) and picture.startswith(_SIGNATURE)):
        raise ConfigurationError(
            got=f"a {type(picture).__name__}",
            expected="PNG bytes or a matplotlib figure",
            where=f"figure {title!r}",
            fix="pass fig, or the bytes of a PNG file",
        )
    return picture
