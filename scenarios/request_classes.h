#pragma once
// Which requests the policies and routes on a way can tell apart: of each attribute one value for every class
// of values that some condition there distinguishes. Not samples: two requests with the same class in every
// attribute fit the same conditions.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/ask_target.h"
#include "scenarios/client_classes.h"
#include "sim/engine.h"
#include "sim/policy/policy_evaluator.h"

namespace waypath::scenarios {

/// What the question fixes; these attributes are not varied.
struct RequestConstraint {
  std::optional<std::string> method, path, host;
  sim::Headers headers;
  std::vector<sim::Token> tokens;
  bool no_token = false;
  sim::Session session = sim::Session::Unstated;
};

struct RequestAttribute {
  enum class Kind : std::uint8_t {
    Method,
    Path,
    Query,
    Host,
    Header,
    Sni,
    Token,
    Session
  } kind = Kind::Method;
  std::string key;  // Header, Query: its name
  /// The conditions of manifests that some texts fit, and one of these texts. None: outside of all
  /// conditions.
  struct Fit {
    std::vector<std::string> conditions;
    std::string text;
  };
  struct Value {
    std::string text;                 // sent; "" where absent
    bool absent = false;              // the request has no such header, token, ...
    std::optional<sim::Token> token;  // Token
    std::vector<Fit> fits{};          // of each kind of text that it stands for; empty: nothing is told of it
    std::uint32_t route = 0;          // values alike in it are alike to every route of the way
    std::vector<std::uint32_t> at{};  // by point: values alike in it are alike to the policies there
  };
  std::vector<Value> values;  // the first is what a plain request has
};

struct RequestClasses {
  std::vector<RequestAttribute> attributes;
  std::vector<std::string> left_out;  // classes that no member was found for: sorted, each once
  [[nodiscard]] double product() const;
};

/// A value of each attribute, by position.
using RequestChoice = std::vector<std::size_t>;

/// A point on the way, and whether a route before it rewrites the path of some request.
struct PassedPoint {
  sim::PolicyPoint point;
  bool rewritten = false;
};

/// Knows the conditions of all policies of a cluster.
class RequestClassifier {
 public:
  explicit RequestClassifier(const sim::Engine& engine);
  ~RequestClassifier();
  RequestClassifier(const RequestClassifier&) = delete;
  RequestClassifier& operator=(const RequestClassifier&) = delete;
  /// What the policies at these points and, when an Envoy on the way reads the request (`routed`), the routes
  /// of the address tell apart. `join`: values that are alike to all of them are one; else a path that may be
  /// rewritten is one by itself.
  [[nodiscard]] RequestClasses classes(const std::vector<PassedPoint>& points, bool routed, bool join,
                                       const TargetAddress& address,
                                       const RequestConstraint& constraint) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// Whether routes and policies compare the path as it is sent: no proxy normalises it into another.
[[nodiscard]] bool plain_path(const model::Cluster& cluster, const std::string& path);

/// The request that a choice stands for.
[[nodiscard]] sim::Flow flow_of(const ClientClass& client, const TargetAddress& address,
                                const RequestClasses& classes, const RequestChoice& choice,
                                const RequestConstraint& constraint);

}  // namespace waypath::scenarios
