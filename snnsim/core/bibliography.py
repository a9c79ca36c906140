"""The bibliography: every number that is not ours names one of its keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from snnsim.core.errors import ConfigurationError

_ENTRY = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?$", re.MULTILINE)


@dataclass(frozen=True)
class Reference:
    """One entry of ``REFERENCES.bib``.

    Args:
        key: name by which numbers cite it.
        kind: BibTeX type, such as "article".
        fields: author, title, year, journal, doi, eprint, url, note, as far as known.
    """

    key: str
    kind: str
    fields: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where it can be read: DOI, else arXiv, else its address, else empty."""
        if "doi" in self.fields:
            return f"https://doi.org/{self.fields['doi']}"
        if "eprint" in self.fields:
            return f"https://arxiv.org/abs/{self.fields['eprint']}"
        return self.fields.get("url", "")

    @property
    def short(self) -> str:
        """First author and year, such as "Davies 2018", or the title's first words where no year is known."""
        if "year" not in self.fields:
            return re.split("[:,]", self.fields["title"])[0]
        author = self.fields["author"].split(" and ")[0].strip("{}")
        family = author.split(",")[0] if "," in author else author
        return f"{family} {self.fields['year']}"

    @property
    def text(self) -> str:
        """The entry in one line."""
        authors = [name.strip("{}") for name in self.fields["author"].split(" and ")]
        author = f"{authors[0]} et al." if len(authors) > 1 else authors[0].rstrip(".")
        parts = [author, self.fields["title"], self.fields.get("journal", "")]
        numbers = self.fields.get("volume", "")
        numbers += f"({self.fields['number']})" if "number" in self.fields else ""
        numbers += f":{self.fields['pages']}" if "pages" in self.fields else ""
        parts += [numbers, self.fields.get("year", ""), self.fields.get("note", "")]
        return ". ".join(part.replace("--", "–").rstrip(".") for part in parts if part) + "."


@cache
def references() -> Mapping[str, Reference]:
    """All entries by key.

    Example:
        >>> references()["davies2018loihi"].url
        'https://doi.org/10.1109/MM.2018.112130359'
    """
    text = files("snnsim").joinpath("REFERENCES.bib").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            key: Reference(key, kind, MappingProxyType(dict(_FIELD.findall(body))))
            for kind, key, body in _ENTRY.findall(text)
        }
    )


def reference(key: str) -> Reference:
    """The entry of this key.

    Raises:
        ConfigurationError: a key that the bibliography lacks.
    """
    found = references().get(key)
    if found is None:
        raise ConfigurationError(
            got=f"source {key!r}",
            expected="a key of REFERENCES.bib",
            where="bibliography",
            fix="add the entry, or correct the key",
        )
    return found
