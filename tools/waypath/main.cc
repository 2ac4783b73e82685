#include <exception>
#include <iostream>

#include "tools/waypath/commands.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  try {
    return waypath::tools::run_cli(argc, argv, std::cout, std::cerr);
  } catch (const std::exception& e) {
    std::cerr << "waypath: internal error: " << e.what() << "\n";
    return 2;
  }
}
