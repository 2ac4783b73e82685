// Source: kubernetes-sigs/structured-merge-diff fieldpath/serialize.go (FieldsV1): "f:" a field, "k:" an item
// of a list with keys, "v:" a value of a set, "." the thing itself.

#include <algorithm>

#include "bench/gen/objects.h"

namespace waypath::gen {
namespace {

Json fields_of(const Json& value);

// The key of a list's item, as the API's schema has it for the lists at hand; empty: the list is atomic.
std::string item_key(const Json& item) {
  if (!item.is_object()) return {};
  if (item.contains("containerPort"))
    return Json{{"containerPort", item["containerPort"]}, {"protocol", item["protocol"]}}.dump();
  if (item.contains("uid")) return Json{{"uid", item["uid"]}}.dump();
  if (item.contains("type") && item.contains("status")) return Json{{"type", item["type"]}}.dump();
  if (item.contains("ip")) return Json{{"ip", item["ip"]}}.dump();
  if (item.contains("mountPath")) return Json{{"mountPath", item["mountPath"]}}.dump();
  if (item.contains("port") && item.contains("protocol"))
    return Json{{"port", item["port"]}, {"protocol", item["protocol"]}}.dump();
  if (item.contains("name")) return Json{{"name", item["name"]}}.dump();
  return {};
}

Json fields_of_list(const Json& list) {
  Json out = Json::object();
  for (const auto& item : list) {
    const std::string key = item_key(item);
    if (key.empty()) return Json::object();
    Json fields = fields_of(item);
    fields["."] = Json::object();
    out["k:" + key] = std::move(fields);
  }
  if (!out.empty()) out["."] = Json::object();
  return out;
}

Json fields_of(const Json& value) {
  Json out = Json::object();
  if (value.is_array()) return fields_of_list(value);
  if (!value.is_object()) return out;
  for (const auto& [key, member] : value.items()) out["f:" + key] = fields_of(member);
  return out;
}

Json entry(const Json& object, std::string_view manager, Json fields) {
  return {{"apiVersion", object["apiVersion"]},
          {"fieldsType", "FieldsV1"},
          {"fieldsV1", std::move(fields)},
          {"manager", manager},
          {"operation", "Update"},
          {"time", "2026-03-01T10:00:00Z"}};
}

}  // namespace

void add_managed_fields(Json& object) {
  Json fields = Json::object();
  for (const auto& [key, member] : object.items()) {
    if (key == "apiVersion" || key == "kind" || key == "metadata" || key == "status") continue;
    fields["f:" + key] = fields_of(member);
  }
  for (const std::string_view key : {"annotations", "generateName", "labels", "ownerReferences"})
    if (object["metadata"].contains(key))
      fields["f:metadata"]["f:" + std::string(key)] = fields_of(object["metadata"][key]);
  Json entries = Json::array({entry(object, "kube-controller-manager", std::move(fields))});
  if (object.contains("status")) {
    Json status{{"f:status", fields_of(object["status"])}};
    entries.push_back(entry(object, "kubelet", std::move(status)));
    entries.back()["subresource"] = "status";
  }
  object["metadata"]["managedFields"] = std::move(entries);
}

}  // namespace waypath::gen
