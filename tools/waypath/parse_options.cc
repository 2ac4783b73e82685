// The parser. CLI11 takes long to compile: besides this, only option_groups.cc and verb_options.cc know it.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <map>
#include <sstream>

#include "model/base/edit_distance.h"
#include "model/base/version.h"
#include "tools/waypath/app.h"
#include "tools/waypath/command_line.h"
#include "tools/waypath/next_steps.h"
#include "tools/waypath/options.h"
#include "tools/waypath/verb_help.h"
#include "tools/waypath/verb_options.h"

namespace waypath::tools {
namespace {

using Names = std::map<std::string, std::vector<std::string>>;  // verb -> its long flags

// Long flags of a verb, to tell a slip from nonsense.
std::vector<std::string> long_flags(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options())
    for (const auto& name : option->get_lnames()) out.push_back("--" + name);
  std::sort(out.begin(), out.end());
  return out;
}

// "FORMAT:{text,json}" is a type and the only values it takes.
ArgumentInfo argument(const CLI::Option& option) {
  ArgumentInfo out;
  for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
  if (out.names.empty()) out.names.push_back(option.get_name());
  out.about = option.get_description();
  if (option.get_items_expected_max() == 0) return out;  // a switch
  const std::string type = option.get_type_name();
  const auto brace = type.find(":{");
  out.type = type.substr(0, brace);
  if (brace == std::string::npos) return out;
  std::istringstream values(type.substr(brace + 2, type.size() - brace - 3));
  for (std::string value; std::getline(values, value, ',');) out.values.push_back(value);
  return out;
}

std::vector<ArgumentInfo> arguments(const CLI::App& app, bool positional) {
  std::vector<ArgumentInfo> out;
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() == positional) out.push_back(argument(*option));
  return out;
}

// What was given of all that the result depends on: not how it is printed, nor by how many threads.
std::vector<std::string> telling_arguments(const CLI::App& app) {
  static constexpr std::array<std::string_view, 7> kOthers{"--output",  "--out",  "--color", "--quiet",
                                                           "--verbose", "--jobs", "--shard"};
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end()) continue;
    for (const auto& value : option->results()) out.push_back(name + "=" + value);
  }
  std::stable_sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return a.substr(0, a.find('=')) < b.substr(0, b.find('='));
  });
  return out;
}

std::string nearest_of(const std::string& word, const std::vector<std::string>& candidates) {
  const std::vector<std::string_view> views(candidates.begin(), candidates.end());
  const auto found = model::nearest(word, views);
  return found ? std::string(*found) : std::string();
}

