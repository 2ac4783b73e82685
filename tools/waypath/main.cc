// waypath: predicts the path of a request through a Kubernetes cluster with Istio ambient, from manifests
// alone.

#include <unistd.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "tools/waypath/app.h"

namespace {

// A large input file is read where it lies (model/base/mapped_file.h): what somebody cut away meanwhile
// cannot be read. Async-signal-safe.
void input_was_cut(int) {
  constexpr std::string_view kText = "waypath: error: an input file was cut short while it was read\n";
  static_cast<void>(!::write(STDERR_FILENO, kText.data(), kText.size()));
  ::_exit(waypath::tools::kExitUsage);
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away (`waypath ... | head`) shows as a failed write, not as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGBUS, input_was_cut);
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  const waypath::tools::Streams streams{std::cout, std::cerr, isatty(STDOUT_FILENO) == 1,
                                        isatty(STDERR_FILENO) == 1};
  try {
    return waypath::tools::run_app(arguments, argc > 0 ? argv[0] : "waypath", streams);
  } catch (const std::exception& e) {
    std::cerr << "waypath: internal error: " << e.what() << "\n";
    return waypath::tools::kExitUsage;
  }
}
