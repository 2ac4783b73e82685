// The loader, on arbitrary bytes: reports, never crashes, and twice the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "model/cluster.h"
#include "model/load/manifest_loader.h"

namespace {

std::string reports(const std::string& text) {
  using namespace waypath::model;
  Diagnostics diagnostics;
  Snapshot snapshot = load_texts({{"fuzz.yaml", text}}, {}, diagnostics);
  const auto cluster = Cluster::build(snapshot, {}, diagnostics);
  std::string out = std::to_string(cluster->pods().size()) + " pods\n";
  for (const auto& d : diagnostics.sorted(cluster->files())) out += format_diagnostic(d, cluster->files());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (reports(text) != reports(text)) std::abort();
  return 0;
}
