#include "model/load/decode.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

#include "model/base/edit_distance.h"
#include "model/diagnostic_codes.h"
#include "model/load/template_text.h"

namespace waypath::model {
namespace {

std::string_view describe(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::NodeKind::Null:
      return "null";
    case yaml::NodeKind::Sequence:
      return "a list";
    case yaml::NodeKind::Mapping:
      return "a mapping";
    case yaml::NodeKind::Scalar:
      break;
  }
  if (node.is_bool()) return "a boolean";
  if (node.is_integer()) return "an integer";
  if (node.is_float()) return "a number";
  return "a string";
}

std::string join(std::initializer_list<std::string_view> words) {
  std::string out;
  for (const auto word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

bool contains(std::initializer_list<std::string_view> list, std::string_view key) {
  if (key.empty()) return false;
  // Most words differ in length or in their first letter: no call is needed to tell.
  return std::any_of(list.begin(), list.end(), [&](std::string_view word) {
    return word.size() == key.size() && word.front() == key.front() && word == key;
  });
}

bool alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// 8e3: JSON has no integers. Outside 64 bits (an infinity too) the conversion itself would be undefined.
std::optional<std::int64_t> whole_number(const yaml::Node& node) {
  if (const auto value = node.as_integer()) return value;
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  const auto value = node.as_number();
  if (!value || *value < -kLimit || *value >= kLimit || *value != std::trunc(*value)) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

/// Room for the steps of an object, kept from one to the next of a thread.
std::vector<DecodeContext::Step>& spare_steps() {
  thread_local std::vector<DecodeContext::Step> spare;
  return spare;
}

}  // namespace

DecodeContext::DecodeContext(Diagnostics& d) : diagnostics(d), steps(std::move(spare_steps())) {
  steps.clear();
  steps.emplace_back();
}

DecodeContext::~DecodeContext() { spare_steps() = std::move(steps); }

std::string Field::path() const {
  std::vector<std::uint32_t> chain;
  for (std::uint32_t s = step_; s != 0; s = context_->steps[s].parent) chain.push_back(s);
  std::string out;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    const auto& step = context_->steps[*it];
    if (step.key.data() == nullptr) {
      out.append("[").append(std::to_string(step.index)).append("]");
    } else {
      if (!out.empty()) out.push_back('.');
      out.append(step.key);
    }
  }
  return out;
}

Field Field::child(std::string_view key, const yaml::Node* node) const {
  const auto step = static_cast<std::uint32_t>(context_->steps.size());
  context_->steps.push_back({step_, key, 0});
  return {context_, node, node != nullptr ? node->pos : anchor_, step};
}

Field Field::item(std::size_t i) const {
  const auto step = static_cast<std::uint32_t>(context_->steps.size());
  context_->steps.push_back({step_, std::string_view{}, static_cast<std::uint32_t>(i)});
  return {context_, node_->items[i], node_->items[i]->pos, step};
}

Field Field::operator[](std::string_view key) const {
  return child(key, node_ == nullptr ? nullptr : node_->find(key));
}

void Field::wrong_type(std::string_view expected) const {
  context_->rejected = true;
  std::string hint;
  if (node_->is_scalar() && is_template(node_->scalar)) {
    hint = template_hint(node_->scalar);
  } else if (node_->is_scalar() && expected == "a string") {
    hint = "quote the value: \"" + std::string(node_->scalar) + "\"";
  } else if (node_->is_string() && (expected == "an integer" || expected == "a boolean")) {
    hint = "write it without quotes";
  } else if (expected == "a list" && !node_->is_null()) {
    hint = "put \"- \" before each entry";
  }
  context_->diagnostics.report(
      {kFieldType, Severity::Error, Reach::Rejected, anchor_, context_->object(), path(),
       std::string(error_type::kDecodeType),
       "expected " + std::string(expected) + ", found " + std::string(describe(*node_)), std::move(hint)});
}

bool Field::reads_as_text() const {
  if (node_->is_string()) return true;
  const std::string_view word = node_->scalar;
  if (!node_->is_scalar() || node_->style != yaml::ScalarStyle::Plain || word.size() != 1 ||
      std::string_view("yYnN").find(word) == std::string_view::npos)
    return false;
  warn(kFieldType,
       "kubectl reads " + std::string(word) + " without quotes as a boolean and refuses the object",
       "write \"" + std::string(word) + "\"");
  return true;
}

bool Field::expect_sequence() const {
  if (!present()) return false;
  if (node_->is_sequence()) return true;
  wrong_type("a list");
  return false;
}

bool Field::expect_mapping() const {
  if (!present()) return false;
  if (node_->is_mapping()) return true;
  wrong_type("a mapping");
  return false;
}

std::optional<std::string_view> Field::optional_view() const {
  if (!present()) return std::nullopt;
  if (reads_as_text()) return node_->scalar;
  wrong_type("a string");
  return std::nullopt;
}

std::optional<std::string> Field::optional_text() const {
  const auto view = optional_view();
  return view ? std::optional<std::string>(*view) : std::nullopt;
}

std::string Field::text(std::string_view fallback) const {
  return std::string(optional_view().value_or(fallback));
}

Symbol Field::symbol(std::string_view fallback) const {
  if (present() && reads_as_text()) return intern(node_->scalar);
  if (present()) wrong_type("a string");
  return fallback.empty() ? Symbol{} : intern(fallback);
}

std::optional<std::int64_t> Field::integer() const {
  if (!present()) return std::nullopt;
  if (const auto value = whole_number(*node_)) return value;
  wrong_type("an integer");
  return std::nullopt;
}

std::optional<double> Field::number() const {
  if (!present()) return std::nullopt;
  if (const auto value = node_->as_number()) return value;
  wrong_type("a number");
  return std::nullopt;
}

std::optional<bool> Field::optional_boolean() const {
  if (!present()) return std::nullopt;
  if (const auto value = node_->as_bool()) return value;
  wrong_type("a boolean");
  return std::nullopt;
}

bool Field::boolean(bool fallback) const { return optional_boolean().value_or(fallback); }

std::optional<std::variant<std::int64_t, std::string>> Field::int_or_string() const {
  if (!present()) return std::nullopt;
  if (const auto value = whole_number(*node_)) return *value;
  if (node_->is_string()) return std::string(node_->scalar);
  wrong_type("an integer or a string");
  return std::nullopt;
}

std::vector<std::string> Field::texts() const {
  std::vector<std::string> out;
  each([&](const Field& f) {
    if (auto text = f.optional_text()) out.push_back(std::move(*text));
  });
  return out;
}

std::optional<std::uint16_t> Field::port() const {
  const auto value = integer();
  if (!value) return std::nullopt;
  if (*value >= 1 && *value <= 65535) return static_cast<std::uint16_t>(*value);
  reject(error_type::kInvalid, "expected a port number from 1 to 65535, found " + std::to_string(*value));
  return std::nullopt;
}

std::string_view Field::one_of(std::initializer_list<std::string_view> allowed, std::string_view type) const {
  const auto value = optional_view();
  if (!value) return {};
  if (contains(allowed, *value)) return *value;
  reject(type, "expected one of " + join(allowed) + "; found \"" + std::string(*value) + "\"");
  return {};
}

std::vector<std::pair<Symbol, Symbol>> Field::string_map() const {
  std::vector<std::pair<Symbol, Symbol>> out;
  each_member(
      [&](std::string_view key, const Field& value) { out.emplace_back(intern(key), value.symbol()); });
  return out;
}

bool Field::only(std::initializer_list<std::string_view> modelled,
                 std::initializer_list<std::string_view> no_effect,
                 std::initializer_list<std::string_view> not_modelled) const {
  if (!expect_mapping()) return false;
  for (const auto& member : node_->members) {
    if (contains(modelled, member.key) || contains(no_effect, member.key)) continue;
    const Field field = child(member.key, member.value);
    if (contains(not_modelled, member.key)) {
      if (!field.present()) continue;
      context_->diagnostics.report({kFieldNotModelled,
                                    Severity::Warning,
                                    Reach::Input,
                                    member.key_pos,
                                    context_->object(),
                                    field.path(),
                                    {},
                                    "this field can change what happens to traffic and is not modelled",
                                    "read verdicts that involve this object with that in mind"});
      continue;
    }
    std::vector<std::string_view> candidates(modelled);
    candidates.insert(candidates.end(), no_effect.begin(), no_effect.end());
    candidates.insert(candidates.end(), not_modelled.begin(), not_modelled.end());
    const auto near = nearest(member.key, candidates);
    context_->diagnostics.report(
        {kFieldUnknown, Severity::Warning, Reach::Rejected, member.key_pos, context_->object(), field.path(),
         std::string(error_type::kUnknownField),
         "unknown field; kubectl refuses it, a server without strict validation ignores it",
         near ? "did you mean \"" + std::string(*near) + "\"?" : "known here: " + join(modelled)});
  }
  return true;
}

void Field::reject(std::string_view type, std::string message, std::string hint) const {
  context_->rejected = true;
  if (node_ != nullptr && node_->is_scalar() && is_template(node_->scalar))
    hint = template_hint(node_->scalar);
  context_->diagnostics.report({kFieldInvalid, Severity::Error, Reach::Rejected, anchor_, context_->object(),
                                path(), std::string(type), std::move(message), std::move(hint)});
}

void Field::refuse_softly(std::string_view type, std::string message, std::string hint) const {
  context_->diagnostics.report({kFieldInvalid, Severity::Warning, Reach::Rejected, anchor_,
                                context_->object(), path(), std::string(type), std::move(message),
                                std::move(hint)});
}

void Field::warn(Code code, std::string message, std::string hint) const {
  context_->diagnostics.report({code,
                                Severity::Warning,
                                Reach::Input,
                                anchor_,
                                context_->object(),
                                path(),
                                {},
                                std::move(message),
                                std::move(hint)});
}

const char* check_dns_label(std::string_view text) {
  if (text.empty() || text.size() > 63) return "a DNS label has 1 to 63 characters";
  if (!std::all_of(text.begin(), text.end(), [](char c) { return lower_alnum(c) || c == '-'; }))
    return "a DNS label holds lower-case letters, digits and \"-\" only";
  if (!lower_alnum(text.front()) || !lower_alnum(text.back()))
    return "a DNS label starts and ends with a letter or digit";
  return nullptr;
}

const char* check_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return "a DNS subdomain has 1 to 253 characters";
  std::size_t start = 0;
  while (start <= text.size()) {
    const auto end = std::min(text.find('.', start), text.size());
    const auto part = text.substr(start, end - start);
    if (part.empty() || !lower_alnum(part.front()) || !lower_alnum(part.back()) ||
        !std::all_of(part.begin(), part.end(), [](char c) { return lower_alnum(c) || c == '-'; }))
      return "a DNS subdomain holds lower-case letters, digits, \"-\" and \".\", and each part starts and "
             "ends with a letter or digit";
    start = end + 1;
  }
  return nullptr;
}

const char* check_label_value(std::string_view text) {
  if (text.empty()) return nullptr;
  if (text.size() > 63) return "a label value has at most 63 characters";
  if (!alnum(text.front()) || !alnum(text.back()) || !std::all_of(text.begin(), text.end(), [](char c) {
        return alnum(c) || c == '-' || c == '_' || c == '.';
      }))
    return "a label value holds letters, digits, \"-\", \"_\" and \".\", and starts and ends with a letter "
           "or digit";
  return nullptr;
}

const char* check_qualified_name(std::string_view text) {
  std::string_view name = text;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    if (check_dns_subdomain(text.substr(0, slash)) != nullptr)
      return "the prefix before \"/\" has to be a DNS subdomain";
    name = text.substr(slash + 1);
  }
  if (name.empty()) return "the name is empty";
  if (check_label_value(name) != nullptr)
    return "a name has at most 63 letters, digits, \"-\", \"_\" and \".\", and starts and ends with a letter "
           "or digit; one \"/\" may "
           "set off a prefix";
  return nullptr;
}

