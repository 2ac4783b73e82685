#include "tools/waypath/ask_options.h"

#include <fmt/format.h>

namespace waypath::tools {

std::optional<scenarios::AskTarget> asked_target(const sim::Engine& engine, const Options& options,
                                                 const Streams& streams) {
  std::string error;
  auto target = scenarios::find_target(engine.cluster(), options.ask.target,
                                       options.cluster.default_namespace, options.ask.port, error);
  if (!target)
    complain(streams, error, "write Service/ns/name, ns/name, ns/deploy/name, a pod, a host or a namespace");
  return target;
}

std::optional<std::vector<scenarios::GuardPoint>> guard_points(const sim::Engine& engine,
                                                               const std::vector<std::string>& texts,
                                                               const char* flag, const Streams& streams) {
  std::vector<scenarios::GuardPoint> out;
  for (const auto& text : texts) {
    std::string error;
    auto point = scenarios::find_guard_point(engine, text, error);
    if (!point) {
      complain(streams, fmt::format("{}: {}", flag, error));
      return std::nullopt;
    }
    out.push_back(std::move(*point));
  }
  return out;
}

std::vector<std::string> cluster_words(const Options& options) {
  std::vector<std::string> out;
  const auto add = [&](const char* flag, const std::string& value) {
    out.emplace_back(flag);
    out.push_back(value);
  };
  for (const auto& path : cluster_paths(options)) add("-f", path);
  if (options.cluster.istio_version) add("--istio-version", *options.cluster.istio_version);
  if (options.cluster.cni) add("--cni", *options.cluster.cni);
  for (const auto& cidr : options.cluster.pod_cidrs) add("--pod-cidr", cidr);
  return out;
}

}  // namespace waypath::tools
