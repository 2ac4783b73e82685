#pragma once
// The command line described: what completions and the manual page are made of. Read off the parser, so that
// they say what
// `--help` says.

#include <string>
#include <vector>

namespace waypath::tools {

struct ArgumentInfo {
  std::vector<std::string> names;  // "-o", "--output"; a positional has one without dashes
  std::string type;                // "FILE", "" for a switch
  std::string about;
  std::vector<std::string> values;  // the only ones it takes, if listed
};

struct VerbInfo {
  std::string name, about, footer;
  std::vector<ArgumentInfo> positionals, flags;
};

struct CommandLine {
  std::string about, footer;
  std::vector<ArgumentInfo> flags;  // before a verb
  std::vector<VerbInfo> verbs;
};
[[nodiscard]] CommandLine command_line();

/// Script for bash, zsh or fish that completes verbs, flags, their values and codes; "" for another shell.
[[nodiscard]] std::string completion_script(const std::string& shell);
/// The manual page, in man(7).
[[nodiscard]] std::string man_page();

}  // namespace waypath::tools
