// DOT through Boost.Graph's writer. Source: graphviz.org/doc/info/lang.html

#include <fmt/format.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphviz.hpp>
#include <sstream>

#include "tools/render/picture.h"

namespace waypath::tools {
namespace {

const char* colour(Look look) {
  switch (look) {
    case Look::Allow:
      return "#1e8e3e";
    case Look::Refused:
      return "#d93025";
    case Look::Unknown:
      return "#f29900";
    case Look::Proxy:
      return "#1a73e8";
    case Look::Outside:
      return "#7b4fbf";
    case Look::Policy:
    case Look::Unreached:
      return "#80868b";
    case Look::Plain:
      break;
  }
  return "";
}

const char* shape(Shape shape) {
  switch (shape) {
    case Shape::Round:
      return "oval";
    case Shape::Hexagon:
      return "hexagon";
    case Shape::Slanted:
      return "parallelogram";
    case Shape::Note:
      return "note";
    case Shape::Box:
      break;
  }
  return "box";
}

std::string label(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) {
    if (!out.empty()) out += "\\n";
    for (const char c : dot_text(line)) out += c == '"' ? std::string("\\\"") : std::string(1, c);
  }
  return "\"" + out + "\"";
}

using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, std::size_t, std::size_t>;

}  // namespace

std::string dot_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out.push_back('\\');
    out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c);
  }
  return out;
}

std::string picture_dot(const Picture& picture) {
  Graph graph(picture.nodes.size());
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) graph[i] = i;
  for (std::size_t i = 0; i < picture.edges.size(); ++i)
    boost::add_edge(picture.edges[i].from, picture.edges[i].to, i, graph);

  const auto node = [&](std::ostream& out, Graph::vertex_descriptor v) {
    const auto& n = picture.nodes[v];
    out << fmt::format(" [label={}, shape={}", label(n.lines), shape(n.shape));
    if (*colour(n.look) != '\0') out << fmt::format(", color=\"{}\", penwidth=2", colour(n.look));
    if (n.look == Look::Unreached) out << ", style=dashed";
    out << "]";
  };
  const auto edge = [&](std::ostream& out, const Graph::edge_descriptor& e) {
    const auto& p = picture.edges[graph[e]];
    out << " [label=" << label(p.lines);
    if (*colour(p.look) != '\0') out << fmt::format(", color=\"{}\"", colour(p.look));
    if (p.line == Line::Dotted || p.line == Line::None) out << ", style=dashed";
    if (p.line == Line::Thick) out << ", penwidth=2";
    if (p.line == Line::Cut) out << ", arrowhead=tee";
    if (p.line == Line::None) out << ", arrowhead=none";
    out << "]";
  };
  const auto head = [&](std::ostream& out) {
    out << fmt::format("rankdir={};\n", picture.top_down ? "TB" : "LR");
    out << "node [fontname=\"sans-serif\"];\nedge [fontname=\"sans-serif\"];\n";
    for (std::size_t g = 0; g < picture.groups.size(); ++g) {
      std::string members;
      for (const auto& n : picture.nodes)
        if (n.group == g) members += " " + n.id + ";";
      if (!members.empty())
        out << fmt::format("subgraph cluster_{} {{ label={};{} }}\n", g, label({picture.groups[g]}), members);
    }
    for (std::size_t i = 0; i < picture.notes.size(); ++i)
      out << fmt::format("note{} [shape=note, label={}];\n", i, label({picture.notes[i]}));
  };
  std::ostringstream out;
  std::vector<std::string> ids;
  for (const auto& n : picture.nodes) ids.push_back(n.id);
  boost::write_graphviz(
      out, graph, node, edge, head,
      boost::make_iterator_property_map(ids.begin(), boost::get(boost::vertex_index, graph)));
  return out.str();
}

}  // namespace waypath::tools
