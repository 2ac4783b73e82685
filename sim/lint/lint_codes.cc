#include "sim/lint/lint_codes.h"

#include <algorithm>

namespace waypath::sim {

const std::vector<LintCode>& lint_codes() {
  static const std::vector<LintCode> all = [] {
    std::vector<LintCode> out;
    for (const auto rows : {lint_codes_netpol(), lint_codes_mesh(), lint_codes_authz(), lint_codes_route()})
      out.insert(out.end(), rows.begin(), rows.end());
    std::sort(out.begin(), out.end(),
              [](const LintCode& a, const LintCode& b) { return a.info.code < b.info.code; });
    return out;
  }();
  return all;
}

const LintCode* find_lint_code(std::string_view code) {
  const auto& all = lint_codes();
  const auto it = std::lower_bound(all.begin(), all.end(), code, [](const LintCode& row, std::string_view c) {
    return row.info.code.text < c;
  });
  return it != all.end() && it->info.code.text == code ? &*it : nullptr;
}

}  // namespace waypath::sim
