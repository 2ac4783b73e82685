// waypath record

#include <fmt/format.h>

#include <filesystem>

#include "scenarios/flow_enumeration.h"
#include "scenarios/git_tree.h"
#include "scenarios/record.h"
#include "tools/waypath/app.h"

namespace waypath::tools {

int run_record(const Options& options, const Streams& streams) {
  namespace fs = std::filesystem;
  const auto engine = load_engine(options, streams);
  if (!engine) return kExitUsage;
  const auto flows = scenarios::enumerate_flows(engine->cluster());
  if (flows.empty()) {
    complain(streams, "no flow to record: no workload meets a Service, and no gateway routes a host",
             "give the whole cluster with -f: workloads, Services, gateways and routes");
    return kExitUsage;
  }
  scenarios::RecordHeader header;
  // Scenario files name manifests from where they lie.
  const fs::path home =
      options.common.out.empty() ? fs::current_path() : fs::absolute(options.common.out).parent_path();
  for (const auto& path : cluster_paths(options)) {
    if (path == "-" || scenarios::is_git_path(path)) {
      complain(streams, "record: a scenario cannot name standard input or a git revision",
               "write the manifests to a file first");
      return kExitUsage;
    }
    std::error_code error;
    const fs::path relative = fs::relative(fs::absolute(path), home, error);
    header.manifests.push_back(error || relative.empty() ? path : relative.generic_string());
  }
  header.name = fs::path(header.manifests.front()).filename().string();
  if (header.name.empty() || header.name == ".") header.name = "recorded";
  header.istio_version = options.cluster.istio_version.value_or("");
  header.cni = options.cluster.cni.value_or("");
  return write_data(options, streams, scenarios::record_scenario(*engine, flows, header, options.common.jobs))
             ? kExitFine
             : kExitUsage;
}

}  // namespace waypath::tools
