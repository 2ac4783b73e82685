#include "tools/waypath/next_steps.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

namespace waypath::tools {
namespace {

namespace fs = std::filesystem;
constexpr const char* kExample = "clusters/bigbang-waypoint";

}  // namespace

std::string example_cluster() {
  std::error_code error;
  const fs::path here = fs::path("scenarios") / kExample;
  if (fs::is_directory(here, error)) return here.generic_string();
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path installed =
      (program.parent_path() / ".." / "share" / "waypath" / kExample).lexically_normal();
  return fs::is_directory(installed, error) ? installed.generic_string() : "";
}

std::string first_steps(const std::string& program) {
  const char* given = std::getenv("WAYPATH_CLUSTER");
  const bool chosen = given != nullptr && *given != '\0';
  const std::string example = example_cluster();
  const std::string url = "https://prometheus.dev.bigbang.mil/graph";
  std::string out = "Next:\n";
  if (chosen)
    out += fmt::format("  {0} reach                            who reaches whom in {1} (WAYPATH_CLUSTER)\n",
                       program, given);
  else if (!example.empty())
    out += fmt::format(
        "  {0} trace internet {1} \\\n      -f {2}\n      one request through the example cluster, hop by "
        "hop\n",
        program, url, example);
  out +=
      fmt::format("  {0} snapshot live/                   your own cluster, through your kubectl\n", program);
  out += fmt::format("  {0} reach -f live/                   who reaches whom in it\n", program);
  out += fmt::format("  {0} report -f live/ --out live.html  all of it on one page\n", program);
  return out + fmt::format("`{} --help` lists the verbs.\n", program);
}

}  // namespace waypath::tools
