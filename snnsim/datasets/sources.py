"""Where the published data sets lie, and how to tell that what came is what was published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One archive on the net.

    Args:
        filename: its name here.
        urls: the official address first, then mirrors of the same bytes.
        md5: checksum of the archive; None where none is known.
        holds: file or folder that unpacking it gives.
    """

    filename: str
    urls: tuple[str, ...]
    md5: str | None
    holds: str


@dataclass(frozen=True)
class Source:
    """A published data set.

    Args:
        name: short name, also its folder.
        title: full name.
        files: its archives.
        homepage: page that describes it.
        licence: as its page states it; None where it was not found.
        reference: key of the list of references.
    """

    name: str
    title: str
    files: tuple[RemoteFile, ...]
    homepage: str
    licence: str | None
    reference: str


def _zenke(stem: str, md5: str) -> RemoteFile:
    hosts = ("https://zenkelab.org/datasets", "https://compneuro.net/datasets")
    archive = f"{stem}.h5.zip"
    return RemoteFile(archive, tuple(f"{host}/{archive}" for host in hosts), md5, f"{stem}.h5")


_MENDELEY = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files"

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("shd", "Spiking Heidelberg Digits",
               (_zenke("shd_train", "f3252aeb598ac776c1b526422d90eecb"),
                _zenke("shd_test", "1503a5064faa34311c398fb0a1ed0a6f")),
               "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/", "CC BY 4.0", "cramer2022"),
        Source("ssc", "Spiking Speech Commands",
               (_zenke("ssc_train", "d102be95e7144fcc0553d1f45ba94170"),
                _zenke("ssc_valid", "b4eee3516a4a90dd0c71a6ac23a8ae43"),
                _zenke("ssc_test", "a35ff1e9cffdd02a20eb850c17c37748")),
               "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/", "CC BY 4.0", "cramer2022"),
        Source("nmnist", "Neuromorphic MNIST",
               (RemoteFile("Train.zip",
                           (f"{_MENDELEY}/39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",),
                           "20959b8e626244a1b502305a9e6e2031", "Train"),
                RemoteFile("Test.zip", (f"{_MENDELEY}/05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",),
                           "69ca8762b2fe404d9b9bad1103e97832", "Test")),
               "https://www.garrickorchard.com/datasets/n-mnist", None, "orchard2015"),
    )
}
"""Data sets that `fetch` knows. The checksums are those published with the archives, as two public
readers state them; addresses, mirrors and licence of SHD and SSC as on their homepage."""
