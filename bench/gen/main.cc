// waypath_gen: a generated cluster as manifests, on standard output or in a file, and its access log.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/gen/generator.h"

namespace waypath::gen {
namespace {

class Output {
 public:
  explicit Output(const std::string& path) : path_(path) {
    file_ = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
    if (file_ == nullptr) throw std::runtime_error(path + ": cannot be written");
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  }
  void put(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) fail();
  }
  void close() {
    if ((file_ == stdout ? std::fflush(file_) : std::fclose(std::exchange(file_, nullptr))) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error(path_ + ": not all could be written"); }
  std::string path_;
  std::FILE* file_;
};

// The profile and the size come first: the other options change what they set.
struct Command {
  std::string profile_name = "teams", size = "S", form = "yaml", out = "-", log, log_form = "text", scale;
  FlowLog flow_log;
  Parameters parameters;
};

void add_parameters(CLI::App& app, Parameters& p) {
  app.add_option("--seed", p.seed, "Another seed, another cluster of the same shape");
  app.add_option("--namespaces", p.namespaces, "Namespaces");
  app.add_option("--workloads", p.workloads, "Workloads of each namespace");
  app.add_option("--replicas", p.replicas, "Pods of each workload");
  app.add_option("--pods", p.pods, "At most so many pods; 0: namespaces x workloads x replicas");
  app.add_option("--labels", p.labels, "Labels of each pod beside app and pod-template-hash");
  app.add_option("--pods-per-node", p.pods_per_node, "Pods on each node");
  app.add_option("--policies", p.policies, "NetworkPolicies of each namespace (a fraction is spread)");
  app.add_option("--rules", p.rules, "Rules of each NetworkPolicy");
  app.add_option("--peers", p.peers, "Peers of each rule; 0: everybody");
  app.add_option("--ports", p.ports, "Ports of each rule that has some");
  app.add_option("--cidr-share", p.cidr_share, "Peers that are address blocks");
  app.add_option("--all-ports-share", p.all_ports_share, "Rules without ports");
  app.add_option("--range-share", p.range_share, "Ports that are ranges");
  app.add_option("--named-port-share", p.named_port_share, "Ports that are names");
  app.add_option("--ineffective-share", p.ineffective_share, "NetworkPolicies that select no pod");
  app.add_option("--cluster-wide-share", p.cluster_wide_share, "AdminNetworkPolicies for each NetworkPolicy");
  app.add_option("--ambient-share", p.ambient_share, "Namespaces in the ambient mesh");
  app.add_option("--waypoint-share", p.waypoint_share, "Namespaces of the mesh with a waypoint");
  app.add_option("--service-waypoint-share", p.service_waypoint_share,
                 "Services of the others that name one");
  app.add_option("--cross-namespace-waypoint-share", p.cross_namespace_waypoint_share,
                 "Of those Services, at a waypoint of another namespace");
  app.add_option("--gateways", p.gateways, "Gateways for clients outside");
  app.add_option("--http-routes", p.http_routes, "HTTPRoutes, at gateways and waypoints");
  app.add_option("--authorization-policies", p.authorization_policies, "AuthorizationPolicies");
  app.add_option("--l7-share", p.l7_share, "Of them: methods and paths, at waypoints");
  app.add_option("--deny-share", p.deny_share, "Of them: DENY");
  app.add_option("--custom-share", p.custom_share, "Of them: CUSTOM");
  app.add_option("--noise", p.noise, "Objects without effect on traffic, for each pod");
  app.add_flag("--managed-fields,!--no-managed-fields", p.managed_fields, "metadata.managedFields");
  app.add_flag("--status,!--no-status", p.status, "status");
  app.add_flag("--services,!--no-services", p.services, "Services, EndpointSlices and ServiceAccounts");
  app.add_flag("--controllers,!--no-controllers", p.controllers, "Deployments and ReplicaSets");
  app.add_flag("--netpol-only", p.netpol_only,
               "Namespaces, Pods and NetworkPolicies alone, for other analyzers");
}

void add_command(CLI::App& app, Command& command) {
  app.add_option("--profile", command.profile_name, "tenants: many small namespaces; teams: few large ones");
  app.add_option("--size", command.size, "S, M, L or XL: 100, 1,000, 10,000 or 100,000 pods");
  app.add_option("--form", command.form, "yaml (documents), list (YAML List), json (JSON List) or ndjson")
      ->check(CLI::IsMember({"yaml", "list", "json", "ndjson"}));
  app.add_option("-o,--out", command.out, "File to write; -: standard output; empty: no manifests");
  app.add_option("--scale", command.scale,
                 "Shape of every NetworkPolicy: LOCAL_PODS-SINGLE_PORTS-PORT_RANGES-POD_SELECTORS-"
                 "PEER_NAMESPACES-PEER_PODS-CIDRS");
  app.add_option("--log", command.log,
                 "Also write an access log of ztunnel of the cluster's traffic to this file");
  app.add_option("--log-bytes", command.flow_log.bytes, "Size of the log");
  app.add_option("--log-form", command.log_form, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_option("--failed-share", command.flow_log.failed_share, "Connections of the log that fail");
}

int run(int argc, char** argv) {
  Command command;
  {
    CLI::App first;
    first.allow_extras();
    first.set_help_flag();
    add_command(first, command);
    Parameters ignored;
    add_parameters(first, ignored);
    try {
      first.parse(argc, argv);
    } catch (const CLI::ParseError&) {
      // Said by the second pass.
    }
  }
  CLI::App app(
      "A generated Kubernetes cluster with Istio ambient, as kubectl prints it. The same arguments "
      "give the same bytes.");
  command.parameters = profile(command.profile_name, command.size);
  add_command(app, command);
  add_parameters(app, command.parameters);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  Parameters& p = command.parameters;
  if (app.count("--namespaces") + app.count("--workloads") + app.count("--replicas") != 0 &&
      app.count("--pods") == 0)
    p.pods = 0;
  if (!command.scale.empty()) p.scale = scale_code(command.scale);
  check(p);
  if (!command.out.empty()) {
    const Form form = command.form == "yaml"   ? Form::Documents
                      : command.form == "list" ? Form::List
                      : command.form == "json" ? Form::JsonList
                                               : Form::NdJson;
    Output out(command.out);
    write(p, form, [&](std::string_view text) { out.put(text); });
    out.close();
  }
  if (!command.log.empty()) {
    command.flow_log.json = command.log_form == "json";
    Output out(command.log);
    write_log(p, command.flow_log, [&](std::string_view text) { out.put(text); });
    out.close();
  }
  return 0;
}

}  // namespace
}  // namespace waypath::gen

int main(int argc, char** argv) {
  try {
    return waypath::gen::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "waypath_gen: {}\n", e.what());
    return 2;
  }
}
