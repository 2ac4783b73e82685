#include "scenarios/replay/observation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace waypath::scenarios {
namespace {

using sim::Outcome;

constexpr std::array kAll{Outcome::Allow, Outcome::Deny, Outcome::Timeout, Outcome::Unreachable};
const OutcomeSet kAny{Outcome::Allow, Outcome::Deny, Outcome::Timeout, Outcome::Unreachable};

bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }
bool begins(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

Observation certain(std::string text, OutcomeSet fits) {
  Observation out;
  out.fits = out.possible = fits;
  out.text = std::move(text);
  return out;
}

Observation open(std::string text, std::string doubt, OutcomeSet possible = kAny) {
  Observation out;
  out.possible = possible;
  out.text = std::move(text);
  out.doubt = std::move(doubt);
  return out;
}

// Source: istio/ztunnel src/proxy.rs Error; src/proxy/outbound.rs, inbound.rs for where each arises
Observation of_ztunnel(const LogRecord& r) {
  if (r.error.empty()) return certain("connection complete", {Outcome::Allow});
  const std::string_view e = r.error;
  std::string text = fmt::format("{}: {}", r.failed_early ? "connection failed" : "connection complete", e);
  if (has(e, "policy rejection")) return certain(std::move(text), {Outcome::Deny});
  if (has(e, "policy change"))
    return open(std::move(text), "a policy changed while the connection was open",
                {Outcome::Allow, Outcome::Deny});
  if (has(e, "http status: 401") || has(e, "http status: 403"))
    return certain(std::move(text), {Outcome::Deny});
  // The destination's ztunnel answers 503 when the application refuses, 400 when the target is not its own.
  if (has(e, "http status: 503") || has(e, "http status: 400"))
    return certain(std::move(text), {Outcome::Unreachable});
  // Bytes that came back were sent by the destination: whatever ended the connection, it was let through.
  if (r.received > 0) return certain(std::move(text), {Outcome::Allow});
  if (has(e, "maybe a NetworkPolicy") || has(e, "deadline has elapsed") || has(e, "timed out"))
    return certain(std::move(text), {Outcome::Timeout});
  if (has(e, "refused"))  // nothing listens, or the CNI rejects instead of dropping
    return certain(std::move(text), {Outcome::Unreachable, Outcome::Deny});
  for (const std::string_view cause :
       {"no healthy upstream", "unknown waypoint", "no service for target", "no endpoints for",
        "no service or workload", "no valid target port", "no valid service port", "no valid routing",
        "cannot resolve port", "has no IP addresses", "no ip addresses were resolved", "No route to host",
        "unreachable"})
    if (has(e, cause)) return certain(std::move(text), {Outcome::Unreachable});
  const bool tunnelled = !r.dst_hbone_addr.empty();
  if (begins(e, "receive: ") || begins(e, "send: ") || has(e, "connection drain")) {
    // Copying starts when the peer accepted the tunnel; without one a refusal looks the same.
    if (tunnelled) return certain(std::move(text), {Outcome::Allow});
    return open(std::move(text), "the peer may have closed the connection by policy or of its own accord",
                {Outcome::Allow, Outcome::Deny});
  }
  return open(std::move(text), "this error does not tell who refused");
}

// Source: envoyproxy.io docs, "Access logging" (RESPONSE_FLAGS, RESPONSE_CODE_DETAILS), "Response code
// details"
Observation of_envoy(const LogRecord& r) {
  std::string text = r.method.empty() ? std::string("TCP connection") : std::to_string(r.status);
  for (const std::string_view part : {r.response_flags, r.details, r.termination, r.transport_failure})
    if (!part.empty()) text += fmt::format(" {}", part);
  Observation out;
  const std::string_view flags = r.response_flags, details = r.details, failure = r.transport_failure;
  if (begins(details, "rbac_access_denied") || begins(r.termination, "rbac_access_denied") ||
      begins(details, "jwt_authn_access_denied") || begins(details, "ext_authz_denied")) {
    out = certain(std::move(text), {Outcome::Deny});
  } else if (begins(details, "ext_authz_error") || has(flags, "UAEX")) {
    // The provider refused, or could not be reached: then the outcome is that of its own connection.
    out = certain(std::move(text), {Outcome::Deny, Outcome::Timeout, Outcome::Unreachable});
  } else if (begins(details, "direct_response")) {
    out = certain(std::move(text), {Outcome::Allow});
  } else if (flags == "NR" || flags == "NC" || flags == "UH" || has(details, "route_not_found") ||
             has(details, "no_healthy_upstream") || has(details, "cluster_not_found") ||
             has(details, "filter_chain_not_found")) {
    out = certain(std::move(text), {Outcome::Unreachable});
  } else if (begins(flags, "UF")) {
    if (has(details, "connection_timeout") || has(failure, "timeout"))
      out = certain(std::move(text), {Outcome::Timeout});
    else
      out = certain(std::move(text), {Outcome::Unreachable, Outcome::Deny});
  } else if (flags == "UC" && !r.method.empty()) {
    // A tunnel that cannot be built ends like this, after the connect timeout when packets are dropped; so
    // does an application that closes the connection.
    static constexpr std::uint64_t kSlow = 9000;  // ms; the connect timeout is 10 s by default
    out = open(std::move(text), "the application may have closed the connection", kAny);
    out.fits = r.duration_ms >= kSlow ? OutcomeSet{Outcome::Timeout}
                                      : OutcomeSet{Outcome::Deny, Outcome::Unreachable};
  } else if (begins(details, "via_upstream")) {
    out = certain(std::move(text), {Outcome::Allow});
    out.from_upstream = true;
  } else if (r.method.empty() && (flags.empty() || flags == "DC" || flags == "UC")) {
    out = certain(std::move(text), {Outcome::Allow});
  } else {
    out = open(std::move(text), "this line does not tell whether the request arrived");
  }
  out.status = r.status;
  return out;
}

bool is_envoy(sim::HopKind kind) {
  return kind == sim::HopKind::Gateway || kind == sim::HopKind::Waypoint || kind == sim::HopKind::Sidecar;
}

std::optional<std::size_t> place_of(const sim::PathVerdict& path, Observer observer) {
  const auto& hops = path.hops;
  if (hops.empty()) return std::nullopt;
  const auto find = [&](auto&& fits) -> std::optional<std::size_t> {
    const auto it = std::find_if(hops.begin(), hops.end(), fits);
    if (it == hops.end()) return std::nullopt;
    return static_cast<std::size_t>(it - hops.begin());
  };
  const bool own = !hops.front().pod.empty();
  const auto of_client = [&](const sim::HopResult& h) {
    return own && h.pod == hops.front().pod && h.ns == hops.front().ns;
  };
  switch (observer) {
    case Observer::SourceZtunnel:
      return find([&](const auto& h) { return h.kind == sim::HopKind::Ztunnel && of_client(h); });
    case Observer::DestinationZtunnel: {
      std::optional<std::size_t> last;
      for (std::size_t i = 0; i < hops.size(); ++i)
        if (hops[i].kind == sim::HopKind::Ztunnel && (!of_client(hops[i]) || i > 1)) last = i;
      return last;
    }
    case Observer::Gateway:
      return find([](const auto& h) { return h.kind == sim::HopKind::Gateway; });
    case Observer::Waypoint:
      return find([](const auto& h) { return h.kind == sim::HopKind::Waypoint; });
    case Observer::Sidecar:
      return find([](const auto& h) { return h.kind == sim::HopKind::Sidecar; });
  }
  return std::nullopt;
}

// What the prediction says, for a sentence: "deny (http 403)".
std::string said(const sim::PathVerdict& path, const ObserverView& view) {
  if (view.outcome == path.outcome && view.outcome != Outcome::Allow)
    return fmt::format("{} ({})", sim::to_string(path.outcome), path.symptom);
  return std::string(sim::to_string(view.outcome));
}

Comparison compare_path(const sim::PathVerdict& path, Observer observer, const Observation& seen) {
  Comparison out;
  const ObserverView view = view_of(path, observer);
  if (view.outcome == Outcome::Unknown) {
    out.why = path.missing_facts.empty() ? "the manifests do not tell" : path.missing_facts.front();
    return out;
  }
  if (!view.present) {
    out.agreement = Agreement::Disagrees;
    out.why = fmt::format("by the manifests this flow never reaches a {}: {}", to_string(observer),
                          said(path, view));
    return out;
  }
  const bool same_answer = seen.from_upstream && view.status != 0 && view.status == seen.status;
  if (seen.fits.has(view.outcome) || same_answer) {
    out.agreement = Agreement::Agrees;
    return out;
  }
  if (seen.possible.has(view.outcome)) {
    out.why = seen.doubt;
    return out;
  }
  out.agreement = Agreement::Disagrees;
  out.why = fmt::format("predicted {}, the log shows {}", said(path, view), seen.fits.text());
  return out;
}

}  // namespace

