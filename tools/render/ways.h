#pragma once
// Words that `guard` and `ask` share: clients, addresses, what stops a request, and the trace command that
// confirms a finding.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "model/base/source_pos.h"
#include "scenarios/way_search.h"
#include "tools/render/names.h"

namespace waypath::tools {

/// "waypath trace FROM TO --method POST ... -f cluster/", quoted for a shell. `cluster` are the flags that
/// name the cluster, word by word.
[[nodiscard]] std::string trace_command(const sim::Flow& flow, const std::vector<std::string>& cluster);
/// The same from the program's name on, word by word.
[[nodiscard]] std::vector<std::string> trace_words(const sim::Flow& flow,
                                                   const std::vector<std::string>& cluster);
/// Whether flags of `trace` can say all of the request.
[[nodiscard]] bool traceable(const sim::Flow& flow);

/// "monitoring/deployment/grafana (ambient) and 3 workloads more", "internet, any other address".
[[nodiscard]] std::string client_words(const scenarios::ClientClass& client, bool all_members);
/// "POST /admin, header x-team: a, token of https://sso (sub ops, groups=a)": what of the request is not
/// plain.
[[nodiscard]] std::string request_words(const sim::Flow& flow);
/// "client shop/web -> ztunnel of shop/web-1 -> ztunnel of shop/api-0 -> app shop/api-0".
[[nodiscard]] std::string hops_words(const sim::PathVerdict& path);
/// "NetworkPolicy/shop/deny ingress rule 0  netpol.yaml:4", or the reason's words without an object.
[[nodiscard]] std::string stopped_by(const sim::PathVerdict& path, const model::SourceFiles& files);

[[nodiscard]] nlohmann::ordered_json client_json(const scenarios::ClientClass& client);
[[nodiscard]] nlohmann::ordered_json address_json(const scenarios::TargetAddress& address);
/// Request, path and the confirming command.
[[nodiscard]] nlohmann::ordered_json finding_json(const scenarios::WayFinding& finding,
                                                  const std::vector<std::string>& cluster,
                                                  const model::SourceFiles& files);

/// "shop/web (ambient) -> pod shop/api port 8080".
[[nodiscard]] std::string way_words(const scenarios::WaySearch& search, const scenarios::Way& way,
                                    bool all_members);
/// A line a cause with how many ways it stops, those of most ways first, and an example; `all`: every cause
/// and way.
[[nodiscard]] std::string causes_text(
    const scenarios::WaySearch& search, const std::string& label,
    const std::map<std::string, std::vector<const scenarios::Way*>>& by_cause, const Paint& paint, bool all);

/// "Service/shop/api", "Namespace/shop from outside it".
[[nodiscard]] std::string target_words(const scenarios::AskTarget& target);

/// "14 client classes x 9 addresses (97 ways that can be dialled), 1,240 requests simulated".
[[nodiscard]] std::string effort_words(const scenarios::WaySearch& search);

}  // namespace waypath::tools
