// waypath_conformance FAMILY [FOLDER]: runs the cases of one family. FOLDER is a corpus or the family's
// folder in it; without it WAYPATH_CORPUS, else ../shared/corpus beside the sources.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

#include "tests/conformance/corpus.h"

namespace {

std::string folder_of(const std::string& family, const char* given) {
  const char* const variable = std::getenv("WAYPATH_CORPUS");
  std::string corpus = given != nullptr ? given
                       : variable != nullptr && *variable != '\0'
                           ? variable
                           : std::string(WAYPATH_SOURCE_DIR) + "/../shared/corpus";
  const std::string below = corpus + "/" + family;
  return std::filesystem::is_directory(below) ? below : corpus;
}

int run(int argc, char** argv) {
  const std::string family = argc >= 2 ? argv[1] : "";
  const std::string folder = folder_of(family, argc >= 3 ? argv[2] : nullptr);
  if (argc <= 3 && family == "netpol") return waypath::conformance::run_netpol(folder);
  if (argc <= 3 && family == "authz") return waypath::conformance::run_authz(folder);
  if (argc <= 3 && family == "routing") return waypath::conformance::run_routing(folder);
  std::fputs("usage: waypath_conformance netpol|authz|routing [FOLDER]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "waypath_conformance: %s\n", e.what());
    return 2;
  }
}
