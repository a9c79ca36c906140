"""`save` and `load`: a network in one HDF5 file, no pickle, nothing executed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import equinox as eqx
import jax

from snnsim.core.errors import ConfigurationError, FileFormatError
from snnsim.core.network import Network
from snnsim.io.array_file import MAX_BYTES, read_arrays, write_arrays
from snnsim.io.registry import registry
from snnsim.io.tree import decode, encode

KIND = "network"


def save(network: Network, path: str | Path, *, overwrite: bool = False) -> None:
    """Save a network (or any module of one) to an HDF5 file, whole or not at all.

    Equal networks give equal bytes. Arrays are stored as they are, with unit and SHA-256.

    Args:
        network: what to save; built, as every `Network` is.
        path: file to write, by custom ``*.h5``.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError: the file exists and `overwrite` is False.
        UnsupportedError: a field that holds something other than numbers, text, arrays and modules.
        OSError: the disk is full or refuses to write; an earlier file is then as it was.

    Example:
        >>> import tempfile, jax, snnsim as sn
        >>> from snnsim.io import load, save
        >>> net = sn.Network(dict(a=sn.Input(3), b=sn.LIF(2)), [sn.Projection("a", "b", sn.Dense())],
        ...                  key=jax.random.key(0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(net, f"{folder}/net.h5")
        ...     print(load(f"{folder}/net.h5")["b"].shape)
        (2,)
    """
    if not isinstance(network, eqx.Module):
        raise ConfigurationError(got=f"{type(network).__name__}", expected="a Network", where="save",
                                 fix="pass the network; for bare arrays use snnsim.io.write_arrays")
    encoded = encode(network)
    write_arrays(path, encoded.arrays, encoded.structure, kind=KIND, units=encoded.units, overwrite=overwrite)


def load(path: str | Path, classes: Iterable[type] = (), *, max_bytes: int = MAX_BYTES) -> Network:
    """Load a network that `save` wrote.

    Args:
        path: file to read; it need not be trusted.
        classes: your own classes that the file may name. No other class, and no module, is ever looked up.
        max_bytes: refuse files whose arrays declare more bytes than this.

    Returns:
        The network, equal to the one that was saved.

    Raises:
        FileFormatError: damaged, foreign, too new or too large a file, an unknown class, values that a class
            refuses.
        ConfigurationError: 64-bit numbers while JAX keeps 32 bits; `classes` that are none.
    """
    known = registry(classes)
    arrays, structure = read_arrays(path, kind=KIND, max_bytes=max_bytes)
    tree = decode(structure, arrays, known, str(path))
    if not isinstance(tree, eqx.Module):
        raise FileFormatError(got=f"a {type(tree).__name__}", expected="a network", where=str(path),
                              fix="check the path")
    if isinstance(tree, Network):
        _check_network(tree, str(path))
    return tree  # type: ignore[return-value]


def _check_network(network: Network, where: str) -> None:
    """Build the network once more from its own parts: what no constructor would have made is refused.

    The second network is thrown away (building resets running statistics); only the form is compared.
    """
    try:
        again = Network(network.populations, network.projections, key=jax.random.key(0),
                        trainable=dict(network.trainable))
        if _form(again) == _form(network):
            return
        got = "arrays or sizes that do not fit together"
    except Exception as error:  # sizes and names of a made-up file may fail anywhere
        got = f"a network that cannot be built: {error}"[:300]
    raise FileFormatError(got=got, expected="a network that was saved", where=where, fix="save the network again")


def _form(network: Network) -> tuple:
    leaves, structure = jax.tree.flatten(network)
    return structure, [getattr(leaf, "shape", None) for leaf in leaves]
