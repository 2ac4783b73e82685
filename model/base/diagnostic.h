#pragma once
// What is wrong with the input: code, place, what was expected and what to do. Functions that can fail take
// `Diagnostics&`, return an optional and go on, so that one run reports everything.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/codes.h"
#include "model/base/source_pos.h"

namespace waypath::model {

enum class Severity : std::uint8_t { Info, Warning, Error };

/// How far an error reaches. Input: cannot be parsed or used, exit 2. Rejected: the API server would refuse
/// this object; it has no effect, as in a cluster, and only `--strict` exits 2.
enum class Reach : std::uint8_t { Input, Rejected };

struct Diagnostic {
  Code code;
  Severity severity = Severity::Error;
  Reach reach = Reach::Input;
  SourcePos pos;
  std::string object;  // "NetworkPolicy/monitoring/allow-x", or empty
  std::string field;   // field path as the API server prints it: "spec.ingress[0].ports[1].port", or empty
  std::string
      error_type;  // API server's words for a rejected field: Required, Invalid, NotSupported, Forbidden, ...
  std::string message;  // what is wrong and what was expected
  std::string hint;     // what to do; may be empty
};

class Diagnostics {
 public:
  void report(Diagnostic d) { items_.push_back(std::move(d)); }
  void append(Diagnostics other);
  [[nodiscard]] bool has_input_errors() const;
  [[nodiscard]] bool has_errors() const;
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] const std::vector<Diagnostic>& items() const { return items_; }
  /// By file path, line, column, code, message: the order of output. Exact repeats are dropped.
  [[nodiscard]] std::vector<Diagnostic> sorted(const SourceFiles& files) const;

 private:
  std::vector<Diagnostic> items_;
};

/// "file:line:column: error: message [CODE]", the source line, a caret, the hint. Ends with a newline. No
/// colour.
[[nodiscard]] std::string format_diagnostic(const Diagnostic& d, const SourceFiles& files);

}  // namespace waypath::model
