#include "sim/resolve/interception.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace waypath::sim {

namespace {

using model::Annotation;
using model::IpAddress;
using model::Pod;

constexpr std::string_view kIncludeIn = "traffic.sidecar.istio.io/includeInboundPorts";
constexpr std::string_view kExcludeIn = "traffic.sidecar.istio.io/excludeInboundPorts";
constexpr std::string_view kIncludeOut = "traffic.sidecar.istio.io/includeOutboundPorts";
constexpr std::string_view kExcludeOut = "traffic.sidecar.istio.io/excludeOutboundPorts";
constexpr std::string_view kIncludeRanges = "traffic.sidecar.istio.io/includeOutboundIPRanges";
constexpr std::string_view kExcludeRanges = "traffic.sidecar.istio.io/excludeOutboundIPRanges";
constexpr std::string_view kExcludeInterfaces = "traffic.sidecar.istio.io/excludeInterfaces";
constexpr std::string_view kMode = "sidecar.istio.io/interceptionMode";

std::vector<std::string_view> items(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) out.push_back(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

/// Whether a list of ports has the port; nullopt: it cannot be read.
std::optional<bool> lists_port(const Annotation& list, std::uint16_t port) {
  bool found = false;
  for (const std::string_view item : items(list.value)) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
    if (error != std::errc() || end != item.data() + item.size()) return std::nullopt;
    found = found || number == port;
  }
  return found;
}

/// Whether ranges hold the addresses; nullopt: they cannot be read, or hold some of them only.
std::optional<bool> lists_addresses(const Annotation& list, const std::vector<IpAddress>& addresses) {
  std::vector<model::Cidr> ranges;
  for (const std::string_view item : items(list.value)) {
    const auto range = model::parse_cidr_or_ip(item);
    if (!range) return std::nullopt;
    ranges.push_back(*range);
  }
  if (ranges.empty()) return false;
  const auto held = std::count_if(addresses.begin(), addresses.end(), [&](const IpAddress& ip) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const model::Cidr& c) { return c.contains(ip); });
  });
  if (addresses.empty() || (held != 0 && static_cast<std::size_t>(held) != addresses.size()))
    return std::nullopt;
  return held != 0;
}

ObjectAt annotation_at(const Pod& pod, const Annotation& annotation) {
  return {pod.meta.key, annotation.pos.known() ? annotation.pos : pod.meta.pos, -1, {}};
}

std::string said(const Annotation& annotation) {
  return fmt::format("{}: \"{}\"", annotation.key.view(), annotation.value);
}

std::string name(const Pod& pod) {
  return fmt::format("{}/{}", pod.meta.ns().view(), pod.meta.name().view());
}

Interception undecided(const Pod& pod, const Annotation& annotation, const std::string& what) {
  Interception out;
  out.by = annotation_at(pod, annotation);
  out.undecided = fmt::format("whether the sidecar of {} takes {}, with the annotation {}", name(pod), what,
                              said(annotation));
  return out;
}

Interception excepted(const Pod& pod, const Annotation& annotation, const std::string& what) {
  Interception out;
  out.taken = false;
  out.by = annotation_at(pod, annotation);
  out.detail =
      fmt::format("the sidecar of {} does not take {}: annotation {}", name(pod), what, said(annotation));
  return out;
}

/// The annotations that concern every connection of the pod.
std::optional<Interception> at_all(const Pod& pod, const std::string& what) {
  if (const Annotation* mode = pod.meta.annotation(kMode); mode != nullptr && mode->value == "NONE")
    return undecided(pod, *mode, what);
  // What the pod's interface is called is the CNI's affair.
  if (const Annotation* out = pod.meta.annotation(kExcludeInterfaces);
      out != nullptr && out->value.find("eth0") != std::string::npos)
    return undecided(pod, *out, what);
  return std::nullopt;
}

