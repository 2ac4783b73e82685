#pragma once
// Namespaces, nodes, pods and the controllers that make pods.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/base/ip.h"
#include "model/kube/label_selector.h"
#include "model/resource.h"

namespace waypath::model {

enum class Protocol : std::uint8_t { Tcp, Udp, Sctp };
[[nodiscard]] std::string_view to_string(Protocol p);  // "TCP", ...

struct Namespace {
  ObjectMeta meta;  // labels always hold kubernetes.io/metadata.name=<name>
};

struct Node {
  ObjectMeta meta;
  std::vector<IpAddress> internal_ips, external_ips;
  std::vector<std::string> pod_cidrs;
};

struct ContainerPort {
  Symbol name;  // may be empty
  Protocol protocol = Protocol::Tcp;
  std::uint16_t port = 0;
  SourcePos pos;
};

struct ProbePort {   // readiness/liveness/startup probe of tcpSocket, httpGet or grpc
  Symbol port_name;  // named port, or empty
  std::uint16_t port = 0;
  SourcePos pos;
};

struct Container {
  Symbol name;
  std::string image;
  bool native_sidecar =
      false;  // init container with restartPolicy: Always; other init containers are not kept
  std::vector<ContainerPort> ports;
  std::vector<ProbePort> probes;
  std::vector<std::pair<std::string, std::string>>
      env;                        // only of istiod, ztunnel, istio-cni and proxy containers (feature flags)
  std::vector<std::string> args;  // only of istio-proxy containers
};

struct PodSpec {
  Symbol service_account;  // "default" when absent
  Symbol node_name;        // may be empty
  Symbol hostname, subdomain;
  bool host_network = false;
  std::string dns_policy;
  std::vector<Container> containers;
  std::vector<Symbol> secret_refs, config_map_refs;  // volumes and envFrom: what a modelled pod refers to
};

enum class PodPhase : std::uint8_t { Unknown, Pending, Running, Succeeded, Failed };

struct Pod {
  ObjectMeta meta;
  PodSpec spec;
  PodPhase phase = PodPhase::Unknown;
  bool has_status = false;     // hand-written pods have none: taken as running and ready, an assumption
  std::optional<bool> ready;   // Ready condition, when given
  std::vector<IpAddress> ips;  // status.podIPs, else podIP; empty = unknown
  std::optional<IpAddress> host_ip;
  Symbol workload_kind,
      workload_name;  // controller this pod counts as ("Deployment", "ReplicaSet", "Pod" for a bare pod)
};

/// Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, ReplicationController.
struct Workload {
  ObjectMeta meta;              // key.kind tells which
  std::optional<int> replicas;  // spec.replicas; Job: parallelism; absent = 1
  bool suspended = false;
  int ordinals_start = 0;  // StatefulSet
  Symbol service_name;     // StatefulSet
  LabelSelector selector;
  Labels template_labels;
  std::vector<Annotation> template_annotations;
  PodSpec template_spec;
};

struct ServiceAccount {
  ObjectMeta meta;
};

/// Only those that something modelled refers to are kept (mesh config, CNI config, authservice config, JWKS,
/// parameters of Gateways).
struct ConfigMap {
  ObjectMeta meta;
  std::vector<std::pair<std::string, std::string>> data;
  std::vector<SourcePos> data_pos;  // of each value; a block scalar's text starts on the next line
  bool secret = false;              // Secret: data base64-decoded, stringData merged
};

}  // namespace waypath::model
