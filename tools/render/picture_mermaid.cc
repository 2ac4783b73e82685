// Mermaid flowcharts. Source of syntax and limits: mermaid.js.org/syntax/flowchart.html

#include <fmt/format.h>

#include <array>
#include <map>

#include "tools/render/picture.h"

namespace waypath::tools {
namespace {

struct Style {
  const char* name;
  const char* node;  // own text colour on own ground: the same in light and dark themes
  const char* edge;  // a stroke that both grounds show; "" = the theme's
};

constexpr Style style_of(Look look) {
  switch (look) {
    case Look::Allow:
      return {"allow", "fill:#ceead6,stroke:#1e8e3e,color:#0d3b1e", "stroke:#1e8e3e,stroke-width:2px"};
    case Look::Refused:
      return {"refused", "fill:#fad2cf,stroke:#d93025,color:#5c1511", "stroke:#d93025,stroke-width:2px"};
    case Look::Unknown:
      return {"unknown", "fill:#feefc3,stroke:#f29900,color:#4a3000", "stroke:#f29900,stroke-width:2px"};
    case Look::Policy:
      return {"policy", "fill:#e8eaed,stroke:#80868b,color:#202124", "stroke:#80868b,stroke-width:2px"};
    case Look::Unreached:
      return {"unreached", "fill:#f1f3f4,stroke:#80868b,color:#5f6368,stroke-dasharray:4 4",
              "stroke:#80868b,stroke-width:2px"};
    case Look::Proxy:
      return {"proxy", "fill:#d2e3fc,stroke:#1a73e8,color:#0b2e66", "stroke:#4285f4,stroke-width:2px"};
    case Look::Outside:
      return {"outside", "fill:#e4d7f5,stroke:#7b4fbf,color:#33195c", "stroke:#7b4fbf,stroke-width:2px"};
    case Look::Plain:
      break;
  }
  return {"plain", "fill:#ffffff,stroke:#5f6368,color:#202124", ""};
}

std::pair<const char*, const char*> brackets(Shape shape) {
  switch (shape) {
    case Shape::Round:
      return {"([", "])"};
    case Shape::Hexagon:
      return {"{{", "}}"};
    case Shape::Slanted:
      return {"[/", "/]"};
    case Shape::Note:
      return {">", "]"};
    case Shape::Box:
      break;
  }
  return {"[", "]"};
}

const char* arrow(Line line) {
  switch (line) {
    case Line::Dotted:
      return "-.->";
    case Line::Thick:
      return "==>";
    case Line::Cut:
      return "--x";
    case Line::None:
      return "-.-";
    case Line::Solid:
      break;
  }
  return "-->";
}

std::string label(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += (out.empty() ? "" : "<br/>") + mermaid_text(line);
  return out.empty() ? " " : out;
}

std::string node_line(const PictureNode& node, std::map<Look, bool>& used) {
  const auto [open, close] = brackets(node.shape);
  used[node.look] = true;
  return fmt::format("{}{}\"{}\"{}:::{}\n", node.id, open, label(node.lines), close,
                     style_of(node.look).name);
}

}  // namespace

std::string picture_mermaid(const Picture& picture) {
  std::string out = picture.top_down ? "flowchart TB\n" : "flowchart LR\n";
  std::map<Look, bool> used;
  for (const auto& node : picture.nodes)
    if (node.group == kNoGroup) out += "  " + node_line(node, used);
  for (std::size_t g = 0; g < picture.groups.size(); ++g) {
    std::string members;
    for (const auto& node : picture.nodes)
      if (node.group == g) members += "    " + node_line(node, used);
    if (members.empty()) continue;
    out += fmt::format("  subgraph s{}[\"{}\"]\n{}{}  end\n", g, label({picture.groups[g]}),
                       picture.top_down ? "    direction LR\n" : "", members);
  }
  std::map<std::string, std::string> strokes;  // look of edges -> their numbers
  for (std::size_t i = 0; i < picture.edges.size(); ++i) {
    const auto& e = picture.edges[i];
    const std::string text = e.lines.empty() ? "" : fmt::format("|\"{}\"|", label(e.lines));
    out +=
        fmt::format("  {} {}{} {}\n", picture.nodes[e.from].id, arrow(e.line), text, picture.nodes[e.to].id);
    if (const std::string stroke = style_of(e.look).edge; !stroke.empty())
      strokes[stroke] += (strokes[stroke].empty() ? "" : ",") + std::to_string(i);
  }
  // Groups that no edge joins stand in their order.
  if (picture.top_down)
    for (std::size_t g = 1; g < picture.groups.size(); ++g) out += fmt::format("  s{} ~~~ s{}\n", g - 1, g);
  for (std::size_t i = 0; i < picture.notes.size(); ++i) {
    out += fmt::format("  note{}>\"{}\"]:::policy\n", i, label({picture.notes[i]}));
    used[Look::Policy] = true;
  }
  for (const auto& [look, is_used] : used)
    out += fmt::format("  classDef {} {}\n", style_of(look).name, style_of(look).node);
  for (const auto& [stroke, edges] : strokes) out += fmt::format("  linkStyle {} {}\n", edges, stroke);
  return out;
}

std::string mermaid_text(std::string_view text) {
  std::string out;
  const auto is_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  constexpr std::string_view kPlain = " ._/:,*=-()+";
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool word = is_word(text[i]);
    // The bare word "end" closes blocks wherever it stands.
    const bool starts_end = text.size() - i >= 3 && (text[i] == 'e' || text[i] == 'E') &&
                            (text[i + 1] == 'n' || text[i + 1] == 'N') &&
                            (text[i + 2] == 'd' || text[i + 2] == 'D') && (i == 0 || !is_word(text[i - 1])) &&
                            (i + 3 == text.size() || !is_word(text[i + 3]));
    // Mermaid takes a lone `;` out of lines that look like styles, and with it the end of an entity.
    // Source: mermaid packages/mermaid/src/utils.ts encodeEntities
    const bool starts_style = text.compare(i, 5, "style") == 0 || text.compare(i, 8, "classDef") == 0;
    if (starts_end || starts_style) {
      out += fmt::format("#{};", static_cast<int>(byte));
      ++i;
    } else if (word || kPlain.find(text[i]) != std::string_view::npos) {
      out.push_back(text[i++]);
    } else if (byte < 0x20 || byte == 0x7F) {
      out.push_back(' ');
      ++i;
    } else if (byte < 0x80) {
      out += fmt::format("#{};", static_cast<int>(byte));
      ++i;
    } else {
      out.push_back(text[i++]);  // letters of other scripts mean nothing to Mermaid
    }
  }
  return out;
}

}  // namespace waypath::tools