/// Whether an annotation excepts anything; the injector writes some with what holds without them, too.
bool excepts(const Annotation& annotation) {
  const std::string_view key = annotation.key.view(), value = annotation.value;
  if (key == kMode) return value == "NONE";
  if (key == kExcludeInterfaces) return value.find("eth0") != std::string_view::npos;
  if (key == kIncludeIn || key == kIncludeRanges) return value != "*";
  const auto list = items(value);
  return std::any_of(list.begin(), list.end(), [](std::string_view item) {
    return item != "15020" && item != "15021" && item != "15090";
  });
}

std::string exceptions(const Pod& pod, std::initializer_list<std::string_view> names) {
  std::string out;
  for (const std::string_view key : names) {
    const Annotation* a = pod.meta.annotation(key);
    if (a != nullptr && excepts(*a)) out += fmt::format("{}{}", out.empty() ? "" : ", ", said(*a));
  }
  return out;
}

}  // namespace

// Source: istio tools/istio-iptables/pkg/capture/run.go handleInboundPortsInclude: the list of exceptions
// counts where all ports are included; no port is where the list is empty.
Interception inbound_interception(const Pod& pod, std::uint16_t port) {
  const std::string what = fmt::format("what comes in on port {}", port);
  if (auto all = at_all(pod, what)) return std::move(*all);
  const Annotation* include = pod.meta.annotation(kIncludeIn);
  if (include != nullptr && include->value != "*") {
    const auto listed = lists_port(*include, port);
    if (!listed) return undecided(pod, *include, what);
    return *listed ? Interception{} : excepted(pod, *include, what);
  }
  const Annotation* exclude = pod.meta.annotation(kExcludeIn);
  if (exclude == nullptr) return {};
  const auto listed = lists_port(*exclude, port);
  if (!listed) return undecided(pod, *exclude, what);
  return *listed ? excepted(pod, *exclude, what) : Interception{};
}

// The ports and addresses are those that the application dials: kube-proxy translates them outside the pod.
// Source: istio tools/istio-iptables/pkg/capture/run.go Run (in this order), handleOutboundPortsInclude,
// handleOutboundIncludeRules.
Interception outbound_interception(const Pod& pod, std::uint16_t port,
                                   const std::vector<IpAddress>& addresses) {
  const std::string what =
      fmt::format("what goes to {}port {}",
                  addresses.empty()       ? std::string("an address that is not given, ")
                  : addresses.size() == 1 ? fmt::format("{} ", addresses.front().to_string())
                                          : std::string(),
                  port);
  if (auto all = at_all(pod, what)) return std::move(*all);
  if (const Annotation* ports = pod.meta.annotation(kExcludeOut)) {
    const auto listed = lists_port(*ports, port);
    if (!listed) return undecided(pod, *ports, what);
    if (*listed) return excepted(pod, *ports, what);
  }
  if (const Annotation* ranges = pod.meta.annotation(kExcludeRanges)) {
    const auto listed = lists_addresses(*ranges, addresses);
    if (!listed) return undecided(pod, *ranges, what);
    if (*listed) return excepted(pod, *ranges, what);
  }
  const Annotation* ranges = pod.meta.annotation(kIncludeRanges);
  if (ranges == nullptr || ranges->value == "*") return {};
  if (const Annotation* ports = pod.meta.annotation(kIncludeOut)) {
    if (ports->value == "*") return {};
    const auto listed = lists_port(*ports, port);
    if (!listed) return undecided(pod, *ports, what);
    if (*listed) return {};
  }
  const auto listed = lists_addresses(*ranges, addresses);
  if (!listed) return undecided(pod, *ranges, what);
  return *listed ? Interception{} : excepted(pod, *ranges, what);
}

std::string inbound_exceptions(const Pod& pod) {
  return exceptions(pod, {kMode, kExcludeInterfaces, kIncludeIn, kExcludeIn});
}

std::string outbound_exceptions(const Pod& pod) {
  return exceptions(pod,
                    {kMode, kExcludeInterfaces, kExcludeOut, kExcludeRanges, kIncludeRanges, kIncludeOut});
}

}  // namespace waypath::sim
