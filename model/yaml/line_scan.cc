#include "model/yaml/line_scan.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace waypath::model::yaml {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool deeper(std::string_view text, std::size_t line, std::uint32_t column) {
  for (std::size_t i = line; i <= line + column; ++i)
    if (i >= text.size() || text[i] != ' ') return false;
  return true;
}

// The same line by line: for the end of a text, and for machines without the instructions below.
std::size_t skip_deeper_by_line(std::string_view text, std::size_t at, std::uint32_t column,
                                std::uint32_t& lines) {
  while (at < text.size() && deeper(text, at, column)) {
    const std::size_t newline = text.find('\n', at);
    ++lines;
    if (newline == kNone) return text.size();
    at = newline + 1;
  }
  return at;
}

std::size_t control_by_byte(std::string_view text, std::size_t begin, std::size_t end, bool& tabs) {
  for (std::size_t i = begin; i < end; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c >= 0x20 && c != 0x7F) || c == '\n') continue;
    if (c != '\t' && (c != '\r' || (i + 1 != text.size() && text[i + 1] != '\n'))) return i;
    tabs = true;
  }
  return kNone;
}

// Where a scan of JSON stands.
struct JsonState {
  std::size_t depth = 0;
  bool in_text = false, escaped = false;

  /// True when `c` closes the outermost bracket.
  bool step(char c) {
    if (in_text) {
      if (escaped) {
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
      } else if (c == '"') {
        in_text = false;
      }
      return false;
    }
    if (c == '"') in_text = true;
    if (c == '{' || c == '[') ++depth;
    return (c == '}' || c == ']') && --depth == 0;
  }
};

std::size_t json_end_by_byte(std::string_view text, std::size_t begin, std::size_t end, JsonState& state) {
  for (std::size_t i = begin; i < end; ++i)
    if (state.step(text[i])) return i + 1;
  return kNone;
}

#if defined(__x86_64__)

// Blocks of 32 bytes with AVX2, of 16 without. A mask has a bit for each byte of its block.
struct Avx2 {
  static constexpr std::size_t kWidth = 32;
  __attribute__((target("avx2"))) static __m256i load(const char* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  __attribute__((target("avx2"))) static std::uint32_t equal(const char* p, char c) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), _mm256_set1_epi8(c))));
  }
  // Bytes that are `c` once they are lower case.
  __attribute__((target("avx2"))) static std::uint32_t folded(const char* p, char c) {
    const __m256i v = _mm256_or_si256(load(p), _mm256_set1_epi8(0x20));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(c))));
  }
  // Bytes 0x00 to 0x1F and 0x7F, but for line feed.
  __attribute__((target("avx2"))) static std::uint32_t controls(const char* p) {
    const __m256i v = load(p);
    const __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1F)), v);
    const __m256i fine = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\n'));
    const __m256i del = _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7F));
    return static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_or_si256(_mm256_andnot_si256(fine, low), del)));
  }
};

struct Sse2 {
  static constexpr std::size_t kWidth = 16;
  static __m128i load(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static std::uint32_t equal(const char* p, char c) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(load(p), _mm_set1_epi8(c))));
  }
  static std::uint32_t folded(const char* p, char c) {
    const __m128i v = _mm_or_si128(load(p), _mm_set1_epi8(0x20));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c))));
  }
  static std::uint32_t controls(const char* p) {
    const __m128i v = load(p);
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
    const __m128i fine = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
    const __m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7F));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(fine, low), del)));
  }
};

// One body for both; each instance is compiled for its instructions, so it has to be inlined into a function
// that carries the target.
template <class Block>
__attribute__((always_inline)) inline std::size_t skip_deeper_in(std::string_view text, std::size_t at,
                                                                 std::uint32_t column, std::uint32_t& lines) {
  if (!deeper(text, at, column)) return at;
  const std::size_t spaces = std::size_t{column} + 1;
  std::size_t i = at;
  std::uint32_t passed = 0;
  for (; i + Block::kWidth + spaces <= text.size(); i += Block::kWidth) {
    const char* const p = text.data() + i;
    const std::uint32_t breaks = Block::equal(p, '\n');
    if (breaks == 0) continue;
    std::uint32_t deep = breaks;
    for (std::size_t k = 1; k <= spaces && deep == breaks; ++k) deep &= Block::equal(p + k, ' ');
    if (deep == breaks) {
      passed += static_cast<std::uint32_t>(std::popcount(breaks));
      continue;
    }
    // The first break that a shallower line follows. A break that failed early may hide an earlier one.
    for (std::uint32_t rest = breaks; rest != 0; rest &= rest - 1) {
      ++passed;
      const std::size_t line = i + static_cast<std::size_t>(std::countr_zero(rest)) + 1;
      if (deeper(text, line, column)) continue;
      lines += passed;
      return line;
    }
  }
  // The rest, from the start of a line: the break before `i` may be in the block before it.
  lines += passed;
  const std::size_t newline = text.find('\n', i);
  if (newline == kNone) {
    ++lines;
    return text.size();
  }
  ++lines;
  return skip_deeper_by_line(text, newline + 1, column, lines);
}

template <class Block>
__attribute__((always_inline)) inline std::size_t find_control_in(std::string_view text, bool& tabs) {
  std::size_t i = 0;
  for (; i + Block::kWidth <= text.size(); i += Block::kWidth) {
    if (Block::controls(text.data() + i) == 0) continue;
    if (const std::size_t found = control_by_byte(text, i, i + Block::kWidth, tabs); found != kNone)
      return found;
  }
  return control_by_byte(text, i, text.size(), tabs);
}

// 64 bytes at once: a bit for each byte.
template <class Block>
struct JsonMasks {
  std::uint64_t quotes = 0, backslashes = 0, opens = 0, closes = 0;

