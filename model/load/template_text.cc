#include "model/load/template_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "model/yaml/yaml_codes.h"

namespace waypath::model {
namespace {

constexpr std::size_t kNone = std::string_view::npos;
constexpr std::size_t kShown = 60;  // characters of a template's text that are printed

// Below these nothing is read, or texts of any kind are meant to stand.
constexpr std::array<std::string_view, 13> kFreeText{
    "annotations", "data",    "binaryData",   "stringData", "args",      "command", "env",
    "envFrom",     "volumes", "volumeMounts", "lifecycle",  "resources", "status"};

// Names and identities, hosts, ports and addresses of every kind that is modelled.
constexpr std::array<std::string_view, 15> kNames{
    "name",       "namespace",     "namespaces",      "notNamespaces",      "sectionName",
    "subset",     "exportTo",      "gateways",        "gatewayClassName",   "ingressClassName",
    "principals", "notPrincipals", "serviceAccounts", "notServiceAccounts", "serviceAccountName"};
constexpr std::array<std::string_view, 24> kPlaces{
    "host",    "hosts",     "notHosts", "hostname",   "hostnames",   "subdomain",      "externalName",
    "port",    "ports",     "notPorts", "targetPort", "endPort",     "containerPort",  "nodePort",
    "number",  "cidr",      "except",   "ipBlocks",   "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks",
    "address", "addresses", "clusterIP"};

// Maps whose keys and values are all read.
constexpr std::array<std::string_view, 5> kLabels{"labels", "matchLabels", "matchExpressions", "selector",
                                                  "podSelector"};

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_variable(std::string_view text) {
  for (std::size_t i = text.find("${"); i != kNone; i = text.find("${", i + 2)) {
    std::size_t end = i + 2;
    while (end < text.size() && word_character(text[end])) ++end;
    if (end > i + 2 && text.find('}', end) != kNone) return true;
  }
  return false;
}

bool has_action(std::string_view text) {
  const std::size_t open = text.find("{{");
  return open != kNone && text.find("}}", open + 2) != kNone;
}

/// The first line of a text, if it is short.
std::string shown(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  if (text.size() <= kShown) return std::string(text);
  std::size_t end = kShown;  // no character is cut
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string_view action_at(std::string_view text) {
  const std::size_t close = text.find(text.starts_with("{%") ? "%}" : "}}");
  return close == kNone ? text : text.substr(0, close + 2);
}

/// Whether YAML expects a key or a value behind `before`, the start of a line.
bool node_may_start(std::string_view before) {
  if (before.find_first_of("\"'#") != kNone) return false;
  const std::size_t last = before.find_last_not_of(' ');
  if (last == kNone) return true;
  switch (before[last]) {
    case ':':
    case '[':
    case '{':
      return true;
    case '-':
      return before.find_first_not_of("- ") == kNone;
    default:
      return false;
  }
}

/// The column that the lines of a block text have to pass when this line, whose text starts at `first`, opens
/// one.
std::optional<std::size_t> opens_block(std::string_view line, std::size_t first) {
  std::size_t end = line.size();
  while (end > first && std::string_view(" +-0123456789").find(line[end - 1]) != kNone) --end;
  if (end == first || (line[end - 1] != '|' && line[end - 1] != '>')) return std::nullopt;
  std::size_t column = first, parent = first;
  while (column + 1 < end && line[column] == '-' && line[column + 1] == ' ') {
    parent = column;
    column = line.find_first_not_of(' ', column + 1);
  }
  if (column + 1 == end) return parent;  // "- |"
  const std::size_t before = line.find_last_not_of(' ', end - 2);
  return before != kNone && line[before] == ':' ? std::optional(column) : std::nullopt;
}

std::optional<TemplateText> found_in(const yaml::Node& node, std::string_view key, bool read) {
  const auto found = [&](SourcePos pos, std::string_view text) {
    return TemplateText{pos, std::string(key), std::string(text), true};
  };
  switch (node.kind) {
    case yaml::NodeKind::Null:
      return std::nullopt;
    case yaml::NodeKind::Scalar:
      return read && is_template(node.scalar) ? std::optional(found(node.pos, node.scalar)) : std::nullopt;
    case yaml::NodeKind::Sequence:
      for (const yaml::Node* const item : node.items)
        if (auto place = found_in(*item, key, read)) return place;
      return std::nullopt;
    case yaml::NodeKind::Mapping:
      break;
  }
  const bool labels = holds(kLabels, key);
  for (const yaml::Member& member : node.members) {
    if (holds(kFreeText, member.key)) continue;
    if (labels && is_template(member.key)) return found(member.key_pos, member.key);
    if (auto place = found_in(
            *member.value, member.key,
            labels || holds(kNames, member.key) || holds(kPlaces, member.key) || holds(kLabels, member.key)))
      return place;
  }
  return std::nullopt;
}

}  // namespace

bool is_template(std::string_view text) { return has_action(text) || has_variable(text); }

std::string_view template_hint(std::string_view text) {
  if (text.find("{%") != kNone) return "give what the template renders to";
  if (text.find("{{") != kNone) return "give what it renders to: `helm template CHART | waypath ... -f -`";
  return "put the values in first, as `envsubst` or `flux build kustomization` do";
}

std::optional<TemplateText> first_action(std::string_view text, SourcePos start) {
  std::optional<std::size_t> block;
  std::uint32_t number = start.line;
  for (std::size_t begin = 0; begin < text.size(); ++number) {
    const std::size_t newline = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, newline - begin);
    begin = newline + 1;
    while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t first = line.find_first_not_of(' ');
    if (first == kNone || (block && first > *block)) continue;
    block.reset();
    if (line[first] == '#') continue;
    const std::size_t open = std::min(line.find("{{"), line.find("{%"));
    if (open != kNone && node_may_start(line.substr(0, open))) {
      const std::uint32_t before = number == start.line ? start.column : 1;
      return TemplateText{{start.file, number, before + static_cast<std::uint32_t>(open)},
                          {},
                          std::string(action_at(line.substr(open))),
                          false};
    }
    block = opens_block(line, first);
  }
  return std::nullopt;
}

bool may_hold_template(std::string_view text) { return text.find("{{") != kNone || text.find("${") != kNone; }

std::optional<TemplateText> first_template(const yaml::Node& object) { return found_in(object, {}, false); }

Diagnostic template_not_rendered(const TemplateText& found) {
  Diagnostic d;
  d.code = yaml::kInputTemplate;
  d.severity = found.readable ? Severity::Warning : Severity::Error;
  d.pos = found.pos;
  d.message = "this file is a template that was not rendered: it holds " +
              (found.readable ? found.field + ": \"" + shown(found.text) + "\"" : shown(found.text));
  d.hint = template_hint(found.text);
  return d;
}

}  // namespace waypath::model