const char* check_port_name(std::string_view text) {
  if (text.empty() || text.size() > 15) return "a port name has 1 to 15 characters";
  if (!std::all_of(text.begin(), text.end(), [](char c) { return lower_alnum(c) || c == '-'; }))
    return "a port name holds lower-case letters, digits and \"-\" only";
  if (std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
    return "a port name holds at least one letter";
  if (text.find("--") != std::string_view::npos) return "a port name has no two \"-\" in a row";
  if (text.front() == '-' || text.back() == '-') return "a port name neither starts nor ends with \"-\"";
  return nullptr;
}

Labels decode_labels(const Field& labels) {
  std::vector<Label> out;
  out.reserve(labels.size());
  labels.each_member([&](std::string_view key, const Field& value) {
    const auto text = value.symbol();
    if (const char* bad = check_qualified_name(key))
      labels.reject(error_type::kInvalid, "label key \"" + std::string(key) + "\": " + bad);
    if (const char* bad = check_label_value(text.view()))
      labels.reject(error_type::kInvalid,
                    "label value \"" + text.str() + "\" of " + std::string(key) + ": " + bad);
    out.push_back({intern(key), text, value.pos()});
  });
  return Labels(std::move(out));
}

namespace {

// Annotations that no rule reads are not kept: kubectl's copy of the whole object would double the memory of
// a dump.
bool annotation_matters(std::string_view key) {
  const auto has = [&](std::string_view part) { return key.find(part) != std::string_view::npos; };
  return has("istio.io/") || has("helm.sh/hook") || has("kubernetes.io/ingress.class") ||
         has("service.kubernetes.io/") || has("gateway-api") || has("waypath.dev/");
}

// Keys are qualified names whose prefix may hold capitals. Source: kubernetes apimachinery
// pkg/api/validation/objectmeta.go ValidateAnnotations
const char* check_annotation_key(std::string_view key) {
  const char* bad = check_qualified_name(key);
  if (bad == nullptr) return nullptr;
  std::string lower(key);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == key ? bad : check_qualified_name(lower);
}

// Source: kubernetes apimachinery pkg/api/validation/objectmeta.go validateOwnerReference, which asks for
// apiVersion and uid as well: those of hand-written pods are often left out, and nothing here reads them.
void decode_owners(const Field& owners, ObjectMeta& meta) {
  owners.each([&](const Field& f) {
    OwnerReference owner;
    owner.kind = f["kind"].symbol();
    owner.name = f["name"].symbol();
    if (owner.kind.empty()) f["kind"].reject(error_type::kInvalid, "an owner needs its kind");
    if (owner.name.empty()) f["name"].reject(error_type::kInvalid, "an owner needs its name");
    owner.controller = f["controller"].boolean();
    meta.owners.push_back(owner);
  });
  meta.owners.shrink_to_fit();
}

}  // namespace

ObjectMeta decode_meta(const Field& root, Symbol kind, Symbol group, bool namespaced,
                       std::string_view ns_default) {
  DecodeContext& context = root.context();
  ObjectMeta meta;
  meta.pos = root.pos();
  meta.key.kind = kind;
  meta.key.group = group;
  const Field metadata = root["metadata"];
  const Field name = metadata["name"];
  // Names for messages first, so that every report of this object carries them.
  const auto peek = [](const Field& f) {
    return f.present() && f.node()->is_scalar() ? f.node()->scalar : std::string_view{};
  };
  if (namespaced)
    meta.key.ns = intern(peek(metadata["namespace"]).empty() ? ns_default : peek(metadata["namespace"]));
  meta.key.name = peek(name).empty() ? Symbol{} : intern(peek(name));
  context.key = meta.key;

  metadata.only({"name", "namespace", "labels", "annotations", "ownerReferences", "creationTimestamp",
                 "deletionTimestamp"},
                {"generateName", "uid", "resourceVersion", "generation", "managedFields", "finalizers",
                 "selfLink", "deletionGracePeriodSeconds", "clusterName"});
  const auto name_text = name.optional_view();
  if (!name.present() || (name_text && name_text->empty())) {
    name.reject(error_type::kRequired, "every object needs a name");
  } else if (name_text) {
    // Namespaces and Services are DNS labels, roles may hold ":"; everything that waypath models is a
    // subdomain at least.
    if (const char* bad = kind == std::string_view("Namespace") || kind == std::string_view("Service")
                              ? check_dns_label(*name_text)
                              : check_dns_subdomain(*name_text)) {
      name.reject(error_type::kInvalid, "\"" + std::string(*name_text) + "\": " + bad);
    }
  }
  if (namespaced) {
    if (const auto ns = metadata["namespace"].optional_view(); ns && !ns->empty()) {
      if (const char* bad = check_dns_label(*ns))
        metadata["namespace"].reject(error_type::kInvalid, "\"" + std::string(*ns) + "\": " + bad);
    }
  }
  meta.labels = decode_labels(metadata["labels"]);
  const Field annotations = metadata["annotations"];
  annotations.each_member([&](std::string_view key, const Field& value) {
    if (const char* bad = check_annotation_key(key))
      annotations.reject(error_type::kInvalid, "annotation key \"" + std::string(key) + "\": " + bad);
    const std::string_view text = value.optional_view().value_or("");
    if (annotation_matters(key)) meta.annotations.push_back({intern(key), std::string(text), value.pos()});
  });
  std::sort(meta.annotations.begin(), meta.annotations.end(),
            [](const Annotation& a, const Annotation& b) { return a.key.view() < b.key.view(); });
  decode_owners(metadata["ownerReferences"], meta);
  if (const auto created = metadata["creationTimestamp"]; created.present() && created.node()->is_scalar())
    meta.creation_timestamp = std::string(created.node()->scalar);
  meta.deleting = metadata["deletionTimestamp"].present();
  return meta;
}

namespace {

SelectorRequirement label_requirement(const Field& map, std::string_view key, const Field& value) {
  const auto text = value.symbol();
  if (const char* bad = check_qualified_name(key))
    map.reject(error_type::kInvalid, "label key \"" + std::string(key) + "\": " + bad);
  if (const char* bad = check_label_value(text.view()))
    map.reject(error_type::kInvalid,
               "label value \"" + text.str() + "\" of " + std::string(key) + ": " + bad);
  return {intern(key), SelectorOperator::In, {text}, value.pos()};
}

// Source: kubernetes apimachinery pkg/apis/meta/v1/validation/validation.go ValidateLabelSelectorRequirement
std::optional<SelectorRequirement> expression(const Field& f) {
  if (!f.present()) {
    f.reject(error_type::kRequired, "an expression needs its key and operator");
    return std::nullopt;
  }
  if (!f.only({"key", "operator", "values"})) return std::nullopt;
  SelectorRequirement out;
  out.pos = f.pos();
  const Field key = f["key"];
  const bool key_typed = !key.present() || key.node()->is_string();
  out.key = key.symbol();
  if (const char* bad = check_qualified_name(out.key.view()); bad != nullptr && key_typed)
    key.reject(error_type::kInvalid, "\"" + out.key.str() + "\": " + bad);
  const Field op = f["operator"];
  const Field values = f["values"];
  bool valued = true;
  const auto op_text = op.optional_view();
  if (op_text == "In" || op_text == "NotIn") {
    out.op = op_text == "In" ? SelectorOperator::In : SelectorOperator::NotIn;
    if (values.size() == 0 && (!values.present() || values.node()->is_sequence()))
      values.reject(error_type::kRequired, "In and NotIn need at least one value");
  } else if (op_text == "Exists" || op_text == "DoesNotExist") {
    out.op = op_text == "Exists" ? SelectorOperator::Exists : SelectorOperator::DoesNotExist;
    valued = false;
    if (values.size() != 0) values.reject(error_type::kForbidden, "Exists and DoesNotExist take no values");
  } else if (!op.present() || op_text) {
    op.reject(error_type::kInvalid, "expected one of In, NotIn, Exists, DoesNotExist; found \"" +
                                        std::string(op_text.value_or("")) + "\"");
  }
  values.each([&](const Field& v) {
    const auto text = v.symbol();
    if (const char* bad = check_label_value(text.view()); bad != nullptr && valued)
      v.reject(error_type::kInvalid, "\"" + text.str() + "\": " + bad);
    out.values.push_back(text);
  });
  return out;
}

}  // namespace

LabelSelector decode_selector(const Field& selector) {
  LabelSelector out;
  out.pos = selector.pos();
  if (!selector.only({"matchLabels", "matchExpressions"})) return out;
  const Field labels = selector["matchLabels"];
  labels.each_member([&](std::string_view key, const Field& value) {
    out.requirements.push_back(label_requirement(labels, key, value));
  });
  selector["matchExpressions"].each([&](const Field& f) {
    if (auto requirement = expression(f)) out.requirements.push_back(std::move(*requirement));
  });
  return out;
}

LabelSelector decode_match_labels(const Field& match_labels) {
  LabelSelector out;
  out.pos = match_labels.pos();
  match_labels.each_member([&](std::string_view key, const Field& value) {
    out.requirements.push_back({intern(key), SelectorOperator::In, {value.symbol()}, value.pos()});
  });
  return out;
}

Protocol decode_protocol(const Field& protocol) {
  const auto text = protocol.one_of({"TCP", "UDP", "SCTP"});
  return text == "UDP" ? Protocol::Udp : text == "SCTP" ? Protocol::Sctp : Protocol::Tcp;
}

std::optional<Cidr> decode_cidr(const Field& cidr) {
  const auto text = cidr.optional_text();
  if (!text) return std::nullopt;
  if (auto parsed = parse_cidr(*text)) return parsed;
  cidr.reject(error_type::kInvalid, "\"" + *text + "\" is not a CIDR block",
              parse_ip(*text) ? "a single address is written with its prefix: " + *text +
                                    (text->find(':') == std::string::npos ? "/32" : "/128")
                              : "write it as ADDRESS/PREFIX, for example 10.0.0.0/8");
  return std::nullopt;
}

}  // namespace waypath::model
