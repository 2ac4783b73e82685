#include "scenarios/flow_product.h"

#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace waypath::scenarios {
namespace {

std::size_t kind_of(const FlowClient& client) { return client.pod == nullptr ? 0 : 1; }
std::size_t kind_of(const FlowTarget& target) { return target.service == nullptr ? 0 : 1; }

}  // namespace

sim::Flow flow_of(const FlowClient& client, const FlowTarget& target) {
  sim::Flow flow;
  flow.name = flow_title(client.text, target.method, target.text);
  flow.from = client.text;
  flow.to = target.text;
  flow.method = target.method;
  return flow;
}

FlowProduct::FlowProduct(const model::Cluster& before, const model::Cluster& after) {
  using Asked = std::tuple<std::size_t, std::string_view, std::string_view>;
  const auto read = [](const model::Cluster& cluster, Side& side) {
    side.clients = enumerate_clients(cluster);
    side.targets = enumerate_targets(cluster);
    for (std::uint32_t i = 0; i < side.targets.size(); ++i) side.asked[kind_of(side.targets[i])].push_back(i);
  };
  read(before, before_);
  for (const auto& client : before_.clients)
    rows_.push_back({&client, &before_.targets, &before_.asked[kind_of(client)]});
  if (&before == &after) return;
  read(after, after_);
  std::set<Asked> known;
  for (const auto& target : before_.targets) known.emplace(kind_of(target), target.method, target.text);
  for (std::uint32_t i = 0; i < after_.targets.size(); ++i) {
    const auto& target = after_.targets[i];
    if (!known.contains({kind_of(target), target.method, target.text}))
      after_.fresh[kind_of(target)].push_back(i);
  }
  std::set<std::string_view> clients;
  for (const auto& client : before_.clients) clients.insert(client.text);
  for (const auto& client : after_.clients) {
    const auto& asked = (clients.contains(client.text) ? after_.fresh : after_.asked)[kind_of(client)];
    if (!asked.empty()) rows_.push_back({&client, &after_.targets, &asked});
  }
}

std::size_t FlowProduct::size() const {
  std::size_t out = 0;
  for (const auto& row : rows_) out += row.asked->size();
  return out;
}

}  // namespace waypath::scenarios
