// What the compiled kernels share: the table of synapses, and scalar operations as JAX defines them.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "xla/ffi/api/ffi.h"

namespace snnsim {

namespace ffi = xla::ffi;

struct bfloat16 {
  uint16_t bits;
  template <typename Real>
  explicit operator Real() const {
    uint32_t wide = static_cast<uint32_t>(bits) << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return static_cast<Real>(value);
  }
};

template <typename T>
T* data(const ffi::AnyBuffer& buffer) {
  return static_cast<T*>(buffer.untyped_data());
}

// Synapses by source, and the ring of arrivals into which spikes send them. Sizes were checked in Python; indices are
// checked when a table is made.
template <typename Real, typename Weight, typename Delay>
struct Table {
  const Weight* weight;  // [synapses] or [1]
  const int32_t* start;  // [sources]
  const int32_t* end;
  const int32_t* target;  // [synapses]
  const Delay* delay;     // [synapses] or [1]
  Real* ring;             // [depth, batch, slots]
  int64_t depth, batch, slots, sources;
  bool one_weight, one_delay;

  Table(const ffi::AnyBuffer& weights, const ffi::AnyBuffer& starts, const ffi::AnyBuffer& ends,
        const ffi::AnyBuffer& targets, const ffi::AnyBuffer& delays, const ffi::AnyBuffer& before,
        const ffi::AnyBuffer& after)
      : weight(data<Weight>(weights)),
        start(data<int32_t>(starts)),
        end(data<int32_t>(ends)),
        target(data<int32_t>(targets)),
        delay(data<Delay>(delays)),
        ring(data<Real>(after)),
        depth(before.dimensions()[0]),
        batch(before.dimensions()[1]),
        slots(before.dimensions()[2]),
        sources(starts.dimensions()[0]),
        one_weight(weights.dimensions()[0] == 1),
        one_delay(delays.dimensions()[0] == 1) {
    if (ring != data<Real>(before)) std::memcpy(ring, before.untyped_data(), sizeof(Real) * depth * batch * slots);
  }

  Real* row(int64_t step, int64_t sample) const { return ring + (step % depth * batch + sample) * slots; }

  // All synapses of a source; `now` is the row of delay 0.
  void send(int64_t source, Real value, int64_t now, int64_t sample) const {
    for (int64_t n = start[source]; n < end[source]; ++n) {
      int64_t row = now + delay[one_delay ? 0 : n];
      if (row >= depth) row -= depth;
      ring[(row * batch + sample) * slots + target[n]] += value * static_cast<Real>(weight[one_weight ? 0 : n]);
    }
  }
};

// Flags of 0 or 1, a byte each, as bits; eight at a time.
inline uint32_t bits_of(const uint8_t* flags) {
  uint64_t eight[4];
  std::memcpy(eight, flags, sizeof eight);
  if (!(eight[0] | eight[1] | eight[2] | eight[3])) return 0;  // as nearly always
  uint32_t bits = 0;
  for (int k = 0; k < 4; ++k) bits |= static_cast<uint32_t>((eight[k] * 0x0102040810204080u) >> 56) << (8 * k);
  return bits;
}

template <typename Real>
inline uint32_t bits_of(const Real* values) {
  uint32_t bits = 0;
  for (int k = 0; k < 32; ++k) bits |= static_cast<uint32_t>(values[k] != 0) << k;
  return bits;
}

// -- scalar operations, NaN travelling as in JAX; compiled with integers that wrap (-fwrapv) -------------------------

template <typename T>
inline T maximum(T a, T b) { return a != a ? a : (a > b ? a : b); }
template <typename T>
inline T minimum(T a, T b) { return a != a ? a : (a < b ? a : b); }
template <typename T>
inline T clamped(T low, T x, T high) { return minimum(maximum(x, low), high); }
template <typename T>
inline T magnitude(T a) {
  if constexpr (std::is_floating_point_v<T>) return std::fabs(a);
  else return a < 0 ? -a : a;
}
template <typename T>
inline T sign_of(T a) { return a > 0 ? T(1) : (a < 0 ? T(-1) : a * T(0)); }
template <typename T>
inline T squared(T a) { return a * a; }
template <typename T>
inline T inverse_root(T a) { return T(1) / std::sqrt(a); }
template <typename T>
inline T quotient(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a / b;
  else if (b == 0) return T(-1);
  else if (std::is_signed_v<T> && b == T(-1)) return -a;  // the smallest number has no counterpart: it stays
  else return a / b;
}
template <typename T>
inline T remainder_of(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return std::fmod(a, b);
  else if (b == 0) return a;
  else if (std::is_signed_v<T> && b == T(-1)) return 0;
  else return a % b;
}
template <typename T>
inline T power(T a, int n) {  // by repeated squares, in JAX's order
  T result = 1;
  for (int k = n < 0 ? -n : n; k; k >>= 1, a *= a) {
    if (k & 1) result *= a;
  }
  return n < 0 ? T(1) / result : result;
}
// Whole numbers of a type hold what is left of the range; not a number becomes 0.
template <typename Int, typename Real>
inline Int truncated(Real a) {
  using Limits = std::numeric_limits<Int>;
  if (a != a) return 0;
  if (a <= static_cast<Real>(Limits::min())) return Limits::min();
  return a >= static_cast<Real>(Limits::max()) ? Limits::max() : static_cast<Int>(a);
}
// Shifts by the width or more, or by a negative number, leave nothing but the sign.
template <typename T>
inline bool within_width(T n) { return static_cast<std::make_unsigned_t<T>>(n) < 8 * sizeof(T); }
template <typename T>
inline T shifted_left(T a, T n) { return within_width(n) ? static_cast<T>(a << n) : T(0); }
template <typename T>
inline T shifted_right(T a, T n) {
  return within_width(n) ? static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) >> n) : T(0);
}
template <typename T>
inline T shifted_right_signed(T a, T n) {
  const T places = within_width(n) ? n : static_cast<T>(8 * sizeof(T) - 1);
  return static_cast<T>(static_cast<std::make_signed_t<T>>(a) >> places);
}

inline double exponential(double a) { return std::exp(a); }
inline double logarithm(double a) { return std::log(a); }
inline float logarithm(float a) { return std::log(a); }

// Without branches or calls, so that a compiler runs it on many units at once; within 1 unit in the last place.
inline float exponential(float a) {
  const float x = minimum(maximum(a, -105.0f), 89.0f);
  const float n = std::nearbyint(x * 1.44269504f);
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // Two halves of the power of two: the smallest numbers have no exponent of their own.
  const int32_t low = static_cast<int32_t>(n) / 2, high = static_cast<int32_t>(n) - low;
  const uint32_t first = static_cast<uint32_t>(low + 127) << 23, second = static_cast<uint32_t>(high + 127) << 23;
  float scale, more;
  std::memcpy(&scale, &first, sizeof scale);
  std::memcpy(&more, &second, sizeof more);
  return p * scale * more;
}
template <typename T>
inline T logistic(T a) { return T(1) / (T(1) + exponential(-a)); }

}  // namespace snnsim
