#pragma once
// Reading one object: fields with their paths, types and places. Every decoder is written in these terms, so
// that all report alike what the API server would refuse.
//
// Three classes of trouble (Source: kubernetes.io/docs/reference/using-api/api-concepts "Field validation"):
// a wrong JSON type refuses the object, an unknown field refuses it under strict validation only (a warning
// here), a failed validation refuses it.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/base/diagnostic.h"
#include "model/base/ip.h"
#include "model/kube/label_selector.h"
#include "model/kube/workloads.h"
#include "model/resource.h"
#include "model/yaml/node.h"

namespace waypath::model {

/// Words of the API server's field errors (apimachinery pkg/util/validation/field) and two of our own.
namespace error_type {
inline constexpr std::string_view kRequired = "Required";
inline constexpr std::string_view kInvalid = "Invalid";
inline constexpr std::string_view kForbidden = "Forbidden";
inline constexpr std::string_view kNotSupported = "NotSupported";
inline constexpr std::string_view kTooMany = "TooMany";
inline constexpr std::string_view kDuplicate = "Duplicate";
inline constexpr std::string_view kDecodeType = "decode-type";      // wrong JSON type
inline constexpr std::string_view kUnknownField = "unknown-field";  // refused by strict validation only
}  // namespace error_type

/// What decoding one object needs and finds. Used by one thread.
struct DecodeContext {
  explicit DecodeContext(Diagnostics& d);
  DecodeContext(const DecodeContext&) = delete;
  DecodeContext& operator=(const DecodeContext&) = delete;
  ~DecodeContext();
  /// "NetworkPolicy/a/b", empty before its metadata is known.
  [[nodiscard]] std::string object() const { return key.kind.empty() ? std::string() : key.str(); }
  Diagnostics& diagnostics;
  ResourceKey key;        // once its metadata is known
  bool rejected = false;  // the API server would refuse the object
  struct Step {
    std::uint32_t parent = 0;
    std::string_view key;  // empty: an index
    std::uint32_t index = 0;
  };
  std::vector<Step> steps;  // paths of the fields seen so far; 0 is the root
};

/// A field that may be absent. Null counts as absent, as for the API server. Getters report a wrong type and
/// return the fallback.
class Field {
 public:
  Field(DecodeContext& context, const yaml::Node& root)
      : context_(&context), node_(&root), anchor_(root.pos) {}

  [[nodiscard]] bool present() const { return node_ != nullptr && !node_->is_null(); }
  explicit operator bool() const { return present(); }
  [[nodiscard]] bool written() const { return node_ != nullptr; }  // the key is there, its value may be null
  [[nodiscard]] const yaml::Node* node() const { return node_; }
  /// Of the value; of the nearest enclosing one when absent.
  [[nodiscard]] SourcePos pos() const { return anchor_; }
  [[nodiscard]] std::string path() const;
  [[nodiscard]] DecodeContext& context() const { return *context_; }

  /// Member of a mapping; absent when this is none.
  [[nodiscard]] Field operator[](std::string_view key) const;

  template <class F>
  void each(F fn) const {  // fn(Field item)
    if (!expect_sequence()) return;
    for (std::size_t i = 0; i < node_->items.size(); ++i) fn(item(i));
  }
  template <class F>
  void each_member(F fn) const {  // fn(std::string_view key, Field value)
    if (!expect_mapping()) return;
    for (const auto& m : node_->members) fn(m.key, child(m.key, m.value));
  }
  [[nodiscard]] std::size_t size() const {
    return node_ == nullptr ? 0 : node_->is_sequence() ? node_->items.size() : node_->members.size();
  }