std::string quoted_list(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

class Parser {
 public:
  explicit Parser(std::string program) : app_(kAbout, std::move(program)) {
    app_.footer(kFirstSteps);
    app_.set_version_flag("--version", fmt::format("waypath {}", model::kVersion), "Print the version");
    app_.require_subcommand(1);
    app_.get_formatter()->column_width(34);

    for (const VerbOptions& row : verb_options()) {
      auto* app = app_.add_subcommand(row.name, row.about);
      app->footer(row.examples);
      app->get_formatter()->column_width(34);
      row.add(*app, options_[row.verb]);
      verbs_[row.verb] = app;
    }

    app_.add_subcommand("man", "The manual page")->footer("Example:\n  waypath man | man -l -");

    auto* completion = app_.add_subcommand("completion", "Completions for bash, zsh or fish");
    completion->footer("Example:\n  source <(waypath completion bash)");
    completion->add_option("shell", shell_, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name("SHELL");
  }

  ParseResult parse(const std::vector<std::string>& arguments) {
    ParseResult result;
    if (arguments.empty()) {
      result.exit_code = kExitUsage;
      result.err = std::string(kAbout) + "\n\n" + first_steps(app_.get_name());
      return result;
    }
    if (const auto wrong = wrong_verb(arguments.front()); !wrong.empty())
      return usage_error(wrong, app_.get_name() + " --help");
    try {
      std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
      app_.parse(reversed);
    } catch (const CLI::Success& done) {
      std::ostringstream out, err;
      result.exit_code = app_.exit(done, out, err);
      result.out = out.str();
      return result;
    } catch (const CLI::ParseError& error) {
      return explain_error(error, arguments);
    }
    if (app_.got_subcommand("man")) {
      result.out = man_page();
      return result;
    }
    if (app_.got_subcommand("completion")) {
      result.out = completion_script(shell_);
      return result;
    }
    for (auto& [verb, app] : verbs_) {
      if (!app->parsed()) continue;
      options_[verb].verb = verb;
      options_[verb].arguments = telling_arguments(*app);
      result.options = std::move(options_[verb]);
    }
    return result;
  }

  CommandLine describe() const {
    CommandLine out{kAbout, kFirstSteps, arguments(app_, false), {}};
    for (const CLI::App* app : app_.get_subcommands([](const CLI::App*) { return true; }))
      out.verbs.push_back({app->get_name(), app->get_description(), app->get_footer(), arguments(*app, true),
                           arguments(*app, false)});
    return out;
  }

  // Verbs and their long flags, to tell a slip from nonsense.
  Names names() const {
    Names out;
    for (const CLI::App* app : app_.get_subcommands([](const CLI::App*) { return true; }))
      out[app->get_name()] = long_flags(*app);
    return out;
  }

 private:
  std::vector<std::string> verb_names() const {
    std::vector<std::string> out;
    for (const auto& [name, flags] : names()) out.push_back(name);
    return out;
  }

  std::string wrong_verb(const std::string& first) const {
    const auto verbs = verb_names();
    if (first.empty() || first.front() == '-' || std::find(verbs.begin(), verbs.end(), first) != verbs.end())
      return {};
    const auto near = nearest_of(first, verbs);
    return fmt::format("no verb \"{}\"{}; there are {}", first,
                       near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near), quoted_list(verbs));
  }

  static ParseResult usage_error(const std::string& message, const std::string& help) {
    ParseResult result;
    result.exit_code = kExitUsage;
    result.err = fmt::format("error: {}\n  hint: `{}` shows flags and examples\n", message, help);
    return result;
  }

  // "from is required" in the words of --help: "FROM is missing (Who sends)".
  static std::string missing_argument(const CLI::App& app, std::string_view what) {
    const auto* option = app.get_option_no_throw(std::string(what.substr(0, what.find(' '))));
    if (option == nullptr) return {};
    const ArgumentInfo info = argument(*option);
    return fmt::format("{} is missing ({})", info.type, info.about);
  }

  ParseResult explain_error(const CLI::ParseError& error, const std::vector<std::string>& arguments) const {
    const auto all = names();
    const auto it = all.find(arguments.front());
    const std::string help = app_.get_name() + (it == all.end() ? "" : " " + it->first) + " --help";
    for (const auto& argument : arguments) {
      if (it == all.end() || argument.compare(0, 2, "--") != 0 || argument == "--") continue;
      const std::string flag = argument.substr(0, argument.find('='));
      const auto& known = it->second;
      if (std::find(known.begin(), known.end(), flag) != known.end()) continue;
      const auto near = nearest_of(flag, known);
      return usage_error(fmt::format("{}: no flag \"{}\"{}", it->first, flag,
                                     near.empty() ? "" : fmt::format(", did you mean \"{}\"?", near)),
                         help);
    }
    if (it != all.end() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
      if (const auto missing = missing_argument(*app_.get_subcommand(it->first), error.what());
          !missing.empty())
        return usage_error(it->first + ": " + missing, help);
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    return usage_error((it == all.end() ? "" : it->first + ": ") + message, help);
  }

  CLI::App app_;
  std::map<Verb, Options> options_;  // stable addresses: the parser keeps pointers
  std::map<Verb, CLI::App*> verbs_;
  std::string shell_;
};

}  // namespace

ParseResult parse_options(const std::vector<std::string>& arguments, const std::string& program) {
  const auto slash = program.rfind('/');
  const std::string name = slash == std::string::npos ? program : program.substr(slash + 1);
  return Parser(name == "kubectl-waypath" ? "kubectl waypath" : "waypath").parse(arguments);
}

CommandLine command_line() { return Parser("waypath").describe(); }

}  // namespace waypath::tools
