#include "tests/conformance/netpol_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "model/load/manifest_loader.h"
#include "sim/reach/exposure.h"

namespace waypath::conformance {

using sim::AddressRange;
using sim::PortSet;

std::optional<AddressRange> parse_range(const std::string& name) {
  if (name.rfind("ext:", 0) != 0) return std::nullopt;
  const auto dash = name.find('-', 4);
  const auto low = model::parse_ip(name.substr(4, dash == std::string::npos ? dash : dash - 4));
  const auto high = dash == std::string::npos ? low : model::parse_ip(name.substr(dash + 1));
  if (!low || !high) return std::nullopt;
  return AddressRange{*low, *high};
}

NetpolWorld::NetpolWorld(const std::filesystem::path& manifests) {
  model::Snapshot snapshot = model::load_manifests({manifests.string()}, {}, diagnostics);
  cluster = model::Cluster::build(std::move(snapshot), {}, diagnostics);
}

NetpolTable::NetpolTable(const sim::ReachResult& reach) {
  reach.for_each_pair(
      [&](const std::string& from, const std::string& to, const sim::ReachResult::Cell& cell) {
        const std::string sure = reach.connections(cell.sure);
        const std::string answer = cell.sure == cell.possible
                                       ? sure
                                       : "unknown (" + sure + " to " + reach.connections(cell.possible) + ")";
        rows.push_back({from, to, answer});
      });
  for (const auto& end : reach.sources())
    if (!end.external()) workloads.insert(end.name);
  for (const Row& row : rows) {
    if (const auto range = parse_range(row.from)) {
      inward_[row.to].push_back({*range, row.connections});
    } else if (const auto to_range = parse_range(row.to)) {
      outward_[row.from].push_back({*to_range, row.connections});
    } else {
      pairs_[{row.from, row.to}] = row.connections;
    }
  }
}

std::string NetpolTable::between(const std::string& from, const std::string& to) const {
  const auto source = parse_range(from), destination = parse_range(to);
  if (source) return over(inward_, to, *source);
  if (destination) return over(outward_, from, *destination);
  const auto at = pairs_.find({from, to});
  return at == pairs_.end() ? "none" : at->second;
}

// Ranges of a workload do not overlap and are in order: what they leave out has none.
std::string NetpolTable::over(const Parts& parts, const std::string& workload, const AddressRange& asked) {
  const auto at = parts.find(workload);
  std::map<std::string, std::string> answers;  // connections -> the first range with them
  bool covered = false;
  std::optional<model::IpAddress> reached;  // end of what is covered so far
  if (at != parts.end()) {
    for (const Part& part : at->second) {
      if (part.range.high < asked.low || asked.high < part.range.low) continue;
      answers.emplace(part.connections, part.range.str());
      const bool joins =
          reached ? sim::adjacent({asked.low, *reached}, part.range) : part.range.low <= asked.low;
      if (!joins) answers.emplace("none", "between");
      reached = part.range.high;
    }
    covered = reached && asked.high <= *reached;
  }
  if (!covered) answers.emplace("none", "rest");
  if (answers.size() == 1) return answers.begin()->first;
  std::string out;
  for (const auto& [connections, range] : answers)
    out += fmt::format("{}{} for {}", out.empty() ? "" : ", ", connections, range);
  return out;
}

bool all_covered(std::vector<AddressRange> parts, const AddressRange& range) {
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.low < b.low; });
  std::optional<model::IpAddress> reached;
  for (const auto& p : parts) {
    if (!reached) {
      if (p.low <= range.low && range.low <= p.high) reached = p.high;
    } else if (p.low <= *reached || sim::adjacent({range.low, *reached}, p)) {
      reached = std::max(*reached, p.high);
    }
  }
  return reached && range.high <= *reached;
}

std::vector<AddressRange> parts_of(std::initializer_list<const NetpolTable*> tables,
                                   const std::string& workload, bool outward,
                                   const std::vector<AddressRange>& changed) {
  std::set<std::uint64_t> starts{0};
  const auto cut = [&](const AddressRange& r) {
    if (!r.low.is_v4()) return;
    starts.insert(r.low.to_v4().to_uint());
    starts.insert(std::uint64_t{r.high.to_v4().to_uint()} + 1);
  };
  for (const auto& r : changed) cut(r);
  for (const NetpolTable* t : tables) {
    for (const auto& row : t->rows) {
      if ((outward ? row.from : row.to) != workload) continue;
      if (const auto r = parse_range(outward ? row.to : row.from)) cut(*r);
    }
  }
  starts.erase(std::uint64_t{1} << 32U);
  std::vector<AddressRange> parts;
  const auto address = [](std::uint64_t n) {
    return model::IpAddress(boost::asio::ip::address_v4(static_cast<std::uint32_t>(n)));
  };
  for (auto it = starts.begin(); it != starts.end(); ++it) {
    const auto next = std::next(it);
    parts.push_back({address(*it), address((next == starts.end() ? std::uint64_t{1} << 32U : *next) - 1)});
  }
  return parts;
}

sim::NetPeer peer_of(const std::string& name, const model::Cluster& cluster) {
  sim::NetPeer out;
  if (const auto range = parse_range(name)) {
    out.address = range->low;
  } else {
    const auto slash = name.find('/');
    out.pod = cluster.find_pod(name.substr(0, slash), name.substr(slash + 1, name.find('[') - slash - 1));
  }
  return out;
}

std::string verdict(const sim::EvaluatorTable& policies, const sim::Connection& c, const NetpolTable& table,
                    const std::string& from, const std::string& to) {
  const auto word = [](const sim::LegDecisions& d) -> std::string {
    const auto refused = [](sim::Decision x) { return x == sim::Decision::Drop || x == sim::Decision::Deny; };
    if (refused(d.egress.decision) || refused(d.ingress.decision)) return "false";
    if (d.egress.decision == sim::Decision::Unknown || d.ingress.decision == sim::Decision::Unknown)
      return "unknown";
    return "true";
  };
  sim::TraceRecorder recorder;
  const auto decided = sim::judge_leg(policies, c, &recorder);
  const std::string answer = word(decided);
  if (word(sim::judge_leg(policies, c, nullptr)) != answer) return answer + " (differs without a recorder)";
  if (!c.self) {
    const auto ports = PortSet::parse(table.between(from, to));
    if (!ports || (ports->contains(c.protocol, c.port) ? "true" : "false") != answer)
      return answer + " (the matrix differs)";
  }
  if (answer == "false" && decided.egress.reason.code.text.empty() &&
      decided.ingress.reason.code.text.empty())
    return "false without a reason";
  return answer;
}

// As seen from a pod without labels in a namespace of its own: such a pod and its namespace are added to the
// input.
std::string ingress_connections(const model::Cluster& cluster, const sim::ReachOptions& options,
                                const std::string& workload) {
  model::Diagnostics ignored;
  for (const auto& e : sim::exposures(cluster, options, ignored))
    if (e.workload == workload) return e.ingress.str();
  return "none";
}

}  // namespace waypath::conformance
