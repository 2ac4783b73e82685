#include "tools/render/picture.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace waypath::tools {
namespace {

// Past these a diagram is a thicket; by_group takes over.
constexpr std::size_t kReadableNodes = 80, kReadableEdges = 160;
// Mermaid refuses more: maxEdges 500 and maxTextSize 50000 (mermaid
// packages/mermaid/src/schemas/config.schema.yaml).
constexpr std::size_t kMermaidEdges = 490, kMermaidText = 48000;
constexpr std::size_t kNamesShown = 4;

void keep_nodes(Picture& picture, const std::vector<bool>& keep) {
  std::vector<std::size_t> moved(picture.nodes.size(), SIZE_MAX);
  std::vector<PictureNode> nodes;
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    if (!keep[i]) continue;
    moved[i] = nodes.size();
    nodes.push_back(std::move(picture.nodes[i]));
  }
  std::vector<PictureEdge> edges;
  for (auto& e : picture.edges) {
    if (!keep[e.from] || !keep[e.to]) continue;
    e.from = moved[e.from];
    e.to = moved[e.to];
    edges.push_back(std::move(e));
  }
  picture.nodes = std::move(nodes);
  picture.edges = std::move(edges);
}

bool fits(const PictureNode& node, const Picture& picture, const std::string& pattern) {
  const auto like = [&](const std::string& name) {
    return name == pattern || fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  };
  if (node.group != kNoGroup && like(picture.groups[node.group])) return true;
  return std::any_of(node.keys.begin(), node.keys.end(), like);
}

// An edge as seen from one of its ends.
using Side = std::tuple<bool, std::size_t, Line, Look, std::vector<std::string>>;  // outgoing, other end, ...
struct Signature {
  std::size_t group;
  Shape shape;
  Look look;
  std::vector<std::string> attributes;  // lines after the name
  std::set<Side> sides;
  friend auto operator<=>(const Signature&, const Signature&) = default;
};

// Replaces each set of nodes by its first one.
void merge_sets(Picture& picture, const std::vector<std::vector<std::size_t>>& sets) {
  std::vector<std::size_t> into(picture.nodes.size());
  for (std::size_t i = 0; i < into.size(); ++i) into[i] = i;
  for (const auto& set : sets) {
    auto& first = picture.nodes[set.front()];
    std::vector<std::string> lines;
    std::size_t count = 0;
    for (const auto i : set) {
      into[i] = set.front();
      count += picture.nodes[i].count;
      if (lines.size() < kNamesShown) lines.push_back(picture.nodes[i].lines.front());
      if (i != set.front())
        first.keys.insert(first.keys.end(), picture.nodes[i].keys.begin(), picture.nodes[i].keys.end());
    }
    if (set.size() > lines.size()) lines.push_back(fmt::format("and {} more", set.size() - lines.size()));
    lines.insert(lines.end(), first.lines.begin() + 1, first.lines.end());
    first.lines = std::move(lines);
    first.count = count;
  }
  std::set<std::tuple<std::size_t, Side>> seen;
  std::vector<PictureEdge> edges;
  for (auto& e : picture.edges) {
    e.from = into[e.from];
    e.to = into[e.to];
    if (seen.insert({e.from, Side{true, e.to, e.line, e.look, e.lines}}).second)
      edges.push_back(std::move(e));
  }
  picture.edges = std::move(edges);
  std::vector<bool> keep(picture.nodes.size());
  for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = into[i] == i;
  keep_nodes(picture, keep);
}

std::vector<std::set<Side>> sides_of(const Picture& picture) {
  std::vector<std::set<Side>> out(picture.nodes.size());
  for (const auto& e : picture.edges) {
    out[e.from].insert({true, e.to, e.line, e.look, e.lines});
    out[e.to].insert({false, e.from, e.line, e.look, e.lines});
  }
  return out;
}

Signature signature_of(const PictureNode& node, std::set<Side> sides) {
  return {node.group, node.shape, node.look, {node.lines.begin() + 1, node.lines.end()}, std::move(sides)};
}

void merge_by(Picture& picture, const std::map<Signature, std::vector<std::size_t>>& alike) {
  std::vector<std::vector<std::size_t>> sets;
  for (const auto& [signature, members] : alike)
    if (members.size() > 1) sets.push_back(members);
  std::sort(sets.begin(), sets.end());
  if (!sets.empty()) merge_sets(picture, sets);
}

}  // namespace

std::vector<std::size_t> focus_on(Picture& picture, const std::vector<std::string>& patterns,
                                  unsigned depth) {
  std::vector<std::size_t> missed;
  if (patterns.empty()) return missed;
  std::vector<bool> keep(picture.nodes.size(), false);
  for (std::size_t p = 0; p < patterns.size(); ++p) {
    bool any = false;
    for (std::size_t i = 0; i < keep.size(); ++i) {
      if (!fits(picture.nodes[i], picture, patterns[p])) continue;
      any = true;
      keep[i] = true;
    }
    if (!any) missed.push_back(p);
  }
  // Of the nodes that are just within reach, only the edges that lead there.
  std::vector<bool> inner = keep;
  for (unsigned step = 0; step < depth; ++step) {
    inner = keep;
    for (const auto& e : picture.edges) {
      if (inner[e.from]) keep[e.to] = true;
      if (inner[e.to]) keep[e.from] = true;
    }
  }
  std::erase_if(picture.edges, [&](const PictureEdge& e) { return !inner[e.from] && !inner[e.to]; });
  keep_nodes(picture, keep);
  return missed;
}

