#pragma once
// A diagram before it is written in a language: nodes in groups, edges, looks. Verbs build one from what they
// found (diagram.h), the functions here make it small enough to read, and write it as Mermaid or DOT. All
// text is as the manifests have it; the writers escape it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypath::tools {

enum class Shape : std::uint8_t { Box, Round, Hexagon, Slanted, Note };
/// What a node or an edge means; each has one colour that can be read on light and dark ground.
enum class Look : std::uint8_t { Plain, Allow, Refused, Unknown, Policy, Unreached, Proxy, Outside };
enum class Line : std::uint8_t { Solid, Dotted, Thick, Cut, None };  // None: a line without an arrow

inline constexpr std::size_t kNoGroup = SIZE_MAX;

struct PictureNode {
  std::string id;                  // identifier in the language: letters, digits, '_'
  std::vector<std::string> lines;  // the first one is its name
  Shape shape = Shape::Box;
  Look look = Look::Plain;
  std::size_t group = kNoGroup;
  bool mergeable = false;         // may stand together with its equals
  std::vector<std::string> keys;  // what --focus may call it: "ns/name"
  std::size_t count = 1;          // how many things it stands for
};

struct PictureEdge {
  std::size_t from = 0, to = 0;
  std::vector<std::string> lines;
  Line line = Line::Solid;
  Look look = Look::Plain;
};

struct Picture {
  std::string name = "graph";
  bool top_down = false;
  std::vector<std::string> groups;  // titles
  std::vector<PictureNode> nodes;
  std::vector<PictureEdge> edges;
  std::vector<std::string> notes;  // what was left out, and how to see it
};

/// How a picture is cut down.
struct PictureView {
  std::vector<std::string> focus;  // names, "ns", "ns/name", with `*`; empty: everything
  unsigned depth = 1;              // edges around what is in focus
  bool each = false;               // equal nodes one by one, whatever the size
};

/// The nodes within `depth` edges of those that a pattern fits. A pattern that fits none: its position.
[[nodiscard]] std::vector<std::size_t> focus_on(Picture& picture, const std::vector<std::string>& patterns,
                                                unsigned depth);
/// Mergeable nodes of a group with the same edges become one; so do those that are joined to each other
/// alike.
void merge_equals(Picture& picture);
/// One node a group, with the edges between groups counted.
[[nodiscard]] Picture by_group(const Picture& picture);

/// Merges equals and falls back to groups until the picture can be read, and says so in its notes. Returns
/// the patterns of `view.focus` that fit nothing.
[[nodiscard]] std::vector<std::string> fit(Picture& picture, const PictureView& view);
/// What `--focus` may name.
[[nodiscard]] std::vector<std::string> focus_names(const Picture& picture);

/// `format`: "mermaid" or "dot".
[[nodiscard]] std::string write_picture(const Picture& picture, std::string_view format);
[[nodiscard]] std::string picture_mermaid(const Picture& picture);
[[nodiscard]] std::string picture_dot(const Picture& picture);

/// Text that is safe in a quoted label, a sequence message and a participant alias of Mermaid.
[[nodiscard]] std::string mermaid_text(std::string_view text);
/// Text inside a DOT label, before Boost.Graph quotes it: `\` and line breaks mean nothing.
[[nodiscard]] std::string dot_text(std::string_view text);

}  // namespace waypath::tools
