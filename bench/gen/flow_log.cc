// Lines of ztunnel's access log. Source: istio/ztunnel src/proxy/metrics.rs (ConnectionResult),
// src/telemetry.rs

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bench/gen/objects.h"
#include "bench/gen/random.h"

namespace waypath::gen {
namespace {

constexpr int kAsked = 20;  // Services that a workload asks

class Lines {
 public:
  Lines(const Parameters& parameters, const FlowLog& log) : layout_(parameters), log_(log) {}

  std::string line(std::uint64_t i) {
    const std::uint64_t seed = layout_.parameters().seed;
    Random random(seed, {number(Stream::Log), i});
    int client = random.below(layout_.pods());
    while (!in_mesh(layout_.workload_of(client))) client = (client + 1) % layout_.pods();
    const int from = layout_.workload_of(client);
    const int target = asked(from, random.below(kAsked));
    const int server = layout_.first_pod(target) + random.below(layout_.replicas(target));
    const bool tunnelled = in_mesh(target), failed = random.chance(log_.failed_share);
    const bool outbound = !tunnelled || random.chance(0.5);  // the server's ztunnel tells it too
    fields_.clear();
    add("src.addr", fmt::format("{}:{}", layout_.pod_ip(client), 30'000 + random.below(30'000)));
    party("src", client, from, tunnelled);
    add("dst.addr", fmt::format("{}:{}", layout_.pod_ip(server), tunnelled ? 15008 : 8080));
    if (tunnelled) add("dst.hbone_addr", layout_.pod_ip(server) + ":8080");
    add("dst.service", fmt::format("{}.{}.svc.cluster.local", layout_.workload_name(target),
                                   layout_.namespace_name(layout_.namespace_of(target))));
    party("dst", server, target, tunnelled);
    add("direction", outbound ? "outbound" : "inbound");
    add("bytes_sent", std::to_string(random.below(9'000)));
    add("bytes_recv", failed ? "0" : std::to_string(random.below(90'000)));
    add("duration", fmt::format("{}ms", random.below(900)));
    if (failed)
      add("error",
          tunnelled ? "http status: 401 Unauthorized" : "connection timed out, maybe a NetworkPolicy");
    const std::string time = fmt::format("2026-08-20T{:02}:{:02}:{:02}.{:03}000Z", i / 3'600'000 % 24,
                                         i / 60'000 % 60, i / 1'000 % 60, i % 1'000);
    return log_.json ? as_json(time, failed) : as_text(time, failed);
  }

 private:
  [[nodiscard]] bool in_mesh(int workload) const { return layout_.ambient(layout_.namespace_of(workload)); }

  // A workload's choice stays; a Service behind a waypoint is asked through it, which is another line.
  int asked(int from, int choice) const {
    Random random(layout_.parameters().seed, {number(Stream::Log) + 100, static_cast<std::uint64_t>(from),
                                              static_cast<std::uint64_t>(choice)});
    int target = random.below(layout_.workloads());
    for (int i = 0; i < 50 && layout_.waypoint_of(target); ++i) target = random.below(layout_.workloads());
    return target;
  }

  void party(std::string_view side, int pod, int workload, bool tunnelled) {
    const std::string ns = layout_.namespace_name(layout_.namespace_of(workload));
    add(fmt::format("{}.workload", side), layout_.pod_name(pod));
    add(fmt::format("{}.namespace", side), ns);
    if (tunnelled)
      add(fmt::format("{}.identity", side),
          fmt::format("spiffe://cluster.local/ns/{}/sa/{}", ns, layout_.workload_name(workload)));
  }

  void add(std::string key, std::string value) { fields_.emplace_back(std::move(key), std::move(value)); }

  static bool a_number(std::string_view key) { return key == "bytes_sent" || key == "bytes_recv"; }

  std::string as_text(const std::string& time, bool failed) const {
    std::string out = fmt::format("{}\t{}\taccess\tconnection complete\t", time, failed ? "error" : "info");
    bool first = true;
    for (const auto& [key, value] : fields_) {
      const bool plain = a_number(key) || key == "src.addr" || key == "dst.addr" || key == "dst.hbone_addr";
      const std::string_view quote = plain ? "" : "\"";
      out += fmt::format("{}{}={}{}{}", first ? "" : " ", key, quote, value, quote);
      first = false;
    }
    out.push_back('\n');
    return out;
  }

  std::string as_json(const std::string& time, bool failed) const {
    nlohmann::ordered_json out{{"level", failed ? "error" : "info"},
                               {"time", time},
                               {"scope", "access"},
                               {"message", "connection complete"}};
    for (const auto& [key, value] : fields_) {
      if (a_number(key)) {
        out[key] = std::stoi(value);
      } else {
        out[key] = value;
      }
    }
    return out.dump() + "\n";
  }

  Layout layout_;
  const FlowLog& log_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace

std::uint64_t write_log(const Parameters& parameters, const FlowLog& log,
                        const std::function<void(std::string_view)>& take) {
  check(parameters);
  if (totals(parameters).ambient_namespaces == 0)
    throw std::invalid_argument("ambient-share: ztunnel logs what pods in the mesh do, and none is");
  Lines lines(parameters, log);
  std::string out;
  std::uint64_t written = 0, count = 0;
  while (written < log.bytes) {
    const std::string line = lines.line(count++);
    written += line.size();
    out += line;
    if (out.size() < 1U << 20U) continue;
    take(out);
    out.clear();
  }
  take(out);
  return count;
}

std::string log_text(const Parameters& parameters, const FlowLog& log) {
  std::string out;
  write_log(parameters, log, [&](std::string_view part) { out += part; });
  return out;
}

}  // namespace waypath::gen