std::string OutcomeSet::text() const {
  std::string out;
  for (const Outcome o : kAll)
    if (has(o)) out.append(out.empty() ? "" : " or ").append(sim::to_string(o));
  return out;
}

Observation observe(const LogRecord& record) {
  return record.writer == LogRecord::Writer::Envoy ? of_envoy(record) : of_ztunnel(record);
}

std::string_view to_string(Observer observer) {
  switch (observer) {
    case Observer::SourceZtunnel:
      return "source ztunnel";
    case Observer::DestinationZtunnel:
      return "destination ztunnel";
    case Observer::Gateway:
      return "gateway";
    case Observer::Waypoint:
      return "waypoint";
    case Observer::Sidecar:
      return "sidecar";
  }
  return {};
}

std::string_view to_string(Agreement agreement) {
  switch (agreement) {
    case Agreement::Agrees:
      return "agrees";
    case Agreement::Disagrees:
      return "disagrees";
    case Agreement::Undetermined:
      return "undetermined";
  }
  return {};
}

ObserverView view_of(const sim::PathVerdict& path, Observer observer) {
  ObserverView view;
  view.outcome = path.outcome;
  view.status = path.response.status;
  const auto at = place_of(path, observer);
  // Decided before it: nothing to log.
  const bool before = at && ((path.decided_at_hop && *path.decided_at_hop < *at) ||
                             (path.decided_at_leg && *path.decided_at_leg < *at));
  view.present = at.has_value() && !(before && path.outcome != Outcome::Allow);
  if (!view.present) return view;
  // A source ztunnel sees the connection to the next proxy, not what that one decides.
  if (observer == Observer::SourceZtunnel) {
    std::size_t next = *at + 1;
    while (next < path.hops.size() && !is_envoy(path.hops[next].kind)) ++next;
    const bool beyond = (path.decided_at_hop && *path.decided_at_hop >= next) ||
                        (path.decided_at_leg && *path.decided_at_leg >= next);
    if (next < path.hops.size() && beyond) view.outcome = Outcome::Allow;
  }
  return view;
}

Comparison compare(const sim::Verdict& verdict, Observer observer, const Observation& seen) {
  std::optional<Comparison> best;
  for (std::size_t i = 0; i < verdict.paths.size(); ++i) {
    Comparison one = compare_path(verdict.paths[i], observer, seen);
    one.path = i;
    if (one.agreement == Agreement::Agrees) return one;
    if (!best || (one.agreement == Agreement::Undetermined && best->agreement == Agreement::Disagrees))
      best = std::move(one);
  }
  return best.value_or(Comparison{});
}

}  // namespace waypath::scenarios
