#pragma once
// Conformance: folders of cases from other projects, one family each. A runner reads every case of `dir`,
// prints one line of totals and one line for each case that fails, and returns the process' exit code: 0 all
// pass, 1 some fail, 77 no case was found.

#include <set>
#include <string>
#include <string_view>

namespace waypath::conformance {

int run_netpol(const std::string& dir);
int run_authz(const std::string& dir);
int run_routing(const std::string& dir);

/// tests/conformance/deviations.txt without the reasons: "family/case | request | key" (routing),
/// "family/case | check" (netpol).
std::set<std::string> read_deviations();
/// Whether a line of it, in which `*` stands for anything, covers `text`.
bool covers(std::string_view line, std::string_view text);

}  // namespace waypath::conformance
