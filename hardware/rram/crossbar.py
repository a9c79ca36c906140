"""`Crossbar`: a connection whose weights are conductances of resistive cells."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp

from snnsim.core.connection import AbstractConnection
from snnsim.core.errors import ConfigurationError
from snnsim.core.fields import param, part, static
from snnsim.core.keys import Rand
from snnsim.hardware.rram.cells import Held, hold, targets
from snnsim.hardware.rram.converters import Converters
from snnsim.hardware.rram.device import Device, known
from snnsim.hardware.rram.tiling import Tiling
from snnsim.hardware.rram.unrolled import Unrolled, unrolled
from snnsim.hardware.rram.wires import Wires

READING = 111  # draw of read noise; those of the chip are in `device`


class Crossbar(AbstractConnection):
    """Another connection on arrays of resistive cells; it can be simulated, tested and trained like any other.

    In every step a matrix is read: inputs go through the DAC, each array sums its rows, the current of each column
    fluctuates (read noise, drawn anew in each step and sample) and goes through the ADC, and digits, signs and
    arrays are put together as numbers. Cells are written once a chip: with `chip` as a number they are the same in
    every run, else each run's own seed is the chip. So `evaluate(network, data, seed=3)` tests chip 3, and `fit`,
    whose updates have seeds of their own, trains through another chip in each update (hardware-aware training).

    Read noise is drawn as the sum over the cells of a column, ``sqrt(sum_i x_i^2 sd_i^2)``, which has the same
    distribution as drawing every cell. Without any fault the result is that of `stored` to the bit, unless weights
    have levels or outputs are converted.

    Args:
        stored: `Dense`, `Sparse`, `Conv1d` or `Conv2d`; its weights are what is to be held (and what is trained),
            its bias is added as a number.
        device: the cells.
        tiling: sizes of arrays, levels, digits.
        converters: resolution of inputs and outputs.
        wires: resistance of the wires; None has none.
        age: time between writing and reading (ms).
        chip: number of the chip, or None: the seed of the run.
        scaling: whether g_max stands for the largest weight of the "matrix" or of each "column".
        compensate: undo the mean loss by ageing with one factor for the matrix.

    Raises:
        ConfigurationError: an age, chip or scaling that cannot be.

    Example:
        >>> import jax, snnsim as sn
        >>> from snnsim.hardware.rram import Crossbar, rram_wan
        >>> net = sn.Network(dict(a=sn.Input(3), b=sn.LI(2)),
        ...                  [sn.Projection("a", "b", Crossbar(sn.Dense(0.5), rram_wan()))], key=jax.random.key(0))
        >>> spikes = jax.numpy.ones((1, 1, 3))
        >>> chips = [sn.simulate(net, {"a": spikes}, duration=1.0, seed=chip)["b", "output"][0, 0, 0]
        ...          for chip in (0, 1)]
        >>> bool(chips[0] != chips[1])
        True

    References:
        One factor against drift and training through drawn errors: Joshi et al. 2020, Nat. Commun. 11:2473.
    """

    stored: AbstractConnection = part(doc="the connection whose weights the cells hold")
    device: Device = part(doc="the cells")
    tiling: Tiling = part(Tiling, doc="sizes of arrays, levels, digits")
    converters: Converters = part(Converters, doc="resolution of inputs and outputs")
    wires: Wires | None = part(lambda: None, doc="resistance of the wires")
    age: jax.Array = param(0.0, unit="ms", doc="time between writing and reading")
    chip: int | None = static(None, doc="number of the chip; None is the seed of the run")
    scaling: str = static("matrix", doc="what g_max stands for", choices=("matrix", "column"))
    compensate: bool = static(False, doc="undo the mean loss by ageing")

    def __check_init__(self):
        age = known(self.age)
        if age is not None and not 0 <= age < float("inf"):
            raise _wrong(f"age = {age:g} ms", "0 or more")
        if self.chip is not None and not (isinstance(self.chip, int) and 0 <= self.chip < 2**32):
            raise _wrong(f"chip = {self.chip!r}", "0 to 2^32 - 1, or None")
        if self.scaling not in ("matrix", "column"):
            raise _wrong(f"scaling = {self.scaling!r}", "'matrix' or 'column'")

    @property
    def weight(self) -> jax.Array:
        """The weights that are to be held."""
        return self.stored.weight  # type: ignore[attr-defined]

    @property
    def bias(self) -> jax.Array | None:
        """What is added to the arrivals as a number."""
        return getattr(self.stored, "bias", None)

    @property
    def view(self) -> Unrolled:
        """The weights as a matrix."""
        return unrolled(self.stored, "Crossbar")

    def build(self, pre: tuple[int, ...], post: tuple[int, ...], key: jax.Array) -> Crossbar:
        """With the inner connection built for these shapes; the weights are those that it would have alone.

        Raises:
            UnsupportedError: an inner connection that is no matrix.
        """
        stored = self.stored.build(pre, post, key)
        unrolled(stored, "Crossbar")
        return eqx.tree_at(lambda bar: bar.stored, self, stored)

    def structure(self) -> AbstractConnection:
        """That of the inner connection."""
        return self.stored.structure()

    def __call__(self, signals: jax.Array) -> jax.Array:
        """Arrivals ``[n, *post]`` of the weights as they are meant (rounded to the cells' levels), nothing drawn."""
        meant = targets(self.view.matrix(), self.device, self.tiling, self.scaling).meant
        return self.view.with_matrix(meant)(self.converters.input(signals))

    def held(self, rand: Rand) -> Held:
        """What the arrays hold on the chip of these random numbers (of the run, at any step)."""
        zero = jnp.zeros((), jnp.uint32)
        seed = rand.seed if self.chip is None else jnp.uint32(self.chip)
        chip = Rand(seed, rand.stream, zero, zero, zero)
        return hold(self.view.matrix(), self.device, self.tiling, self.wires, scaling=self.scaling,
                    groups=self.view.groups, age=self.age, compensate=self.compensate, chip=chip)

    def programmed(self, rand: Rand) -> AbstractConnection:
        """A plain connection with the weights that the arrays hold; read noise and converters are left out."""
        return self.view.with_matrix(self.held(rand).weights())

    def transmit(self, signals: jax.Array, rand: Rand) -> jax.Array:
        """Arrivals ``[steps, batch, *post]`` of signals ``[steps, batch, *pre]``."""
        held, leading = self.held(rand), signals.shape[:2]
        inputs = self.converters.input(signals.reshape(-1, *signals.shape[2:]))
        if self.converters.adc_bits is None:
            arrived = self.view.with_matrix(held.weights())(inputs)
            variance = held.read_variance()
            if variance is not None:
                noise = self._read_noise(inputs, variance[None, :, :, None], leading, rand)
                arrived = arrived + noise.reshape(arrived.shape)
        else:
            arrived = self._converted(held, inputs, leading, rand)
        return arrived.reshape(*leading, *arrived.shape[1:])

    def _read_noise(self, inputs: jax.Array, variance: jax.Array, leading: tuple[int, ...], rand: Rand) -> jax.Array:
        """Noise of each sum, ``[n, blocks, m, *post]``, from variances ``[blocks, rows, columns, m]``."""
        total = self.view.product(inputs**2, variance)
        lively = total > 0  # the root has no slope at 0
        sd = jnp.where(lively, jnp.sqrt(jnp.where(lively, total, jnp.ones_like(total))), jnp.zeros_like(total))
        steps = rand.step + jnp.arange(leading[0], dtype=jnp.uint32)
        samples = rand.sample + jnp.arange(leading[1], dtype=jnp.uint32)
        units = jnp.arange(total[0].size, dtype=jnp.uint32)
        own = Rand(rand.seed, rand.stream, steps[:, None, None], samples[None, :, None], units[None, None])
        return sd * own.normal(READING).reshape(sd.shape).astype(sd.dtype)

    def _converted(self, held: Held, inputs: jax.Array, leading: tuple[int, ...], rand: Rand) -> jax.Array:
        """Arrivals ``[n, *post]`` array by array, each column through its converter."""
        signed = self.tiling.signs == 1
        digits = held.gain.shape[0]

        def tiles(cells):
            """``[blocks, rows of an array, columns, m]`` from cells ``[m, rows, columns]``."""
            down, _ = self.tiling.cut(cells.shape[1], cells.shape[2])
            padded = jnp.pad(cells, ((0, 0), (0, down * self.tiling.rows - cells.shape[1]), (0, 0)))
            return padded.reshape(cells.shape[0], down, self.tiling.rows, -1).transpose(1, 2, 3, 0)

        def apart(cells, joined):
            """The two signs one after the other, or joined where one converter sees both."""
            return joined(cells[0], cells[1]) if signed else jnp.concatenate([cells[0], cells[1]])

        currents = self.view.product(inputs, tiles(apart(held.g, jnp.subtract)))
        if held.read_sd is not None:
            currents = currents + self._read_noise(inputs, tiles(apart(held.read_sd**2, jnp.add)), leading, rand)
        counted = self.converters.output(currents / self.device.g_max, signed, self.tiling.rows).sum(1)
        parts = counted if signed else counted[:, :digits] - counted[:, digits:]
        gain = self.view.spread(held.gain[:, 0] * self.device.g_max, parts.ndim - 2)
        arrived = (gain[None] * parts).sum(1)
        return arrived if self.bias is None else arrived + self.view.spread(self.bias.reshape(1, -1), parts.ndim - 2)


def _wrong(got: str, expected: str) -> ConfigurationError:
    return ConfigurationError(got=got, expected=expected, where="Crossbar", fix="correct it")
