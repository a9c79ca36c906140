"""Many steps of a flat network in one C++ kernel, made from the neurons' own verbs and compiled for this processor.

A step is one pass over each group of units: read state and arrivals, update, write the state back in place; then the
synapses of what spiked. XLA makes five to ten passes of the same. What does not change from unit to unit, or from step
to step, is computed once (`expressions`). Sizes are arguments of the kernel, so that networks of the same neurons share
one compiled library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from snnsim.kernels import native
from snnsim.kernels.event_propagation import Rows
from snnsim.kernels.expressions import SAMPLE, STATE, STEP, TYPES, UNIT, NotScalarError, Statement, Value, statements


class Twin(NamedTuple):
    """Arrivals ``weight[i] * output[index[i]]`` of an earlier group in the same step."""

    port: str
    group: int
    index: jax.Array  # type: ignore[assignment]  # int32 [units]
    weight: jax.Array  # [units]


class Group(NamedTuple):
    """Like units, updated together.

    `update` is ``(constants, state, arrivals, step, sample) -> (state, output, records)`` for one unit: scalars in,
    scalars out, arrivals by port. `output` is 0 or 1 unless `graded`.
    """

    update: Callable
    constants: Any  # tree of arrays [] or [units]
    state: Any  # tree of arrays [batch, units]
    units: int
    slots: dict[str, int]  # first slot of the ring by port
    twins: tuple[Twin, ...]
    source: int | None  # first source of the table, None where no output travels
    graded: bool


class Ran(NamedTuple):
    """What came out; lists go by group."""

    states: list[Any]
    tallies: list[tuple[jax.Array, jax.Array] | None]  # graded groups: outputs other than 0, and other than 0 and 1
    ring: jax.Array
    counts: jax.Array  # outputs other than 0 by source, int32 [batch, sources]
    words: jax.Array  # spikes of the sources as bits, uint32 [steps, batch, words]
    records: list[Any]


def compiled_steps(groups: Sequence[Group], ring: jax.Array, weight: jax.Array, rows: Rows, external: jax.Array, *,
                   steps: int, first_step: jax.Array, first_row: jax.Array | int = 0) -> Ran | None:
    """Run `steps` steps; None where no kernel can be had (no compiler, or an update that is no scalar program).

    Args:
        groups: in the order of their update.
        ring: arrivals ``[depth, batch, slots]``, row ``(first_row + k) % depth`` due in step k.
        weight: of the synapses, ``[synapses]`` or ``[1]``.
        rows: the synapses; delays of groups count from the step after the spike.
        external: values of the last sources, ``[steps, batch, external sources]``; delays count from their step.
        steps: number of steps.
        first_step: absolute step, int32 scalar.
        first_row: below depth, int32 scalar.
    """
    try:
        writers = [_Writer(g, group, ring.dtype) for g, group in enumerate(groups)]
    except NotScalarError:
        return None
    weight = weight if weight.dtype == jnp.bfloat16 else weight.astype(ring.dtype)
    source = _program(writers, str(ring.dtype), str(weight.dtype), str(rows.delays.dtype))
    target = f"snnsim_steps_{native.mark_of(source)}"
    if not native.registered(source, "snnsim_steps", target):
        return None
    batch, sources = ring.shape[1], rows.starts.shape[0]
    sizes = np.array([steps, external.shape[2], *(n for writer in writers for n in writer.sizes)], np.int32)
    inputs = [ring, weight, *rows, external.astype(ring.dtype),
              jnp.stack([first_step, jnp.asarray(first_row, jnp.int32)]), jnp.asarray(sizes)]
    results = [jax.ShapeDtypeStruct(ring.shape, ring.dtype), jax.ShapeDtypeStruct((batch, sources), jnp.int32),
               jax.ShapeDtypeStruct((steps, batch, -(-sources // 32)), jnp.uint32)]
    for writer in writers:
        inputs += writer.inputs
        results += writer.results(batch, steps)
    found = iter(jax.ffi.ffi_call(target, results, input_output_aliases={0: 0})(*inputs))
    ring, counts, words = next(found), next(found), next(found)
    states, tallies, records = [], [], []
    for writer in writers:
        states.append(jax.tree.unflatten(writer.state_tree, [next(found) for _ in writer.states]))
        tallies.append((next(found), next(found)) if writer.group.graded else None)
        records.append(jax.tree.unflatten(writer.record_tree, [next(found) for _ in writer.records]))
    return Ran(states, tallies, ring, counts, words, records)


class _Writer:
    """Writes the C++ of one group."""

    def __init__(self, g: int, group: Group, real: np.dtype):
        self.g, self.group, self.dtype, self.real = g, group, real, TYPES[str(real)]
        self.constants, const_tree = jax.tree.flatten(group.constants)
        self.states, self.state_tree = jax.tree.flatten(group.state)
        self.ports = sorted({*group.slots, *(twin.port for twin in group.twins)})
        n_const, n_state = len(self.constants), len(self.states)
        for leaf in (*self.constants, *self.states):
            if str(leaf.dtype) not in TYPES:
                raise NotScalarError(f"an array of {leaf.dtype}")

        def flat(*arguments):
            constants, states = arguments[:n_const], arguments[n_const:n_const + n_state]
            arrivals = dict(zip(self.ports, arguments[n_const + n_state:-2], strict=True))
            state, output, records = group.update(
                jax.tree.unflatten(const_tree, constants), jax.tree.unflatten(self.state_tree, states), arrivals,
                *arguments[-2:])
            leaves, self.record_tree = jax.tree.flatten(records)
            return [*jax.tree.leaves(state), output, *leaves]

        arguments = [*(Value(f"p{k}[i]" if leaf.ndim else f"p{k}", str(leaf.dtype), UNIT if leaf.ndim else 0)
                       for k, leaf in enumerate(self.constants)),
                     *(Value(f"s{k}[i]", str(leaf.dtype), UNIT | STATE) for k, leaf in enumerate(self.states)),
                     *(Value(f"a{k}", str(real), UNIT | STATE) for k, _ in enumerate(self.ports)),
                     Value("step", "uint32", STEP), Value("sample", "uint32", SAMPLE)]
        example = [jax.ShapeDtypeStruct((), value.dtype) for value in arguments]
        found, results = statements(flat, arguments, example, "v")
        self.after, self.output, self.records = results[:n_state], results[n_state], results[n_state + 1:]
        for leaf, value in zip(self.states, self.after, strict=True):
            if str(leaf.dtype) != value.dtype:
                raise NotScalarError(f"a state of {leaf.dtype} becomes {value.dtype}")
        self.once = [s for s in found if not s.result.depends & (UNIT | STEP | STATE)]
        self.each_unit = [s for s in found if s.result.depends & UNIT and not s.result.depends & (STEP | STATE)]
        self.each_step = [s for s in found if s.result.depends & STEP and not s.result.depends & (UNIT | STATE)]
        self.body = [s for s in found if s.result.depends & STATE
                     or (s.result.depends & UNIT and s.result.depends & STEP)]
        used = {value.text for s in [*self.body, *self.each_step] for value in s.reads}
        used |= {value.text for value in results}
        self.used = used  # in a step: names of what must be at hand then
        self.kept = [s.result for s in self.each_unit if s.result.text in used]

    @property
    def sizes(self) -> list[int]:
        """Numbers that the kernel reads for this group: units, first source, first slot of each port."""
        source = -1 if self.group.source is None else self.group.source
        return [self.group.units, source, *(self.group.slots.get(port, -1) for port in self.ports)]

    @property
    def inputs(self) -> list[jax.Array]:
        """Arrays that the kernel reads for this group."""
        twins = [array for twin in self.group.twins for array in (twin.index, twin.weight.astype(self.dtype))]
        return [*(leaf.reshape(-1) for leaf in self.constants), *self.states, *twins]

    def results(self, batch: int, steps: int) -> list[jax.ShapeDtypeStruct]:
        """Arrays that the kernel writes for this group."""
        shape = (batch, self.group.units)
        tally = [jax.ShapeDtypeStruct(shape, jnp.int32), jax.ShapeDtypeStruct(shape, bool)]
        return [*(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in self.states),
                *(tally if self.group.graded else []),
                *(jax.ShapeDtypeStruct((steps, *shape), value.dtype) for value in self.records)]

    def text(self) -> str:
        """A struct with what is kept between steps, and one pass over the units."""
        g, group = self.g, self.group
        output = self.real if group.graded else "uint8_t"
        slots = [f"slot{k}" for k, _ in enumerate(self.ports)]
        fields, binds = [f"int64_t {', '.join(['units', 'source', *slots])};"], []
        for k, leaf in enumerate(self.constants):
            c_type = TYPES[str(leaf.dtype)]
            fields.append(f"const {c_type}* p{k};" if leaf.ndim else f"{c_type} p{k};")
            binds.append(f"p{k} = {'' if leaf.ndim else '*'}in.next<const {c_type}>();")
        for k, leaf in enumerate(self.states):
            fields.append(f"{TYPES[str(leaf.dtype)]}* s{k};")
            binds.append(f"s{k} = out.next_from<{TYPES[str(leaf.dtype)]}>(in, sample, units);")
        for k, _ in enumerate(group.twins):
            fields.append(f"const int32_t* index{k}; const {self.real}* weight{k};")
            binds.append(f"index{k} = in.next<const int32_t>(); weight{k} = in.next<const {self.real}>();")
        if group.graded:
            fields.append("int32_t* count; uint8_t* beyond;")
            binds.append("count = out.next_zero<int32_t>(sample, units);")
            binds.append("beyond = out.next_zero<uint8_t>(sample, units);")
        for k, value in enumerate(self.records):
            fields.append(f"{value.c_type}* r{k};")
            binds.append(f"r{k} = out.next<{value.c_type}>() + sample * units;")
        lasting = [s.result for s in self.once if s.result.text in self.used]
        fields += [f"std::vector<{output}> output;", *(f"{value.c_type} {value.text};" for value in lasting)]
        fields += [f"std::vector<{_stored(value)}> k_{value.text};" for value in self.kept]
        begin = [*_lines(self.once), "output.assign(units + 32, 0);"]
        begin += [f"this->{value.text} = {value.text};" for value in lasting]
        if self.kept:
            begin += [f"k_{value.text}.resize(units);" for value in self.kept]
            begin += ["for (int64_t i = 0; i < units; ++i) {", *_lines(self.each_unit),
                      *(f"k_{value.text}[i] = {value.text};" for value in self.kept), "}"]
        earlier = sorted({twin.group for twin in group.twins})
        given = "".join(f", const Group{h}& group{h}" for h in earlier)
        sizes = [f"{name} = *size++;" for name in ("units", "source", *slots)]
        return "\n".join([
            f"struct Group{g} {{", *fields,
            "void bind(Inputs& in, Outputs& out, const int32_t*& size, uint32_t sample) {", *sizes, *binds, *begin, "}",
            f"void run({self.real}* __restrict due, uint32_t step, uint32_t sample, int64_t t, int64_t batch"
            f"{given}) {{",
            *self._loop(output), "}",
            "template <typename Spikes>", "void send(const Spikes& spikes) const {",
            "if (source >= 0) spikes.add(output.data(), source, units);", "}", "};"])

    def _loop(self, output: str) -> list[str]:
        group = self.group
        # Local copies: bytes written to `output` might be fields for all that a compiler knows.
        pointers = [f"const {s.result.c_type} {s.result.text} = this->{s.result.text};" for s in self.once
                    if s.result.text in self.used]
        pointers += [f"const {TYPES[str(leaf.dtype)]}{'* __restrict' if leaf.ndim else ''} p{k} = this->p{k};"
                     for k, leaf in enumerate(self.constants) if self.used & {f"p{k}", f"p{k}[i]"}]
        names = ["units", *(f"slot{k}" for k, _ in enumerate(self.ports))]
        pointers += [f"const int64_t {name} = this->{name};" for name in names]
        pointers += [f"{TYPES[str(leaf.dtype)]}* __restrict s{k} = this->s{k};" for k, leaf in enumerate(self.states)]
        pointers += [f"{output}* __restrict output = this->output.data();"]
        pointers += [f"const {_stored(v)}* __restrict k_{v.text} = this->k_{v.text}.data();" for v in self.kept]
        pointers += [f"{v.c_type}* __restrict r{k} = this->r{k} + t * batch * units;"
                     for k, v in enumerate(self.records)]
        loop = []
        for k, port in enumerate(self.ports):
            terms = [f"due[slot{k} + i]"] if port in group.slots else []
            terms += [f"weight{n}[i] * static_cast<{self.real}>(group{twin.group}.output[index{n}[i]])"
                      for n, twin in enumerate(group.twins) if twin.port == port]
            loop.append(f"const {self.real} a{k} = {' + '.join(terms)};")
        # Empty before anything is sent: the ring may have one row only.
        loop += [f"due[slot{k} + i] = 0;" for k, port in enumerate(self.ports) if port in group.slots]
        loop += [f"const {value.c_type} {value.text} = k_{value.text}[i];" for value in self.kept]
        loop += _lines(self.body)
        # All results are read before any state is written: a result may be another state's old value.
        loop += [f"const {value.c_type} n{k} = {value.text};" for k, value in enumerate(self.after)]
        loop += [f"r{k}[i] = {value.text};" for k, value in enumerate(self.records)]
        loop += [f"output[i] = static_cast<{output}>({self.output.text});"]
        loop += [f"s{k}[i] = n{k};" for k, _ in enumerate(self.after)]
        if group.graded:
            pointers += ["int32_t* __restrict count = this->count; uint8_t* __restrict beyond = this->beyond;"]
            loop += [f"const {self.real} put = {self.output.text};", "count[i] += put != 0 ? 1 : 0;",
                     "beyond[i] |= put != 0 ? (put != 1 ? 1 : 0) : 0;"]
        return [*pointers, *_lines(self.each_step), '_Pragma("GCC ivdep")',
                "for (int64_t i = 0; i < units; ++i) {", *loop, "}"]


def _stored(value: Value) -> str:
    """The type of an array of such values: a vector of flags has no array inside."""
    return "uint8_t" if value.dtype == "bool" else value.c_type


def _lines(found: Sequence[Statement]) -> list[str]:
    return [f"const {s.result.c_type} {s.result.text} = {s.text};" for s in found]


def _program(writers: Sequence[_Writer], real: str, weight: str, delay: str) -> str:
    """The whole source; `simulation.hpp` has what does not depend on the neurons."""
    c_weight = "bfloat16" if weight == "bfloat16" else TYPES[weight]
    groups = ", ".join(f"g{w.g}" for w in writers)
    run = []
    for w in writers:
        earlier = "".join(f", g{h}" for h in sorted({twin.group for twin in w.group.twins}))
        run.append(f"g{w.g}.run(due, step, sample, t, batch{earlier});")
    return "\n".join([
        '#include "simulation.hpp"', "namespace snnsim { namespace {", *(w.text() for w in writers),
        "ffi::Error run(ffi::RemainingArgs given, ffi::RemainingRets made) {",
        f"Simulation<{TYPES[real]}, {c_weight}, {delay}_t> simulation(given, made);",
        f"simulation.run<{', '.join(f'Group{w.g}' for w in writers)}>(",
        "[](auto* due, uint32_t step, uint32_t sample, int64_t t, int64_t batch, auto& all) {",
        f"auto& [{groups}] = all;", *run, "});", "return ffi::Error::Success();", "} } }",
        "XLA_FFI_DEFINE_HANDLER_SYMBOL(snnsim_steps, snnsim::run,",
        "xla::ffi::Ffi::Bind().RemainingArgs().RemainingRets());",
        ""])
