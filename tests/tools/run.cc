#include "tests/tools/run.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "tests/support/corpus.h"
#include "tools/waypath/app.h"

namespace waypath::tests {

Run run(const std::vector<std::string>& arguments) {
  std::filesystem::current_path(source_dir());
  unsetenv("WAYPATH_CLUSTER");
  std::ostringstream out, err;
  Run result;
  result.exit_code = tools::run_app(arguments, "waypath", tools::Streams{out, err, false, false});
  result.out = out.str();
  result.err = err.str();
  return result;
}

std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> out;
  bool quoted = false, open = false;
  for (const char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      if (!open) out.emplace_back();
      open = true;
    } else if (c == ' ' && !quoted) {
      open = false;
    } else {
      if (!open) out.emplace_back();
      open = true;
      out.back().push_back(c);
    }
  }
  return out;
}

}  // namespace waypath::tests
