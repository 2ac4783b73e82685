#include "tools/render/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace waypath::tools {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C1 controls are two bytes in UTF-8: C2 80 to C2 9F.
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (c1) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

std::string object_with_rule(const sim::ObjectAt& object) {
  std::string out = object.key.str();
  if (object.rule < 0) return out;
  const bool plain = object.section.empty() || object.section == "rules";
  return out + (plain ? "" : " " + object.section) + fmt::format(" rule {}", object.rule);
}

std::string place_of(const model::SourceFiles& files, model::SourcePos pos, bool short_path) {
  if (!pos.known()) return {};
  std::string_view path = files.path(pos.file);
  if (short_path) path = path.substr(path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/') + 1);
  return fmt::format("{}:{}", path, pos.line);
}

std::string hop_title(const sim::HopResult& hop) {
  const std::string full = hop.ns.empty() ? hop.name : hop.ns + "/" + hop.name;
  switch (hop.kind) {
    case sim::HopKind::External:
    case sim::HopKind::Address:
      return full;
    case sim::HopKind::Ztunnel:
    case sim::HopKind::Sidecar:
      return fmt::format("{} of {}", to_string(hop.kind), full);
    case sim::HopKind::Node:
      return hop.name.compare(0, 8, "kubelet ") == 0 ? hop.name : "node " + hop.name;
    case sim::HopKind::Application:
      return fmt::format("app {}", full);
    default:
      return fmt::format("{} {}", to_string(hop.kind), full);
  }
}

std::string port_text(const sim::LegResult& leg) {
  if (leg.inner_port == 0 || leg.inner_port == leg.wire_port) return fmt::format(":{}", leg.wire_port);
  return fmt::format(":{} ({})", leg.wire_port, leg.inner_port);
}

const sim::PathVerdict& deciding_path(const sim::Verdict& verdict) {
  const auto it = std::find_if(verdict.paths.begin(), verdict.paths.end(), [&](const auto& p) {
    return p.outcome == verdict.outcome && p.symptom == verdict.symptom;
  });
  return it == verdict.paths.end() ? verdict.paths.front() : *it;
}

bool leg_reached(const sim::PathVerdict& path, std::size_t leg) {
  if (path.outcome == sim::Outcome::Allow) return true;
  if (path.decided_at_leg) return leg <= *path.decided_at_leg;
  if (path.decided_at_hop) return path.legs[leg].to <= *path.decided_at_hop;
  return true;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return out;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t have = columns(text);
  if (have < width) text.append(width - have, ' ');
  return text;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t blank = std::min(text.find(' ', start), text.size());
    const std::string word(text.substr(start, blank - start));
    start = blank + 1;
    if (word.empty()) continue;
    if (!line.empty() && columns(line) + 1 + columns(word) > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string Paint::code(std::string_view sgr, const std::string& text) const {
  return on_ && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", sgr, text) : text;
}

std::string Paint::outcome(sim::Outcome outcome, const std::string& text) const {
  switch (outcome) {
    case sim::Outcome::Allow:
      return code("1;32", text);
    case sim::Outcome::Unknown:
      return code("1;33", text);
    case sim::Outcome::Deny:
    case sim::Outcome::Timeout:
    case sim::Outcome::Unreachable:
      break;
  }
  return code("1;31", text);
}

std::string Paint::decision(sim::Decision decision, const std::string& text) const {
  switch (decision) {
    case sim::Decision::Allow:
      return code("32", text);
    case sim::Decision::Unknown:
      return code("33", text);
    case sim::Decision::Deny:
    case sim::Decision::Drop:
      return code("31", text);
    case sim::Decision::NotApplicable:
      break;
  }
  return code("2", text);
}

}  // namespace waypath::tools
