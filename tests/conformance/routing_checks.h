#pragma once
// Routing cases: what the client and the backend are expected to see, held against the prediction. Every
// expected key is a check.

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/yaml/reader.h"
#include "tests/conformance/routing_world.h"

namespace waypath::conformance {

/// What a note says of Istio where the API text expects something else.
struct IstioNote {
  bool sidecars_only = false;
  std::optional<int> status;    // replaces every expectation
  bool no_misdirected = false;  // where the case wants 421, Istio answers from its routes
  explicit IstioNote(const std::string& note);
};

class RoutingChecks {
 public:
  /// Checks that `deviations` lists for the case must not hold.
  RoutingChecks(std::string name, const std::set<std::string>& deviations)
      : case_(std::move(name)), deviations_(deviations) {}

  /// The request that the checks to come are about.
  void begin(std::string request) { request_ = std::move(request); }
  void check(const std::string& what, const std::string& expected, const std::string& predicted, bool holds);
  /// Keys of `map` that are not `known`.
  void check_keys(const model::yaml::Node* map, std::initializer_list<std::string_view> known,
                  const std::string& where);
  /// Every key of `expect`, or what the note says in place of all of them.
  void check_all(const model::yaml::Node* expect, const World& world, const Entry& entry,
                 const CaseRequest& asked, const Prediction& p, const IstioNote& note);

  std::size_t count = 0, passed = 0;
  std::vector<std::string> failures, deviating;

 private:
  using Node = model::yaml::Node;
  void check(const std::string& what, const std::string& expected, const std::string& predicted) {
    check(what, expected, predicted, expected == predicted);
  }
  void check_status(const Node* expect, const CaseRequest& asked, const Prediction& p, const IstioNote& note);
  void check_backend(const Node* expect, const Prediction& p);
  void check_request_seen(const Node* expect, const CaseRequest& asked, const Prediction& p);
  void check_response(const Node* expect, const Prediction& p);
  void check_redirect(const Node* node, const Prediction& p);
  void check_connection(const Node* expect, const Prediction& p);
  void check_envoy(const Node* node, const Prediction& p);

  std::string case_, request_;
  const std::set<std::string>& deviations_;
};

}  // namespace waypath::conformance
