#include "sim/reasons/reason_codes.h"

#include <algorithm>

#include "sim/lint/lint_codes.h"
#include "sim/reasons/walk.h"

namespace waypath::sim {

std::vector<CodeInfo> all_codes() {
  std::vector<CodeInfo> out;
  for (const auto rows : {netpol_codes(), authz_codes(), path_codes(), walk_codes(), route_codes()})
    out.insert(out.end(), rows.begin(), rows.end());
  for (const LintCode& row : lint_codes()) out.push_back(row.info);
  std::sort(out.begin(), out.end(), [](const CodeInfo& a, const CodeInfo& b) { return a.code < b.code; });
  return out;
}

}  // namespace waypath::sim
