#pragma once
// A scenario file whose expectations are today's predictions.

#include <string>
#include <vector>

#include "sim/engine.h"

namespace waypath::scenarios {

struct RecordHeader {
  std::string name;
  std::vector<std::string> manifests;  // as the file is to name them
  std::string istio_version, cni;      // "" = not stated
};

/// YAML, one flow a line, in the order of `flows`. What the manifests do not tell is recorded as `unknown`.
[[nodiscard]] std::string record_scenario(const sim::Engine& engine, const std::vector<sim::Flow>& flows,
                                          const RecordHeader& header, unsigned jobs);

}  // namespace waypath::scenarios
