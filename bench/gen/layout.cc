#include "bench/gen/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

constexpr std::array<std::string_view, 26> kWords{
    "api",     "web",     "cart",    "orders", "billing", "search", "users",   "auth",   "mail",
    "reports", "catalog", "gateway", "queue",  "worker",  "stock",  "pricing", "ledger", "audit",
    "export",  "import",  "media",   "notify", "geo",     "rules",  "session", "backup"};
constexpr std::string_view kNameAlphabet = "bcdfghjklmnpqrstvwxz2456789";  // of generated names

std::string letters(std::uint64_t value, int count) {
  std::string out;
  for (int i = 0; i < count; ++i, value /= kNameAlphabet.size())
    out.push_back(kNameAlphabet[value % kNameAlphabet.size()]);
  return out;
}

// Addresses .1 to .254 of a /8 or /16 block that starts at `first`.`second`.
std::string address(int first, int second, int number) {
  const int block = number / 254;
  return fmt::format("{}.{}.{}.{}", first, second + block / 256, block % 256, number % 254 + 1);
}

}  // namespace

Layout::Layout(const Parameters& parameters) : p_(parameters) {
  const auto up = [](int a, int b) { return (a + b - 1) / b; };
  pods_ = p_.namespaces * p_.workloads * p_.replicas;
  if (p_.pods > 0) pods_ = std::min(pods_, p_.pods);
  workloads_ = up(pods_, p_.replicas);
  namespaces_ = up(workloads_, p_.workloads);
  if (p_.netpol_only) return;
  waypoint_namespaces_ = count_share(count_share(namespaces_, p_.ambient_share), p_.waypoint_share);
}

int Layout::replicas(int workload) const { return std::min(p_.replicas, pods_ - first_pod(workload)); }
int Layout::workloads_in(int ns) const { return std::min(p_.workloads, workloads_ - first_workload(ns)); }
int Layout::first_policy(int ns) const { return count_share(ns, p_.policies); }

std::uint64_t Layout::word(int kind, int number) const {
  return Random(p_.seed, {static_cast<std::uint64_t>(kind), static_cast<std::uint64_t>(number)}).next();
}

std::string Layout::namespace_name(int ns) const { return fmt::format("team-{:04}", ns); }

std::string Layout::workload_name(int workload) const {
  const auto local = static_cast<std::size_t>(workload % p_.workloads);
  const auto word = kWords[local % kWords.size()];
  return local < kWords.size() ? std::string(word) : fmt::format("{}-{}", word, local / kWords.size() + 1);
}

std::string Layout::template_hash(int workload) const { return letters(word(1, workload), 10); }
std::string Layout::pod_name(int pod) const {
  const int workload = workload_of(pod);
  return fmt::format("{}-{}-{}", workload_name(workload), template_hash(workload), letters(word(2, pod), 5));
}
std::string Layout::node_name(int node) const { return fmt::format("node-{:04}.example.internal", node); }
std::string Layout::pod_ip(int pod) const { return address(10, 64, pod); }
std::string Layout::node_ip(int node) const { return address(192, 168, node); }
std::string Layout::service_ip(int workload) const { return address(10, 16, workload); }

std::string Layout::uid(int kind, int number) const {
  const auto a = word(kind + 16, number), b = a * 0xd1342543de82ef95U + 1;
  return fmt::format("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32U, a >> 16U & 0xffffU, a >> 4U & 0xfffU,
                     b >> 52U, b & 0xffffffffffffU);
}

bool Layout::ambient(int ns) const { return !p_.netpol_only && in_share(ns, p_.ambient_share); }

bool Layout::has_waypoint(int ns) const {
  return ambient(ns) && in_share(count_share(ns, p_.ambient_share), p_.waypoint_share);
}

bool Layout::names_waypoint(int workload) const {
  const int ns = namespace_of(workload);
  return ambient(ns) && !has_waypoint(ns) && in_share(workload, p_.service_waypoint_share);
}

std::optional<int> Layout::waypoint_namespace(int number) const {
  if (waypoint_namespaces_ == 0) return std::nullopt;
  const int wanted = number % waypoint_namespaces_;
  // The first namespace with `wanted + 1` before its end: counts grow by one at most.
  int low = 0, high = namespaces_;
  const auto before = [&](int ns) {
    return count_share(count_share(ns, p_.ambient_share), p_.waypoint_share);
  };
  while (low + 1 < high) {
    const int middle = low + (high - low) / 2;
    (before(middle) <= wanted ? low : high) = middle;
  }
  return low;
}

std::optional<int> Layout::waypoint_of(int workload) const {
  const int ns = namespace_of(workload);
  if (has_waypoint(ns)) return ns;
  if (!names_waypoint(workload)) return std::nullopt;
  if (in_share(count_share(workload, p_.service_waypoint_share), p_.cross_namespace_waypoint_share))
    if (const auto other = waypoint_namespace(workload)) return other;
  return ns;
}

bool Layout::has_own_waypoint(int ns) const {
  if (!ambient(ns) || has_waypoint(ns)) return false;
  for (int i = 0; i < workloads_in(ns); ++i)
    if (waypoint_of(first_workload(ns) + i) == ns) return true;
  return false;
}

}  // namespace waypath::gen
