#pragma once
// What `plan` and `diff` print.

#include <string>
#include <string_view>

#include "scenarios/plan.h"

namespace waypath::tools {

/// `format`: text, json or markdown. Markdown is a pull-request comment of at most 60,000 characters: what
/// does not fit is counted in its last line.
[[nodiscard]] std::string plan_report(const scenarios::Plan& plan, std::string_view format, bool colour);

/// A changed flow in the words of plan: "+", "-" or "~"; "breaks", "UNGUARDED", ...; "allow (reaches app) ->
/// timeout (connect timeout)"; reason code and object.
struct ChangeWords {
  std::string sign, verb, transition, reason;
};
[[nodiscard]] ChangeWords change_words(const scenarios::FlowChange& change);

}  // namespace waypath::tools
