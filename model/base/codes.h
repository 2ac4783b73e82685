#pragma once
// Stable upper-case codes: diagnostics of the model, reasons, assumptions and lint of sim. Each folder
// declares its codes in one table (`model/diagnostic_codes.cc`, `sim/reasons/reason_codes.cc`, ...); `waypath
// explain CODE` prints a row.

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>

namespace waypath::model {

/// A code is the address of its static text: cheap to copy, printed as it is. Codes are compared by text.
struct Code {
  std::string_view text;
  friend bool operator==(Code a, Code b) { return a.text == b.text; }
  friend auto operator<=>(Code a, Code b) { return a.text <=> b.text; }
};

/// One row of a code table: what `waypath explain` tells.
struct CodeInfo {
  enum class Kind : std::uint8_t { Diagnostic, Reason, Assumption, Lint };
  Code code;
  Kind kind;
  std::string_view summary;  // one line
  std::string_view meaning;  // what it means and why Istio or Kubernetes behaves so
  std::string_view fix;      // what to do
  std::string_view source;   // upstream source
};

}  // namespace waypath::model
