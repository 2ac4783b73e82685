// A decision without words is the explained verdict, but for what explains.

#include "sim/decide.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/scenarios/shipped_flows.h"

namespace waypath {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& text : texts) out += text + "; ";
  return out;
}

std::string said(const sim::HopResult& hop) {
  return fmt::format("\n  {} {}/{} {} as {} sees {}: {}", to_string(hop.kind), hop.ns, hop.name, hop.pod,
                     hop.identity.principal, hop.seen_peer.principal, to_string(hop.decision));
}

std::string said(const sim::LegResult& leg) {
  return fmt::format("\n  {}>{} {} {} {} {}:{} ({}) {}{}", leg.from, leg.to, to_string(leg.transport),
                     leg.protocol, leg.source, leg.destination, leg.wire_port, leg.inner_port,
                     to_string(leg.decision), leg.dropped ? " dropped" : "");
}

// All that is promised, as text.
std::string said(const sim::Verdict& verdict) {
  std::string out = fmt::format("{} {} {}", to_string(verdict.outcome), verdict.symptom, verdict.split);
  for (const auto& path : verdict.paths) {
    out += fmt::format("\n{} {} {} {} at {} {} backend {} {}", to_string(path.outcome), path.symptom,
                       path.share, path.reason.code.text, path.decided_at_hop.value_or(99),
                       path.decided_at_leg.value_or(99), path.backend, path.backend_pod);
    out += fmt::format("\n  response {} {} {}, bypassed {}", path.response.status, path.response.redirect,
                       path.response.answered_by, joined(path.bypassed));
    if (const auto& request = path.backend_request) {
      out += fmt::format("\n  receives {} {} {}, without {}", request->host, request->path, request->port,
                         joined(request->removed_headers));
      for (const auto& [name, value] : request->headers) out += fmt::format(" {}={}", name, value);
    }
    for (const auto& hop : path.hops) out += said(hop);
    for (const auto& leg : path.legs)
      if (!leg.auxiliary) out += said(leg);
  }
  return out;
}

}  // namespace

TEST_CASE("what is decided without words is what is explained: every shipped flow") {
  std::size_t flows = 0, refused = 0;
  tests::each_shipped_flow([&](const sim::Engine& engine, const sim::Flow& flow, const sim::Assume& assume) {
    model::Diagnostics diagnostics;
    const auto explained = sim::simulate(engine, flow, assume, diagnostics);
    CHECK(said(sim::decide(engine, flow, assume, diagnostics)) == said(explained));
    ++flows;
    if (explained.outcome != sim::Outcome::Allow) ++refused;
  });
  CHECK(flows > 1000);
  CHECK(refused > 300);
}

}  // namespace waypath
