#pragma once
// Which flows a change can touch at all: the others have the same verdict on both sides and need not be
// simulated.
//
// A NetworkPolicy (or one of the cluster's) acts where a selected pod is an end of a connection, in the
// directions that it speaks of; an AuthorizationPolicy or PeerAuthentication at the pods that it selects, or
// at those behind the Service that it targets. A flow is touched when a connection that it may need is
// answered otherwise on the two sides, or when it may come to a pod where authorization differs. Such
// policies touch everything when they select a pod that serves flows which do not name it: a gateway, a
// waypoint, a pod with a sidecar, the name server, an ext_authz provider. What comes to a gateway or waypoint
// by its Service or address is always touched: where it sends that on is followed for public names alone.
//
// An HTTPRoute or GRPCRoute acts where its parents are. At a gateway it touches the hosts that it names (all
// without hostnames) and whatever comes to the gateway's pods; where some CUSTOM policy may authenticate at
// gateways, also what comes to pods behind a Service to which other gateways lead than before. For a Service
// it touches what is asked of that Service and of those whose routes lead to it. Clients with a sidecar are
// touched by any route. A parent that is a waypoint, a ServiceEntry, a ListenerSet or not there touches
// everything, and so does a route on the way to an ext_authz provider.
//
// Labels that charts put on their objects for people touch nothing, unless something reads them.
//
// Any other object that changed touches everything.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/engine.h"

namespace waypath::scenarios {

/// Services that a route sends to; nullopt: it may send elsewhere, too.
[[nodiscard]] std::optional<std::vector<model::ServiceId>> backends_of(const model::Cluster& cluster,
                                                                       const model::HttpRoute& route);

class TouchedFlows {
 public:
  TouchedFlows(const sim::Engine& before, const sim::Engine& after);
  [[nodiscard]] bool everything() const { return everything_; }
  /// False only when both sides give the flow the same verdict. Remembers clients and targets: not for
  /// several threads.
  [[nodiscard]] bool touches(const sim::Flow& flow);

  /// Who asks, as far as a change may touch it.
  struct Sender {
    bool touched = true;     // whatever is asked
    bool outside = false;    // the internet
    bool plain_pods = true;  // `pods` are in no mesh or ambient: connections are their own
    bool selected = false;   // a policy about what `pods` let out differs
    std::vector<model::PodId> pods;
  };
  /// What is asked.
  struct Receiver {
    bool touched = true;     // whoever asks
    bool outside = false;    // a name that gateways serve: only the outside is known to come to no other pod
    bool plain_pods = true;  // all that is reached is `ends` and `waypoints`
    bool selected = false;   // a policy about what an end lets in differs
    struct End {
      model::PodId pod;
      std::uint16_t port = 0;  // of the pod
    };
    std::vector<End> ends;           // one of those that no policy tells apart
    std::vector<model::PodId> pods;  // all of them, sorted
    std::vector<model::PodId> waypoints;
    model::Protocol protocol = model::Protocol::Tcp;
    std::uint16_t port = 0;  // of the Service
  };
  /// Of the flow's `from`. Const: may be asked from several threads.
  [[nodiscard]] Sender sender(const sim::Flow& flow) const;
  /// Of the flow's `to`.
  [[nodiscard]] Receiver receiver(const sim::Flow& flow) const;
  /// Of flows that dial what they name, from their own address.
  [[nodiscard]] bool touches(const Sender& sender, const Receiver& receiver) const;

 private:
  void collect(const sim::Engine& engine, const model::ObjectMeta& meta);
  void collect_authorization(const model::Cluster& cluster, const model::AuthorizationPolicy& policy);
  void collect_route(const model::Cluster& cluster, const model::HttpRoute& route);
  void select_in(const model::Cluster& cluster, model::Symbol ns,
                 const std::optional<model::LabelSelector>& selector);
  /// The pod's connections may be answered otherwise (`marks`: out_ or in_), or requests at it (judged_).
  void select(model::PodId pod, std::vector<bool>& marks);
  void find_routed();
  void find_rerouted();
  void find_leading();
  /// Whether the pod is a gateway or waypoint: an end of connections, not of requests.
  [[nodiscard]] bool sends_on(model::PodId pod) const;
  [[nodiscard]] bool grouped_alike(const std::vector<model::Endpoint>& endpoints) const;
  [[nodiscard]] std::string kind_of(const model::Endpoint& endpoint) const;
  [[nodiscard]] bool rerouted_host(const std::string& host) const;
  [[nodiscard]] bool served_host(const std::string& host) const;
  void read_service(model::ServiceId id, Receiver& out) const;
  /// Whether the two sides answer a connection that `from` may open for the flow otherwise.
  [[nodiscard]] bool any_differs(model::PodId from, const Receiver& to, sim::Direction direction) const;
  [[nodiscard]] bool lookups_differ(model::PodId from) const;
  [[nodiscard]] bool differs(const sim::Connection& connection, sim::Direction direction) const;

  struct Answer {
    sim::Decision decision = sim::Decision::NotApplicable;
    sim::Code code;  // of a refusal
  };
  [[nodiscard]] static Answer answer(const sim::Engine& engine, const sim::Connection& connection,
                                     sim::Direction direction);

  const sim::Engine &before_, &after_;
  const model::Cluster& cluster_;
  bool everything_ = false, any_service_ = false, any_out_ = false, any_route_ = false, same_classes_ = true;
  std::vector<bool> out_, in_, judged_;  // by PodId
  // By ServiceId: a pod of it is in `in_` or `judged_`, it has no ports, or other gateways lead to it.
  std::vector<bool> end_of_selected_;
  std::vector<std::vector<model::ServiceId>> routes_;  // by ServiceId: where its HTTPRoutes send to
  std::vector<bool> anywhere_, leads_;                 // by ServiceId: see find_routed, find_leading
  std::vector<bool> rerouted_;                         // by ServiceId: its own HTTPRoutes differ
  std::vector<std::string> rerouted_hosts_;            // patterns of routes at gateways that differ
  std::vector<model::Endpoint> name_servers_;
  std::unordered_map<std::string, Sender> senders_;
  std::unordered_map<std::string, Receiver> receivers_;
};

}  // namespace waypath::scenarios
