// Adds the weights of spiking sources to a ring of future arrivals; see event_propagation.py for the operation.
//
// One thread walks the spikes in the order of their index, so that sums do not depend on anything but the spikes.

#include "steps.hpp"

namespace ffi = xla::ffi;

namespace {

using snnsim::data;

// What XLA hands over, in the order of event_propagation.py.
struct Buffers {
  ffi::AnyBuffer ring, values, weight, starts, ends, targets, delays, step;
  ffi::AnyBuffer after;  // the ring afterwards, in the same memory where XLA could arrange it
  int32_t* counts;       // of each source, int32 [batch, sources]; null in `propagate`
  void* arrivals;
  void* words;
};

template <typename Real, typename Weight, typename Delay>
snnsim::Table<Real, Weight, Delay> table_of(const Buffers& given) {
  return {given.weight, given.starts, given.ends, given.targets, given.delays, given.ring, given.after};
}

template <typename Real, typename Weight, typename Delay>
void propagate(const Buffers& given) {
  const auto table = table_of<Real, Weight, Delay>(given);
  const int64_t steps = given.values.dimensions()[0], begin = *data<int32_t>(given.step);
  const Real* value = data<Real>(given.values);
  for (int64_t t = 0; t < steps; ++t) {
    const int64_t now = (begin + t) % table.depth;
    for (int64_t sample = 0; sample < table.batch; ++sample, value += table.sources) {
      for (int64_t source = 0; source < table.sources; ++source) {
        if (value[source] != 0) table.send(source, value[source], now, sample);
      }
    }
  }
}

template <typename Real, typename Weight, typename Delay>
void exchange(const Buffers& given) {
  const auto table = table_of<Real, Weight, Delay>(given);
  auto* arrivals = static_cast<Real*>(given.arrivals);
  auto* word = static_cast<uint32_t*>(given.words);
  int32_t* count = given.counts;
  const int64_t now = *data<int32_t>(given.step) % table.depth;
  const Real* value = data<Real>(given.values);
  for (int64_t sample = 0; sample < table.batch; ++sample, value += table.sources, count += table.sources) {
    for (int64_t first = 0; first < table.sources; first += 32, ++word) {
      const int64_t width = std::min<int64_t>(32, table.sources - first);
      uint32_t bits = 0;
      for (int64_t k = 0; k < width; ++k) bits |= static_cast<uint32_t>(value[first + k] != 0) << k;
      *word = bits;
      for (; bits; bits &= bits - 1) {
        const int64_t source = first + __builtin_ctz(bits);
        ++count[source];
        table.send(source, value[source], now, sample);
      }
    }
  }
  Real* due = table.row(now, 0);
  std::memcpy(arrivals, due, sizeof(Real) * table.batch * table.slots);
  std::memset(due, 0, sizeof(Real) * table.batch * table.slots);
}

template <typename Real, typename Weight, typename Delay>
void run(const Buffers& given) {
  given.arrivals ? exchange<Real, Weight, Delay>(given) : propagate<Real, Weight, Delay>(given);
}

template <typename Real, typename Weight>
void by_delay(const Buffers& given) {
  switch (given.delays.element_type()) {
    case ffi::DataType::U8: return run<Real, Weight, uint8_t>(given);
    case ffi::DataType::U16: return run<Real, Weight, uint16_t>(given);
    default: return run<Real, Weight, int32_t>(given);
  }
}

template <typename Real>
void by_weight(const Buffers& given) {
  if (given.weight.element_type() == ffi::DataType::BF16) return by_delay<Real, snnsim::bfloat16>(given);
  return by_delay<Real, Real>(given);
}

ffi::Error by_type(const Buffers& given) {
  given.ring.element_type() == ffi::DataType::F64 ? by_weight<double>(given) : by_weight<float>(given);
  return ffi::Error::Success();
}

ffi::Error propagate_call(ffi::AnyBuffer ring, ffi::AnyBuffer values, ffi::AnyBuffer weight, ffi::AnyBuffer starts,
                          ffi::AnyBuffer ends, ffi::AnyBuffer targets, ffi::AnyBuffer delays, ffi::AnyBuffer step,
                          ffi::Result<ffi::AnyBuffer> after) {
  return by_type({ring, values, weight, starts, ends, targets, delays, step, *after, nullptr, nullptr, nullptr});
}

ffi::Error exchange_call(ffi::AnyBuffer ring, ffi::AnyBuffer values, ffi::AnyBuffer weight, ffi::AnyBuffer starts,
                         ffi::AnyBuffer ends, ffi::AnyBuffer targets, ffi::AnyBuffer delays, ffi::AnyBuffer step,
                         ffi::Buffer<ffi::S32> counts, ffi::Result<ffi::AnyBuffer> after,
                         ffi::Result<ffi::Buffer<ffi::S32>> counted, ffi::Result<ffi::AnyBuffer> arrivals,
                         ffi::Result<ffi::AnyBuffer> words) {
  int32_t* count = counted->typed_data();
  if (count != counts.typed_data()) std::memcpy(count, counts.typed_data(), sizeof(int32_t) * counts.element_count());
  return by_type({ring, values, weight, starts, ends, targets, delays, step, *after, count, arrivals->untyped_data(),
                  words->untyped_data()});
}

#define SNNSIM_ARGUMENTS                                                                                        \
  Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>() \
      .Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>().Arg<ffi::AnyBuffer>()

}  // namespace

XLA_FFI_DEFINE_HANDLER_SYMBOL(snnsim_propagate, propagate_call,
                              ffi::Ffi::Bind().SNNSIM_ARGUMENTS.Ret<ffi::AnyBuffer>());

XLA_FFI_DEFINE_HANDLER_SYMBOL(snnsim_exchange, exchange_call,
                              ffi::Ffi::Bind()
                                  .SNNSIM_ARGUMENTS.Arg<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::Buffer<ffi::S32>>()
                                  .Ret<ffi::AnyBuffer>()
                                  .Ret<ffi::AnyBuffer>());