void merge_equals(Picture& picture) {
  std::map<Signature, std::vector<std::size_t>> alike;
  auto sides = sides_of(picture);
  for (std::size_t i = 0; i < picture.nodes.size(); ++i)
    if (picture.nodes[i].mergeable) alike[signature_of(picture.nodes[i], sides[i])].push_back(i);
  merge_by(picture, alike);

  // Those that also reach each other: alike once each one's own edge to itself is thought of.
  alike.clear();
  sides = sides_of(picture);
  std::vector<bool> taken(picture.nodes.size(), false);
  std::map<Signature, std::vector<std::size_t>> closed;
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    if (!picture.nodes[i].mergeable) continue;
    std::set<std::tuple<Line, Look, std::vector<std::string>>> words;
    for (const auto& [outgoing, other, line, look, lines] : sides[i])
      if (other != i && picture.nodes[other].mergeable &&
          picture.nodes[other].group == picture.nodes[i].group)
        words.insert({line, look, lines});
    for (const auto& [line, look, lines] : words) {
      auto with_self = sides[i];
      with_self.insert({true, i, line, look, lines});
      with_self.insert({false, i, line, look, lines});
      closed[signature_of(picture.nodes[i], std::move(with_self))].push_back(i);
    }
  }
  std::vector<std::vector<std::size_t>> sets;
  for (auto& [signature, members] : closed) {
    std::erase_if(members, [&](std::size_t i) { return taken[i]; });
    if (members.size() < 2) continue;
    for (const auto i : members) taken[i] = true;
    sets.push_back(members);
  }
  std::sort(sets.begin(), sets.end());
  if (!sets.empty()) merge_sets(picture, sets);
}

Picture by_group(const Picture& picture) {
  Picture out;
  out.name = picture.name;
  out.top_down = picture.top_down;
  out.notes = picture.notes;
  std::map<std::size_t, std::size_t> at;  // group -> node
  std::vector<std::size_t> into(picture.nodes.size());
  for (std::size_t i = 0; i < picture.nodes.size(); ++i) {
    const auto& node = picture.nodes[i];
    if (node.group == kNoGroup) {
      into[i] = out.nodes.size();
      out.nodes.push_back(node);
      continue;
    }
    const auto [it, fresh] = at.try_emplace(node.group, out.nodes.size());
    into[i] = it->second;
    if (fresh) {
      PictureNode all;
      all.id = fmt::format("g{}", node.group);
      all.lines = {picture.groups[node.group]};
      all.keys = {picture.groups[node.group]};
      all.count = 0;
      out.nodes.push_back(std::move(all));
    }
    out.nodes[it->second].count += node.count;
  }
  for (auto& node : out.nodes)
    if (node.id.front() == 'g') node.lines.push_back(fmt::format("{} in it", node.count));
  // Edges of one kind between the same groups: counted, and named when they all say the same.
  struct Bundle {
    std::size_t count = 0;
    std::vector<std::string> lines;
    bool same = true;
  };
  std::map<std::tuple<std::size_t, std::size_t, Line, Look>, Bundle> bundles;
  for (const auto& e : picture.edges) {
    if (into[e.from] == into[e.to]) continue;
    auto& bundle = bundles[{into[e.from], into[e.to], e.line, e.look}];
    if (bundle.count++ == 0) bundle.lines = e.lines;
    bundle.same = bundle.same && bundle.lines == e.lines;
  }
  for (const auto& [key, bundle] : bundles) {
    const auto& [from, to, line, look] = key;
    PictureEdge e{from, to, {}, line, look};
    if (bundle.same) e.lines = bundle.lines;
    if (bundle.count > 1) e.lines.push_back(fmt::format("{} connections", bundle.count));
    out.edges.push_back(std::move(e));
  }
  return out;
}

std::vector<std::string> fit(Picture& picture, const PictureView& view) {
  std::vector<std::string> missed;
  for (const auto i : focus_on(picture, view.focus, view.depth)) missed.push_back(view.focus[i]);
  if (!missed.empty()) return missed;
  if (!view.each) {
    merge_equals(picture);
    const bool thicket = picture.nodes.size() > kReadableNodes || picture.edges.size() > kReadableEdges;
    if (thicket && view.focus.empty()) {
      picture = by_group(picture);
      picture.notes.emplace_back("drawn by namespace: --focus NAMESPACE shows one, --each everything");
    }
  }
  return missed;
}

std::vector<std::string> focus_names(const Picture& picture) {
  std::set<std::string> out(picture.groups.begin(), picture.groups.end());
  for (const auto& node : picture.nodes) out.insert(node.keys.begin(), node.keys.end());
  return {out.begin(), out.end()};
}

std::string write_picture(const Picture& picture, std::string_view format) {
  if (format == "dot") return picture_dot(picture);
  Picture smaller = picture;
  const auto left_out = [&]() {
    return fmt::format("{} more connections are left out: --focus shows a part, -o dot everything",
                       picture.edges.size() - smaller.edges.size());
  };
  if (smaller.edges.size() > kMermaidEdges) {
    smaller.edges.resize(kMermaidEdges);
    smaller.notes.push_back(left_out());
  }
  std::string out = picture_mermaid(smaller);
  while (out.size() > kMermaidText && !smaller.edges.empty()) {
    // Nodes that lose their last edge go as well.
    smaller.edges.resize(smaller.edges.size() * 3 / 4);
    std::vector<bool> keep(smaller.nodes.size(), false);
    for (const auto& e : smaller.edges) keep[e.from] = keep[e.to] = true;
    keep_nodes(smaller, keep);
    smaller.notes = picture.notes;
    smaller.notes.push_back(left_out());
    out = picture_mermaid(smaller);
  }
  return out;
}

}  // namespace waypath::tools
