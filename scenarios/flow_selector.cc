#include "scenarios/flow_selector.h"

#include <algorithm>

#include "scenarios/expectation.h"
#include "scenarios/flow_enumeration.h"

namespace waypath::scenarios {

struct FlowEnds {
  std::vector<FlowClient> clients;
  std::vector<FlowTarget> targets;
};

namespace {

bool any(const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
    return std::any_of(names.begin(), names.end(), [&](const auto& name) { return glob(pattern, name); });
  });
}

bool fits(const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  return patterns.empty() || any(patterns, names);
}

bool of_objects(const EndSelector& s) {
  return !s.namespaces.empty() || !s.names.empty() || !s.labels.empty();
}

// "ns/deployment/web" answers to "web", "ns/web" and its whole name.
std::vector<std::string> names_of(const FlowClient& client) {
  const auto first = client.text.find('/'), last = client.text.rfind('/');
  if (first == std::string::npos) return {client.text};
  const std::string name = client.text.substr(last + 1);
  return {client.text, client.text.substr(0, first + 1) + name, name};
}

bool selects(const EndSelector& s, const FlowClient& client) {
  if (any(s.except, names_of(client))) return false;
  if (client.pod == nullptr) return s.external || (s.all && !of_objects(s));
  if (s.external) return false;
  return fits(s.namespaces, {client.pod->meta.ns().str()}) && fits(s.names, names_of(client)) &&
         s.labels.matches(client.pod->meta.labels);
}

bool selects(const EndSelector& s, const FlowTarget& target) {
  std::vector<std::string> names{target.text, target.host};
  if (target.service != nullptr) {
    const std::string ns = target.service->ns.str(), name = target.service->name.str();
    names.insert(names.end(), {ns + "/" + name, name});
  }
  if (any(s.except, names) || (s.port && *s.port != target.port)) return false;
  if (target.service == nullptr) return s.hosts.empty() ? !of_objects(s) : any(s.hosts, {target.host});
  if (!s.hosts.empty()) return of_objects(s) && any(s.hosts, {target.host});
  return fits(s.namespaces, {target.service->ns.str()}) && fits(s.names, names) &&
         s.labels.matches(target.service->meta().labels);
}

std::string with_path(const std::string& url, const std::string& path) {
  if (path.empty()) return url;
  const auto slash = url.find('/', url.find("://") + 3);
  return url.substr(0, slash) + path;
}

}  // namespace

FlowSelection::FlowSelection(const model::Cluster& cluster) : cluster_(cluster) {}
FlowSelection::~FlowSelection() = default;

std::vector<FlowCase> FlowSelection::expand(const FlowCase& flow) {
  if (!flow.from && !flow.to) return {flow};
  if (ends_ == nullptr)
    ends_ = std::make_unique<FlowEnds>(FlowEnds{enumerate_clients(cluster_), enumerate_targets(cluster_)});
  std::vector<FlowClient> clients;
  std::vector<FlowTarget> targets;
  if (flow.from) {
    for (const auto& client : ends_->clients)
      if (selects(*flow.from, client)) clients.push_back(client);
  } else {
    clients.push_back({flow.flow.from, nullptr});
  }
  if (flow.to) {
    for (auto target : ends_->targets) {
      // The request is the flow's: what else is told apart is for those who ask for everything.
      if (target.more) continue;
      if (!selects(*flow.to, target)) continue;
      target.text = with_path(target.text, flow.to->path);
      const bool known =
          !flow.to->path.empty() &&
          std::any_of(targets.begin(), targets.end(), [&](const auto& t) { return t.text == target.text; });
      if (!known) targets.push_back(std::move(target));
    }
  } else {
    targets.push_back({flow.flow.to, nullptr, {}, 0, flow.flow.method});
  }
  // A client that is named is outside when it is no object of the cluster.
  const bool named_outside = !flow.from && flow.flow.from.find('/') == std::string::npos;
  std::vector<FlowCase> out;
  for (const auto& client : clients)
    for (const auto& target : targets) {
      const bool outside = flow.from ? client.pod == nullptr : named_outside;
      if (flow.to && outside != (target.service == nullptr)) continue;
      FlowCase one = flow;
      one.from.reset();
      one.to.reset();
      one.flow.from = client.text;
      one.flow.to = target.text;
      one.flow.name = flow.group + ": " + client.text + " -> " + target.text;
      out.push_back(std::move(one));
    }
  return out;
}

}  // namespace waypath::scenarios
