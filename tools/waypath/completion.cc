// Completions of bash, zsh and fish.

#include <fmt/format.h>

#include "model/diagnostic_codes.h"
#include "sim/reasons/reason_codes.h"
#include "tools/render/names.h"
#include "tools/waypath/command_line.h"

namespace waypath::tools {
namespace {

// What a verb's first argument can be, when that can be listed.
std::vector<std::string> subjects(const VerbInfo& verb) {
  std::vector<std::string> out;
  for (const auto& p : verb.positionals) out.insert(out.end(), p.values.begin(), p.values.end());
  if (verb.name != "explain") return out;
  for (const auto& info : sim::all_codes()) out.emplace_back(info.code.text);
  for (const auto& info : model::diagnostic_codes()) out.emplace_back(info.code.text);
  return out;
}

bool is_path(const std::string& type) {
  return type == "PATH" || type == "FILE" || type == "DIR" || type == "FILE|DIR" || type == "A B";
}

std::vector<std::string> all_names(const std::vector<ArgumentInfo>& flags) {
  std::vector<std::string> out;
  for (const auto& flag : flags) out.insert(out.end(), flag.names.begin(), flag.names.end());
  return out;
}

std::string verb_words(const CommandLine& line) {
  std::vector<std::string> out;
  for (const auto& verb : line.verbs) out.push_back(verb.name);
  return join(out, " ");
}

// In single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string bash(const CommandLine& line) {
  std::string out =
      "_waypath() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words= "
      "flags=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n";
  out += fmt::format("    COMPREPLY=($(compgen -W {} -- \"$cur\"))\n    return\n  fi\n",
                     quoted(verb_words(line) + " " + join(all_names(line.flags), " ")));
  out += "  case \"$verb $prev\" in\n";
  for (const auto& verb : line.verbs) {
    for (const auto& flag : verb.flags) {
      if (flag.type.empty()) continue;
      std::vector<std::string> cases;
      for (const auto& name : flag.names) cases.push_back("\"" + verb.name + " " + name + "\"");
      if (!flag.values.empty())
        out += fmt::format("    {}) COMPREPLY=($(compgen -W {} -- \"$cur\")); return ;;\n", join(cases, "|"),
                           quoted(join(flag.values, " ")));
      else  // paths are completed by -o default; other values are the reader's own
        out += fmt::format("    {}) return ;;\n", join(cases, "|"));
    }
  }
  out += "  esac\n  case $verb in\n";
  for (const auto& verb : line.verbs)
    out += fmt::format("    {}) flags={} words={} ;;\n", verb.name, quoted(join(all_names(verb.flags), " ")),
                       quoted(join(subjects(verb), " ")));
  out +=
      "  esac\n"
      "  case $cur in -*) words=$flags ;; esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "}\ncomplete -o default -F _waypath waypath kubectl-waypath\n";
  return out;
}

// Text within [brackets] or between colons of a spec of zsh's _arguments.
std::string in_spec(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out.push_back('\\');
    out.push_back(c == '\n' ? ' ' : c);
  }
  return out;
}

// What an argument can be, as the last part of a spec.
std::string zsh_action(const std::string& type, const std::vector<std::string>& values) {
  const std::string message = in_spec(type.empty() ? "value" : type);
  if (!values.empty()) return ":" + message + ":(" + join(values, " ") + ")";
  return ":" + message + (is_path(type) ? ":_files" : ": ");
}

std::string zsh_flags(const std::vector<ArgumentInfo>& flags) {
  std::string out;
  for (const auto& flag : flags) {
    for (const auto& name : flag.names) {
      const bool takes = !flag.type.empty();
      const std::string form = !takes ? name : name + (name.compare(0, 2, "--") == 0 ? "=" : "+");
      out += "    " +
             quoted((takes ? "*" : "") + form + "[" + in_spec(flag.about) + "]" +
                    (takes ? zsh_action(flag.type, flag.values) : "")) +
             " \\\n";
    }
  }
  return out;
}

// Source: zsh.sourceforge.io/Doc/Release/Completion-System.html, _arguments and _describe. Works as a file in
// fpath and read by `source`.
std::string zsh(const CommandLine& line) {
  std::string out =
      "#compdef waypath kubectl-waypath\n"
      "_waypath() {\n"
      "  if (( CURRENT == 2 )); then\n"
      "    if [[ $PREFIX == -* ]]; then\n"
      "      _arguments \\\n" +
      zsh_flags(line.flags) +
      "        '*: :'\n"
      "      return\n"
      "    fi\n"
      "    local -a verbs=(\n";
  for (const auto& verb : line.verbs) out += "      " + quoted(verb.name + ":" + in_spec(verb.about)) + "\n";
  out +=
      "    )\n"
      "    _describe -t verbs verb verbs\n"
      "    return\n"
      "  fi\n"
      "  local verb=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $verb in\n";
  for (const auto& verb : line.verbs) {
    out += "  " + verb.name + ") _arguments -s \\\n" + zsh_flags(verb.flags);
    std::size_t at = 0;
    for (const auto& positional : verb.positionals) {
      const bool last = ++at == verb.positionals.size();
      const auto values = at == 1 ? subjects(verb) : positional.values;
      out += "    " +
             quoted((last ? "*" : std::to_string(at)) +
                    (values.empty() && is_path(positional.type)
                         ? ":" + in_spec(positional.names.front()) + ":_files"
                         : zsh_action(positional.names.front(), values))) +
             " \\\n";
    }
    out += "    && return ;;\n";
  }
  return out +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _waypath ]]; then _waypath \"$@\"; else compdef _waypath waypath "
         "kubectl-waypath; fi\n";
}

std::string fish(const CommandLine& line) {
  const std::string complete = "complete -c waypath -c kubectl-waypath";
  std::string out;
  for (const auto& flag : line.flags) {
    out += complete + " -n __fish_use_subcommand";
    for (const auto& name : flag.names)
      out += name.compare(0, 2, "--") == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
    out += " -d " + quoted(flag.about) + "\n";
  }
  for (const auto& verb : line.verbs)
    out +=
        fmt::format("{} -n __fish_use_subcommand -f -a {} -d {}\n", complete, verb.name, quoted(verb.about));
  for (const auto& verb : line.verbs) {
    const std::string when = fmt::format("{} -n '__fish_seen_subcommand_from {}'", complete, verb.name);
    for (const auto& flag : verb.flags) {
      out += when;
      for (const auto& name : flag.names)
        out += name.compare(0, 2, "--") == 0 ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!flag.values.empty())
        out += " -x -a " + quoted(join(flag.values, " "));
      else if (!flag.type.empty())
        out += is_path(flag.type) ? " -r" : " -x";
      out += " -d " + quoted(flag.about) + "\n";
    }
    if (const auto words = subjects(verb); !words.empty())
      out += when + " -f -a " + quoted(join(words, " ")) + "\n";
  }
  return out;
}

}  // namespace

std::string completion_script(const std::string& shell) {
  const CommandLine line = command_line();
  if (shell == "bash") return bash(line);
  if (shell == "zsh") return zsh(line);
  return shell == "fish" ? fish(line) : "";
}

}  // namespace waypath::tools
