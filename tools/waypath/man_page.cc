// The manual page. Source of the macros: man7.org/linux/man-pages/man7/man.7.html

#include <fmt/format.h>

#include <sstream>

#include "model/base/version.h"
#include "tools/render/names.h"
#include "tools/waypath/command_line.h"

namespace waypath::tools {
namespace {

// Text that roff prints as it is.
std::string roff(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_start = i == 0 || text[i - 1] == '\n';
    if (line_start && (text[i] == '.' || text[i] == '\'')) out += "\\&";
    if (text[i] == '\\')
      out += "\\e";
    else if (text[i] == '-')
      out += "\\-";
    else if (text[i] == '\'')
      out += "\\(aq";
    else if (text[i] == '`')
      out += "\\`";
    else
      out += text[i];
  }
  return out;
}

void arguments(std::string& out, const std::vector<ArgumentInfo>& list) {
  for (const auto& a : list) {
    out += ".TP\n\\fB" + roff(join(a.names, ", ")) + "\\fR";
    if (!a.type.empty() && a.type != a.names.front()) out += " \\fI" + roff(a.type) + "\\fR";
    out += "\n" + roff(a.about) + "\n";
    if (!a.values.empty() && a.about.find(a.values.front()) == std::string::npos)
      out += ".br\nOne of: " + roff(join(a.values, ", ")) + "\n";
  }
}

// Footers: a title line, indented examples, sentences.
void footer(std::string& out, const std::string& text) {
  std::istringstream in(text);
  bool example = false;
  for (std::string line; std::getline(in, line);) {
    const bool indented = line.compare(0, 2, "  ") == 0;
    if (indented != example) out += indented ? ".PP\n.nf\n" : ".fi\n.PP\n";
    if (!indented && !example) out += ".PP\n";
    example = indented;
    out += roff(line) + "\n";
  }
  if (example) out += ".fi\n";
}

}  // namespace

std::string man_page() {
  const CommandLine line = command_line();
  std::string out = fmt::format(".TH WAYPATH 1 \"\" \"waypath {}\" \"User Commands\"\n", model::kVersion);
  out +=
      ".SH NAME\nwaypath \\- predicts the path of a request through a Kubernetes cluster with Istio "
      "ambient\n";
  out +=
      ".SH SYNOPSIS\n.B waypath\n\\fIVERB\\fR [\\fIARGUMENT\\fR...] [\\fIFLAG\\fR...]\n.br\n.B kubectl "
      "waypath\n\\fIVERB\\fR ...\n";
  out += ".SH DESCRIPTION\n" + roff(line.about) + "\n";
  footer(out, line.footer);
  out += ".SH OPTIONS\n";
  arguments(out, line.flags);
  out += ".SH VERBS\n";
  for (const auto& verb : line.verbs) {
    out += fmt::format(".SS waypath {}\n{}\n", roff(verb.name), roff(verb.about));
    arguments(out, verb.positionals);
    arguments(out, verb.flags);
    footer(out, verb.footer);
  }
  out +=
      ".SH EXIT STATUS\n.TP\n0\nFine.\n.TP\n1\nA negative answer: a failed expectation, a difference, a "
      "finding.\n"
      ".TP\n2\nWrong usage or input.\n";
  out +=
      ".SH ENVIRONMENT\n.TP\n\\fBWAYPATH_CLUSTER\\fR\nManifests that stand in for \\fB\\-f\\fR.\n"
      ".TP\n\\fBWAYPATH_CACHE\\fR\nDirectory that stands in for \\fB\\-\\-cache\\fR.\n"
      ".TP\n\\fBNO_COLOR\\fR\nNo colours when \\fB\\-\\-color\\fR is auto.\n";
  out += ".SH SEE ALSO\n\\fBkubectl\\fR(1)\n";
  return out;
}

}  // namespace waypath::tools
