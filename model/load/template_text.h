#pragma once
// Templates that were not rendered: Helm's and Jinja's actions, and the variables of envsubst and Flux.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/diagnostic.h"
#include "model/base/source_pos.h"
#include "model/yaml/node.h"

namespace waypath::model {

/// Something of a template that was not rendered.
struct TemplateText {
  SourcePos pos;
  std::string field;      // the key that it stands at; empty where the template is no YAML
  std::string text;       // as it stands there
  bool readable = false;  // the document is YAML nevertheless
};

/// Whether a text holds an action ("{{ ... }}") or a variable ("${NAME}", "${NAME:-x}").
[[nodiscard]] bool is_template(std::string_view text);
/// What to do about such a text.
[[nodiscard]] std::string_view template_hint(std::string_view text);

/// The first action where YAML expects a key or a value, in a document that could not be read. Actions in
/// quotes, comments and block texts are none.
[[nodiscard]] std::optional<TemplateText> first_action(std::string_view text, SourcePos start);

/// A first look, at next to no cost, whether `first_template` may find something.
[[nodiscard]] bool may_hold_template(std::string_view text);
/// The first name, namespace, label, selector, port or host of an object that is a template's. Annotations,
/// data, arguments and the like hold such text with good reason.
[[nodiscard]] std::optional<TemplateText> first_template(const yaml::Node& object);

[[nodiscard]] Diagnostic template_not_rendered(const TemplateText& found);

}  // namespace waypath::model
