#include "model/yaml/node_builder.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "model/yaml/tree_builder.h"

namespace waypath::model::yaml {
namespace {

using nlohmann::json;

/// One step of a JSON pointer. Source: RFC 6901 section 3
std::string escape(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else {
      out += token[i];
    }
  }
  return out;
}

class FromJson {
 public:
  explicit FromJson(const PositionOf& position_of) : position_of_(position_of) {}

  Document run(const json& value) { return builder_.finish(node(value, "")); }

 private:
  const Node* node(const json& value, const std::string& pointer) {
    const SourcePos pos = position_of_(pointer);
    switch (value.type()) {
      case json::value_t::null:
      case json::value_t::discarded:
        return builder_.null(pos);
      case json::value_t::boolean:
        return builder_.scalar(ScalarStyle::JsonBool, value.get<bool>() ? "true" : "false", pos);
      case json::value_t::number_integer:
      case json::value_t::number_unsigned:
      case json::value_t::number_float:
        return builder_.scalar(ScalarStyle::JsonNumber, value.dump(), pos);
      case json::value_t::string:
      case json::value_t::binary:
        return builder_.scalar(ScalarStyle::JsonString,
                               value.is_string() ? value.get_ref<const std::string&>() : std::string(), pos);
      case json::value_t::array: {
        std::vector<const Node*> items;
        for (std::size_t i = 0; i < value.size(); ++i)
          items.push_back(node(value[i], pointer + "/" + std::to_string(i)));
        return builder_.sequence(items, pos);
      }
      case json::value_t::object: {
        std::vector<Member> members;
        for (const auto& [key, member] : value.items()) {
          const std::string child = pointer + "/" + escape(key);
          members.push_back({builder_.text(key), position_of_(child), node(member, child)});
        }
        Diagnostics none;  // a JSON value has no duplicate keys
        return builder_.mapping(members, pos, none);
      }
    }
    return builder_.null(pos);
  }

  const PositionOf& position_of_;
  TreeBuilder builder_;
};

json number_of(const Node& node) {
  if (const std::optional<std::int64_t> integer = node.as_integer()) return *integer;
  const std::optional<double> number = node.as_number();
  if (number && std::isfinite(*number)) return *number;
  return std::string(node.scalar);
}

const Node* copy_node(TreeBuilder& builder, const Node& node) {
  switch (node.kind) {
    case NodeKind::Null:
      return builder.null(node.pos);
    case NodeKind::Scalar:
      return builder.scalar(node.style, node.scalar, node.pos);
    case NodeKind::Sequence: {
      std::vector<const Node*> items;
      for (const Node* const item : node.items) items.push_back(copy_node(builder, *item));
      return builder.sequence(items, node.pos);
    }
    case NodeKind::Mapping: {
      std::vector<Member> members;
      for (const Member& member : node.members) {
        members.push_back({builder.text(member.key), member.key_pos, copy_node(builder, *member.value)});
      }
      Diagnostics none;  // duplicates were dropped when the tree was read
      return builder.mapping(members, node.pos, none);
    }
  }
  return builder.null(node.pos);
}

}  // namespace

json to_json(const Node& node) {
  switch (node.kind) {
    case NodeKind::Null:
      return nullptr;
    case NodeKind::Scalar:
      // y and n without quotes stay text here too: see Field::reads_as_text.
      if (const std::optional<bool> boolean = node.as_bool(); boolean && node.scalar.size() > 1)
        return *boolean;
      if (node.as_number()) return number_of(node);
      return std::string(node.scalar);
    case NodeKind::Sequence: {
      json out = json::array();
      for (const Node* const item : node.items) out.push_back(to_json(*item));
      return out;
    }
    case NodeKind::Mapping: {
      json out = json::object();
      for (const Member& member : node.members) out[std::string(member.key)] = to_json(*member.value);
      return out;
    }
  }
  return nullptr;
}

Document from_json(const json& value, SourcePos pos) {
  return from_json(value, [pos](const std::string&) { return pos; });
}

Document from_json(const json& value, const PositionOf& position_of) {
  return FromJson(position_of).run(value);
}

const Node* at_pointer(const Node& root, const std::string& pointer) {
  const Node* node = &root;
  std::string_view rest = pointer;
  while (!rest.empty()) {
    if (rest.front() != '/') return nullptr;
    const std::size_t slash = rest.find('/', 1);
    const std::string token = unescape(rest.substr(1, slash == std::string_view::npos ? slash : slash - 1));
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
    if (node->is_mapping()) {
      node = node->find(token);
    } else if (node->is_sequence() && !token.empty() && token.size() < 10 &&
               token.find_first_not_of("0123456789") == std::string::npos) {
      const auto index = static_cast<std::size_t>(std::stoul(token));
      node = index < node->items.size() ? node->items[index] : nullptr;
    } else {
      return nullptr;
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

Document copy_document(const Node& root) {
  TreeBuilder builder;
  const Node* const copy = copy_node(builder, root);
  return builder.finish(copy);
}

}  // namespace waypath::model::yaml
