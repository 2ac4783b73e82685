#pragma once
// Lines of a text from which lines were left out -> lines of the file.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace waypath::model::yaml {

class LineMap {
 public:
  /// Line 0 of the text is line `first_line` (1-based) of the file.
  explicit LineMap(std::uint32_t first_line) : steps_{{0, first_line}} {}

  /// From line `line` (0-based) of the text on, `count` more lines of the file were left out.
  void skip(std::uint32_t line, std::uint32_t count) {
    if (count == 0) return;
    if (steps_.back().line == line) {
      steps_.back().offset += count;
    } else {
      steps_.push_back({line, steps_.back().offset + count});
    }
  }

  /// The 1-based line of the file where line `line` (0-based) of the text stands.
  [[nodiscard]] std::uint32_t file_line(std::uint32_t line) const {
    const auto after =
        std::upper_bound(steps_.begin(), steps_.end(), line,
                         [](std::uint32_t value, const Step& step) { return value < step.line; });
    return line + std::prev(after)->offset;
  }

 private:
  struct Step {
    std::uint32_t line;    // first line of the text it holds for
    std::uint32_t offset;  // to add
  };
  std::vector<Step> steps_;
};

}  // namespace waypath::model::yaml
