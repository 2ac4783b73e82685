// The JSON contract (tools/render/json.h): keys that scripts rely on.

#include "tools/render/json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/tools/verdicts.h"

namespace waypath {
namespace {

using Json = nlohmann::json;

TEST_CASE("trace JSON has every key of the contract") {
  const auto j = Json::parse(tools::trace_json(tests::dropped_at_last_leg(), {}));
  for (const char* name : {"apiVersion", "flow", "outcome", "symptom", "reason", "by", "paths", "response",
                           "backendRequest", "bypassed", "assumptions", "nearMisses"})
    CHECK(j.contains(name));
  CHECK(j["apiVersion"] == "waypath.dev/v1");
  CHECK(j["flow"]["from"] == "internet");
  CHECK(j["outcome"] == "timeout");
  CHECK(j["reason"] == "NETPOL_INGRESS_HBONE_PORT");
  CHECK(j["by"]["kind"] == "NetworkPolicy");
  CHECK(j["by"]["namespace"] == "app");
  CHECK(j["by"]["name"] == "only-9090");
  CHECK(j["by"]["rule"] == 0);
  const auto& path = j["paths"][0];
  for (const char* name : {"outcome", "symptom", "share", "hops", "legs"}) CHECK(path.contains(name));
  const auto& hop = path["hops"][2];
  for (const char* name : {"kind", "namespace", "name", "identity", "decisions"}) CHECK(hop.contains(name));
  CHECK(hop["seenPeer"] == "cluster.local/ns/edge/sa/public");
  const auto& leg = path["legs"][2];
  for (const char* name : {"from", "to", "transport", "wirePort", "innerPort", "decisions"})
    CHECK(leg.contains(name));
  CHECK(leg["from"] == "waypoint/app/wp");
  CHECK(leg["to"] == "ztunnel/app/server-0");
  CHECK(leg["transport"] == "HBONE");
  CHECK(leg["wirePort"] == 15008);
  CHECK(leg["innerPort"] == 8080);
  CHECK(leg["decisions"][0]["direction"] == "ingress");
  CHECK(leg["decisions"][0]["decision"] == "drop");
  for (const char* name : {"status", "redirect", "answeredBy"}) CHECK(j["response"].contains(name));
}

TEST_CASE("backend request and bypass of an allowed flow are in the JSON") {
  const auto j = Json::parse(tools::trace_json(tests::allowed_with_bypass(), {}));
  CHECK(j["backendRequest"]["host"] == "server.app");
  CHECK(j["backendRequest"]["port"] == 8080);
  CHECK(j["backendRequest"]["headers"]["x-user"] == Json({"a", "b"}));
  CHECK(j["bypassed"][0] == "waypoint app/wp: the Service lacks the label");
  CHECK(j["bypassCauses"][0]["name"] == "server");
}

TEST_CASE("bytes that are no UTF-8 do not break the JSON") {
  auto verdict = tests::dropped_at_last_leg();
  verdict.to = "http://a/\xff";
  CHECK(Json::parse(tools::trace_json(verdict, {})).is_object());
}

}  // namespace
}  // namespace waypath
