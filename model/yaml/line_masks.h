#pragma once
// 64 bytes of a text at once: where the characters stand that give a line of block style its shape.

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace waypath::model::yaml {

/// Bit i stands for byte i.
struct LineMasks {
  std::uint64_t newline = 0, space = 0, colon = 0, hash = 0;
};

inline constexpr std::size_t kMaskBytes = 64;

/// Of the `kMaskBytes` bytes at `p`.
[[nodiscard]] inline LineMasks line_masks(const char* p) {
  LineMasks out;
#if defined(__x86_64__)
  const __m128i newline = _mm_set1_epi8('\n'), space = _mm_set1_epi8(' '), colon = _mm_set1_epi8(':'),
                hash = _mm_set1_epi8('#');
  const auto bits = [](__m128i v, __m128i c, std::size_t shift) {
    return std::uint64_t{static_cast<std::uint16_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, c)))} << shift;
  };
  for (std::size_t i = 0; i < kMaskBytes; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i));
    out.newline |= bits(v, newline, i);
    out.space |= bits(v, space, i);
    out.colon |= bits(v, colon, i);
    out.hash |= bits(v, hash, i);
  }
#else
  for (std::size_t i = 0; i < kMaskBytes; ++i) {
    out.newline |= std::uint64_t{p[i] == '\n'} << i;
    out.space |= std::uint64_t{p[i] == ' '} << i;
    out.colon |= std::uint64_t{p[i] == ':'} << i;
    out.hash |= std::uint64_t{p[i] == '#'} << i;
  }
#endif
  return out;
}

}  // namespace waypath::model::yaml