  __attribute__((always_inline)) explicit JsonMasks(const char* p) {
    for (std::size_t i = 0; i < 64; i += Block::kWidth) {
      quotes |= std::uint64_t{Block::equal(p + i, '"')} << i;
      backslashes |= std::uint64_t{Block::equal(p + i, '\\')} << i;
      opens |= std::uint64_t{Block::folded(p + i, '{')} << i;   // [ too
      closes |= std::uint64_t{Block::folded(p + i, '}')} << i;  // ] too
    }
  }
};

// The bytes that a backslash before them escapes; `escaped` says it of the block's first byte, then of the
// next block's. Runs of backslashes are told even from odd by a sum that carries through them. Source:
// simdjson, json_escape_scanner
inline std::uint64_t escaped_bytes(std::uint64_t backslashes, bool& escaped) {
  constexpr std::uint64_t kEven = 0x5555555555555555U;
  const std::uint64_t before = escaped ? 1 : 0;
  backslashes &= ~before;
  const std::uint64_t follows = backslashes << 1U | before;
  const std::uint64_t odd_starts = backslashes & ~kEven & ~follows;
  std::uint64_t even_runs = 0;
  escaped = __builtin_add_overflow(odd_starts, backslashes, &even_runs);
  return (kEven ^ (even_runs << 1U)) & follows;
}

// Texts are what lies between quotes, brackets outside of them count. A block with a backslash outside of a
// text, which is no JSON, is looked at byte by byte.
template <class Block>
__attribute__((always_inline)) inline std::size_t json_container_end_in(std::string_view text,
                                                                        std::size_t at) {
  JsonState state;
  std::size_t i = at;
  for (; i + 64 <= text.size(); i += 64) {
    const JsonMasks<Block> masks(text.data() + i);
    std::uint64_t inside = masks.quotes;  // becomes: a bit for each byte from an opening quote on
    bool escaped = state.escaped;
    if (escaped || masks.backslashes != 0) inside &= ~escaped_bytes(masks.backslashes, escaped);
    for (std::uint32_t shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
    if (state.in_text) inside = ~inside;
    if ((masks.backslashes & ~inside) != 0) {
      if (const std::size_t found = json_end_by_byte(text, i, i + 64, state); found != kNone) return found;
      continue;
    }
    state.escaped = escaped;
    const std::uint64_t opens = masks.opens & ~inside, closes = masks.closes & ~inside;
    const auto most = static_cast<std::size_t>(std::popcount(closes));
    if (most >= state.depth) {  // the outermost one may close here
      for (std::uint64_t rest = opens | closes; rest != 0; rest &= rest - 1) {
        const bool open = (opens & rest & (~rest + 1)) != 0;
        state.depth += open ? 1 : std::size_t(-1);
        if (state.depth == 0) return i + static_cast<std::size_t>(std::countr_zero(rest)) + 1;
      }
    } else {
      state.depth += static_cast<std::size_t>(std::popcount(opens)) - most;
    }
    state.in_text = (inside >> 63U) != 0;
  }
  return json_end_by_byte(text, i, text.size(), state);
}

template <class Block>
__attribute__((always_inline)) inline std::size_t count_lines_in(std::string_view text) {
  std::size_t i = 0, lines = 0;
  for (; i + Block::kWidth <= text.size(); i += Block::kWidth)
    lines += static_cast<std::size_t>(std::popcount(Block::equal(text.data() + i, '\n')));
  for (; i < text.size(); ++i) lines += text[i] == '\n' ? 1 : 0;
  return lines;
}

#define WAYPATH_FAST __attribute__((target("avx2,popcnt,bmi")))
WAYPATH_FAST std::size_t skip_deeper_avx2(std::string_view text, std::size_t at, std::uint32_t column,
                                          std::uint32_t& lines) {
  return skip_deeper_in<Avx2>(text, at, column, lines);
}
WAYPATH_FAST std::size_t find_control_avx2(std::string_view text, bool& tabs) {
  return find_control_in<Avx2>(text, tabs);
}
WAYPATH_FAST std::size_t json_container_end_avx2(std::string_view text, std::size_t at) {
  return json_container_end_in<Avx2>(text, at);
}
WAYPATH_FAST std::size_t count_lines_avx2(std::string_view text) { return count_lines_in<Avx2>(text); }
#undef WAYPATH_FAST

const bool kAvx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0 &&
                   __builtin_cpu_supports("bmi") != 0;

#endif

}  // namespace

std::size_t skip_deeper(std::string_view text, std::size_t at, std::uint32_t column, std::uint32_t& lines) {
#if defined(__x86_64__)
  return kAvx2 ? skip_deeper_avx2(text, at, column, lines) : skip_deeper_in<Sse2>(text, at, column, lines);
#else
  return skip_deeper_by_line(text, at, column, lines);
#endif
}

std::size_t find_control(std::string_view text, bool& tabs) {
#if defined(__x86_64__)
  return kAvx2 ? find_control_avx2(text, tabs) : find_control_in<Sse2>(text, tabs);
#else
  return control_by_byte(text, 0, text.size(), tabs);
#endif
}

std::size_t json_container_end(std::string_view text, std::size_t at) {
#if defined(__x86_64__)
  return kAvx2 ? json_container_end_avx2(text, at) : json_container_end_in<Sse2>(text, at);
#else
  JsonState state;
  return json_end_by_byte(text, at, text.size(), state);
#endif
}

std::size_t count_lines(std::string_view text) {
#if defined(__x86_64__)
  return kAvx2 ? count_lines_avx2(text) : count_lines_in<Sse2>(text);
#else
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
#endif
}

}  // namespace waypath::model::yaml
