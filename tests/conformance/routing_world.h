#pragma once
// Routing cases: what the simulator predicts for one request. The decision comes from sim/resolve/route.h
// alone; this adds what stands behind it in the original tests: echo backends with certificates and delays.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/cluster.h"
#include "sim/resolve/route.h"

namespace waypath::conformance {

/// How the request enters, as the case words it.
struct Entry {
  std::string gateway, gateway_pod, mesh_client, mesh_client_namespace, proxy;
  std::uint16_t port = 0;
  std::string scheme;
};

struct CaseRequest {
  sim::RouteRequest route;
  std::string dialled;  // name or address; "{pod-ip of ns/workload}"
  std::uint16_t port = 80;
  bool grpc = false;
  double delay_seconds = 0;  // that the backend takes
};

struct Prediction {
  sim::RouteDecision decision;
  std::vector<int> statuses;                     // of every share; 200 when a backend answers; 0: not HTTP
  std::map<std::string, double> shares;          // Service "ns/name" -> share
  std::vector<std::set<std::string>> backends;   // of every usable target: Service and workloads, "ns/name"
  std::vector<std::set<std::string>> workloads;  // of every usable target
  std::vector<std::uint16_t> backend_ports;      // target ports
  std::vector<std::string> hops;
  bool from_sidecar = false;
};

class World {
 public:
  explicit World(const std::filesystem::path& manifests);

  /// One prediction, or several that must agree (a case that holds for sidecars and for waypoints).
  [[nodiscard]] std::vector<Prediction> predict(const Entry& entry, const CaseRequest& request,
                                                bool sidecars_only) const;
  [[nodiscard]] std::vector<std::string> virtual_hosts(const Entry& entry, std::uint16_t port) const;
  /// Same predictions from the manifests in another order.
  [[nodiscard]] const model::Cluster& cluster() const { return *cluster_; }

 private:
  struct Certificate {
    std::vector<std::string> names;
    std::string ca;
  };
  struct Dialled {
    std::optional<model::ServiceId> service;
    model::PodId pod;
    std::optional<model::IpAddress> address;
  };
  void read_certificates(const std::filesystem::path& manifests);
  [[nodiscard]] Prediction at_gateway(const Entry& entry, const CaseRequest& request) const;
  [[nodiscard]] Prediction at_sidecar(model::Symbol ns, const model::Labels& labels,
                                      const CaseRequest& request, const Dialled& dialled) const;
  [[nodiscard]] Prediction at_waypoint(const model::Gateway& waypoint, const CaseRequest& request,
                                       const Dialled& dialled) const;
  [[nodiscard]] Prediction direct(const CaseRequest& request, const Dialled& dialled) const;
  [[nodiscard]] Dialled dial(model::Symbol ns, const std::string& name) const;
  void finish(Prediction& prediction, const CaseRequest& request, const Dialled& dialled) const;
  void answer(Prediction& prediction, const sim::RouteTarget& target, const CaseRequest& request) const;
  void add_endpoints(Prediction& prediction, const std::string& service,
                     const std::vector<model::Endpoint>& endpoints) const;
  [[nodiscard]] bool backend_certificate_fits(const sim::RouteTarget& target,
                                              const std::vector<model::Endpoint>& endpoints) const;

  std::shared_ptr<const model::Cluster> cluster_;
  std::shared_ptr<const sim::RouteTables> tables_;
  std::map<std::string, std::string> served_secret_;  // workload "ns/name" -> Secret "ns/name"
  std::map<std::string, Certificate> certificates_;   // Secret "ns/name"
};

}  // namespace waypath::conformance