  [[nodiscard]] std::string text(std::string_view fallback = {}) const;
  [[nodiscard]] Symbol symbol(std::string_view fallback = {}) const;
  [[nodiscard]] std::optional<std::string> optional_text() const;
  /// The same without a copy: a view into the document.
  [[nodiscard]] std::optional<std::string_view> optional_view() const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<double> number() const;
  [[nodiscard]] bool boolean(bool fallback = false) const;
  [[nodiscard]] std::optional<bool> optional_boolean() const;
  /// IntOrString. Source: kubernetes apimachinery pkg/util/intstr
  [[nodiscard]] std::optional<std::variant<std::int64_t, std::string>> int_or_string() const;
  [[nodiscard]] std::vector<std::string> texts() const;
  /// 1..65535, else refused as Invalid.
  [[nodiscard]] std::optional<std::uint16_t> port() const;
  /// One of `allowed`, else refused as NotSupported; empty when absent.
  [[nodiscard]] std::string_view one_of(std::initializer_list<std::string_view> allowed,
                                        std::string_view type = error_type::kNotSupported) const;
  /// A map of strings: labels, selectors.
  [[nodiscard]] std::vector<std::pair<Symbol, Symbol>> string_map() const;

  /// Checks a mapping's keys: `modelled` are read by the decoder, `no_effect` change no path or verdict,
  /// `not_modelled` may and are named in a warning. Others are unknown: a warning with the nearest name.
  /// False when this is no mapping (reported).
  bool only(std::initializer_list<std::string_view> modelled,
            std::initializer_list<std::string_view> no_effect = {},
            std::initializer_list<std::string_view> not_modelled = {}) const;

  /// The API server would refuse the object for this field.
  void reject(std::string_view type, std::string message, std::string hint = {}) const;
  /// It would, but what is meant is plain and the object keeps its effect: a warning.
  void refuse_softly(std::string_view type, std::string message, std::string hint = {}) const;
  void warn(Code code, std::string message, std::string hint = {}) const;

 private:
  Field(DecodeContext* context, const yaml::Node* node, SourcePos anchor, std::uint32_t step)
      : context_(context), node_(node), anchor_(anchor), step_(step) {}
  [[nodiscard]] Field child(std::string_view key, const yaml::Node* node) const;
  [[nodiscard]] Field item(std::size_t i) const;
  [[nodiscard]] bool expect_sequence() const;
  [[nodiscard]] bool expect_mapping() const;
  /// A string, or y and n without quotes, which go-yaml takes for booleans and hardly anybody means so: used
  /// as text, with a warning.
  [[nodiscard]] bool reads_as_text() const;
  void wrong_type(std::string_view expected) const;

  DecodeContext* context_;
  const yaml::Node* node_ = nullptr;
  SourcePos anchor_;
  std::uint32_t step_ = 0;
};

// Parts that several kinds share.

/// metadata: identity, labels, owners. Reports a missing or malformed name; `ns_default` fills a namespaced
/// object's namespace.
[[nodiscard]] ObjectMeta decode_meta(const Field& root, Symbol kind, Symbol group, bool namespaced,
                                     std::string_view ns_default);
[[nodiscard]] Labels decode_labels(const Field& labels);
/// metav1.LabelSelector with the API server's validation.
[[nodiscard]] LabelSelector decode_selector(const Field& selector);
/// An Istio workload selector: matchLabels only.
[[nodiscard]] LabelSelector decode_match_labels(const Field& match_labels);
/// "TCP" when absent; refuses others than TCP, UDP, SCTP.
[[nodiscard]] Protocol decode_protocol(const Field& protocol);
[[nodiscard]] std::optional<Cidr> decode_cidr(const Field& cidr);

/// DNS-1123 label, subdomain, qualified name, label value, IANA service name: null when valid, else what is
/// wrong. Source: kubernetes apimachinery pkg/util/validation
[[nodiscard]] const char* check_dns_label(std::string_view text);
[[nodiscard]] const char* check_dns_subdomain(std::string_view text);
[[nodiscard]] const char* check_qualified_name(std::string_view text);
[[nodiscard]] const char* check_label_value(std::string_view text);
[[nodiscard]] const char* check_port_name(std::string_view text);

}  // namespace waypath::model
