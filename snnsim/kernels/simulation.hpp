// The loop over time that the programs of compiled_steps.py share.

#pragma once

#include <tuple>

#include "steps.hpp"

namespace snnsim {

// Arguments and results of the call, one after the other, in the order of compiled_steps.py.
class Inputs {
 public:
  Inputs(const ffi::RemainingArgs& given, size_t at) : given_(given), at_(at) {}
  ffi::AnyBuffer next() { return given_.get<ffi::AnyBuffer>(at_++).value(); }
  template <typename T>
  T* next() { return static_cast<T*>(next().untyped_data()); }

 private:
  const ffi::RemainingArgs& given_;
  size_t at_;
};

class Outputs {
 public:
  Outputs(const ffi::RemainingRets& made, size_t at) : made_(made), at_(at) {}
  ffi::AnyBuffer next() { return *made_.get<ffi::AnyBuffer>(at_++).value(); }
  template <typename T>
  T* next() { return static_cast<T*>(next().untyped_data()); }
  // A sample's state: the input's values, to be changed in place.
  template <typename T>
  T* next_from(Inputs& in, int64_t sample, int64_t units) {
    const T* before = in.next<const T>() + sample * units;
    T* after = next<T>() + sample * units;
    if (after != before) std::memcpy(after, before, sizeof(T) * units);
    return after;
  }
  template <typename T>
  T* next_zero(int64_t sample, int64_t units) {
    T* made = next<T>() + sample * units;
    std::memset(made, 0, sizeof(T) * units);
    return made;
  }

 private:
  const ffi::RemainingRets& made_;
  size_t at_;
};

// Where the outputs of a step go: into the words of the recording, the counts, and along the synapses.
template <typename Real, typename Weight, typename Delay>
struct Spikes {
  const Table<Real, Weight, Delay>& table;
  int32_t* count;   // [sources]
  uint32_t* words;  // of this step
  int64_t now;      // row of a delay of 0
  int64_t sample;

  template <typename Output>
  void add(const Output* output, int64_t source, int64_t units) const {
    for (int64_t first = 0; first < units; first += 32) {  // outputs end with 32 zeros
      uint32_t bits = bits_of(output + first);
      if (!bits) continue;
      const int64_t place = source + first, shift = place % 32;
      words[place / 32] |= bits << shift;
      if (shift && bits >> (32 - shift)) words[place / 32 + 1] |= bits >> (32 - shift);
      for (; bits; bits &= bits - 1) {
        const int64_t unit = first + __builtin_ctz(bits);
        ++count[source + unit];
        table.send(source + unit, static_cast<Real>(output[unit]), now, sample);
      }
    }
  }
};

template <typename Real, typename Weight, typename Delay>
class Simulation {
 public:
  Simulation(const ffi::RemainingArgs& given, const ffi::RemainingRets& made) : given_(given), made_(made) {}

  template <typename... Groups, typename Step>
  void run(Step&& update) const {
    Inputs in(given_, 0);
    const ffi::AnyBuffer before = in.next(), weight = in.next(), starts = in.next(), ends = in.next(),
                         targets = in.next(), delays = in.next();
    const Real* external = in.next<const Real>();
    const int32_t* firsts = in.next<const int32_t>();
    const int64_t first_step = firsts[0], first_row = firsts[1];
    const int32_t* sizes = in.next<const int32_t>();
    Outputs out(made_, 0);
    const Table<Real, Weight, Delay> table(weight, starts, ends, targets, delays, before, out.next());
    auto* counts = out.next<int32_t>();
    auto* words = out.next<uint32_t>();
    const int64_t steps = sizes[0], n_external = sizes[1], n_words = (table.sources + 31) / 32;
    std::memset(counts, 0, sizeof(int32_t) * table.batch * table.sources);
    std::memset(words, 0, sizeof(uint32_t) * steps * table.batch * n_words);

    for (int64_t sample = 0; sample < table.batch; ++sample) {
      std::tuple<Groups...> groups;
      Inputs own_in = in;
      Outputs own_out = out;
      const int32_t* size = sizes + 2;
      std::apply([&](auto&... group) { (group.bind(own_in, own_out, size, sample), ...); }, groups);
      int32_t* count = counts + sample * table.sources;
      for (int64_t t = 0; t < steps; ++t) {
        const Real* value = external + (t * table.batch + sample) * n_external;
        for (int64_t j = 0, source = table.sources - n_external; j < n_external; ++j, ++source) {
          if (value[j] == 0) continue;
          ++count[source];
          table.send(source, value[j], (first_row + t) % table.depth, sample);
        }
        Spikes<Real, Weight, Delay> spikes{table, count, words + (t * table.batch + sample) * n_words,
                                           (first_row + t + 1) % table.depth, sample};
        Real* due = table.row(first_row + t, sample);
        update(due, static_cast<uint32_t>(first_step + t), sample, t, table.batch, groups);
        std::apply([&](auto&... group) { (group.send(spikes), ...); }, groups);
      }
    }
  }

 private:
  const ffi::RemainingArgs& given_;
  const ffi::RemainingRets& made_;
};

}  // namespace snnsim
