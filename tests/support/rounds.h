#pragma once
// How often a property asks chance: a rule needs many rounds, a sanitizer that looks for errors of memory
// few, each of which takes it a hundred times as long.

#include <cstdint>

namespace waypath::tests {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

/// `many`, with a sanitizer `few`. What is counted over all rounds is worth a check without one only.
[[nodiscard]] constexpr std::uint64_t rounds(std::uint64_t many, std::uint64_t few) {
  return kSanitized ? few : many;
}

}  // namespace waypath::tests
