#pragma once
// Service, EndpointSlice (and Endpoints, read as slices), Ingress, IngressClass.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/kube/workloads.h"

namespace waypath::model {

enum class ServiceType : std::uint8_t { ClusterIP, NodePort, LoadBalancer, ExternalName };

struct ServicePort {
  Symbol name;
  Protocol protocol = Protocol::Tcp;
  std::uint16_t port = 0;
  std::variant<std::uint16_t, Symbol> target_port;  // defaulted to `port`
  std::optional<std::string> app_protocol;
  std::uint16_t node_port = 0;
  SourcePos pos;
};

struct Service {
  ObjectMeta meta;
  ServiceType type = ServiceType::ClusterIP;
  bool headless = false;               // clusterIP: None
  std::vector<IpAddress> cluster_ips;  // empty: allocate a symbolic VIP (rendered manifests have none)
  std::vector<IpAddress> external_ips,
      load_balancer_ips;  // spec.externalIPs; status.loadBalancer.ingress + spec.loadBalancerIP
  std::vector<std::string> load_balancer_hostnames;
  std::string external_name;
  std::vector<std::pair<Symbol, Symbol>> selector;  // empty selects nothing
  std::vector<ServicePort> ports;
  bool publish_not_ready = false;
  bool internal_local = false;  // internalTrafficPolicy: Local
  bool external_local = false;  // externalTrafficPolicy: Local
  std::vector<Cidr> load_balancer_source_ranges;
};

struct SliceEndpoint {
  std::vector<IpAddress> addresses;
  bool ready = true;
  bool serving = true, terminating = false;
  Symbol node_name;
  Symbol target_pod;  // targetRef of kind Pod, else empty
  SourcePos pos;
};

struct EndpointSlice {
  ObjectMeta meta;
  Symbol service;  // label kubernetes.io/service-name
  bool fqdn = false;
  std::vector<SliceEndpoint> endpoints;
  struct Port {
    Symbol name;
    Protocol protocol = Protocol::Tcp;
    std::uint16_t port = 0;
    std::optional<std::string> app_protocol;
  };
  std::vector<Port> ports;
};

struct IngressBackend {
  Symbol service;
  std::variant<std::uint16_t, Symbol> port = std::uint16_t{0};
  bool resource = false;  // a resource backend: not modelled
  SourcePos pos;
};
enum class IngressPathType : std::uint8_t { Exact, Prefix, ImplementationSpecific };
struct IngressPath {
  std::string path;
  IngressPathType type = IngressPathType::ImplementationSpecific;
  IngressBackend backend;
  SourcePos pos;
};
struct IngressRule {
  std::string host;
  std::vector<IngressPath> paths;
  SourcePos pos;
};
struct IngressTls {
  std::vector<std::string> hosts;
  std::string secret;
};
struct Ingress {
  ObjectMeta meta;
  std::optional<std::string> ingress_class_name;
  std::optional<IngressBackend> default_backend;
  std::vector<IngressRule> rules;
  std::vector<IngressTls> tls;
};
struct IngressClass {
  ObjectMeta meta;
  std::string controller;
};

}  // namespace waypath::model
