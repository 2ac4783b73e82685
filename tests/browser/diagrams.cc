// Writes diagrams of every kind to a folder: of the shipped clusters, and over hostile names. Beside each
// NAME.mmd stands NAME.names, the texts that its picture must show, each ended by a zero byte.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "tests/tools/hostile.h"
#include "tests/tools/run.h"
#include "tests/tools/verdicts.h"
#include "tools/render/diagram.h"

namespace waypath {
namespace {

std::filesystem::path folder;
bool failed = false;

void write(const std::string& name, const std::string& diagram, const std::vector<std::string>& texts) {
  std::ofstream(folder / (name + ".mmd"), std::ios::binary) << diagram;
  std::ofstream names(folder / (name + ".names"), std::ios::binary);
  for (const auto& text : texts) names << text << '\0';
  if (diagram.empty()) failed = true;
}

void command(const std::string& name, const std::string& line, const std::vector<std::string>& texts) {
  const auto r = tests::run(tests::words(line));
  if (r.exit_code > 1) {
    std::cerr << line << "\n" << r.err;
    failed = true;
  }
  write(name, r.out, texts);
}

void shipped() {
  const std::string bigbang = " -q -f scenarios/clusters/bigbang-waypoint";
  const std::string url = "https://prometheus.dev.bigbang.mil/graph";
  command("path-bigbang-redirect", "trace internet " + url + bigbang + " -o mermaid",
          {"authservice/authservice-waypoint", "AuthorizationPolicy/authservice/authservice",
           "EXTAUTHZ_REDIRECT"});
  command("path-bigbang-allow", "trace internet " + url + bigbang + " --session valid -o mermaid",
          {"REACHES_APP"});
  command("sequence-bigbang-redirect", "graph internet " + url + bigbang + " -o mermaid-sequence",
          {"waypoint authservice/authservice-waypoint"});
  command("sequence-bigbang-allow",
          "graph internet " + url + bigbang + " --session valid -o mermaid-sequence", {});
  command("plan-bigbang",
          "plan" + bigbang + " --change scenarios/bigbang/change-waypoint-gone.yaml -o mermaid",
          {"before", "after"});
  for (const auto& entry : std::filesystem::directory_iterator("scenarios/clusters")) {
    const std::string cluster = entry.path().filename().string();
    if (!entry.is_directory()) continue;
    const std::string flags = " -q -f " + entry.path().string();
    command("topology-" + cluster, "graph" + flags, {});
    command("topology-" + cluster + "-each", "graph --each" + flags, {});
    command("topology-" + cluster + "-wire", "graph --layer wire" + flags, {});
    command("reach-" + cluster, "reach -o mermaid" + flags, {});
    command("reach-" + cluster + "-each", "reach -o mermaid --each" + flags, {});
  }
  command("topology-all", "graph --layer all" + bigbang, {});
  command("reach-netpol", "reach -o mermaid --layer netpol" + bigbang, {});
  command("topology-bigbang-focus", "graph --focus monitoring" + bigbang, {"monitoring"});
  command("reach-bigbang-focus", "reach -o mermaid --focus monitoring" + bigbang, {"monitoring"});
}

void hostile() {
  std::size_t number = 0;
  tools::Picture all;
  all.groups = {"plain"};
  for (const auto& name : tests::hostile_names()) {
    const std::string id = std::to_string(100 + number++);
    const std::string seen = tests::without_control_characters(name);
    for (auto verdict : {tests::dropped_at_last_leg(name), tests::allowed_with_bypass()}) {
      auto& path = verdict.paths.front();
      path.hops.front().name = name;
      path.hops[2].seen_peer.principal = name;
      path.symptom = verdict.symptom = name;
      path.hops[1].ns = name;
      path.reason.by = sim::ObjectAt{tests::key("NetworkPolicy", name, name), {}, 0, name};
      for (const auto* format : {"mermaid", "mermaid-sequence"})
        write(std::string("hostile-") + format + "-" + std::string(to_string(verdict.outcome)) + id,
              tools::path_diagram(verdict, format), {seen});
      verdict.split = true;
      verdict.paths.push_back(path);
      verdict.paths.back().share = 0.25;
      write("hostile-split-" + std::string(to_string(verdict.outcome)) + id,
            tools::path_diagram(verdict, "mermaid"), {seen, "path 2, 25%"});
    }
    scenarios::Plan plan;
    scenarios::FlowChange change;
    change.flow.from = change.flow.to = name;
    change.before = {"allow", name, name, name, name, {name}, {name}};
    change.after = {"timeout", name, name, name, name, {name}, {name}};
    plan.changes = {change};
    write("hostile-plan-" + id, tools::write_picture(tools::plan_picture(plan), "mermaid"), {seen});

    all.groups.push_back(name);
    tools::PictureNode node;
    node.id = "n" + id;
    node.lines = {name, name};
    node.group = all.groups.size() - 1;
    node.shape = static_cast<tools::Shape>(number % 5);
    node.look = static_cast<tools::Look>(number % 8);
    all.nodes.push_back(node);
    all.edges.push_back(
        {all.nodes.size() - 1, 0, {name, name}, static_cast<tools::Line>(number % 5), node.look});
    all.notes.push_back(name);
  }
  std::vector<std::string> seen;
  for (const auto& name : tests::hostile_names()) seen.push_back(tests::without_control_characters(name));
  write("hostile-graph", tools::write_picture(all, "mermaid"), seen);
}

// As much as Mermaid takes: what does not fit is counted.
void huge() {
  tools::Picture picture;
  for (int i = 0; i < 1200; ++i) {
    tools::PictureNode node;
    node.id = "n" + std::to_string(i);
    node.lines = {"workload-with-a-name-of-usual-length-" + std::to_string(i)};
    picture.nodes.push_back(node);
    if (i > 0)
      picture.edges.push_back({static_cast<std::size_t>(i / 3), static_cast<std::size_t>(i), {"TCP 8080"}});
  }
  write("huge", tools::write_picture(picture, "mermaid"), {"more connections are left out"});
}

// A fleet: its pictures are of namespaces, one namespace's of its workloads; equal ones stand together.
void fleet() {
  const auto file = folder / "fleet.yaml";
  std::ofstream out(file, std::ios::binary);
  for (int team = 0; team < 40; ++team) {
    const std::string ns = "team-" + std::to_string(team);
    out << "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " << ns
        << ", labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}}\n"
           "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: waypoint, "
           "namespace: "
        << ns
        << "}\nspec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: "
           "HBONE}]}\n"
           "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: own, namespace: "
        << ns
        << "}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 15008}]}]}\n";
    for (int n = 0; n < 6; ++n) {
      const std::string app = "app-" + std::to_string(n);
      out << "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: " << app << ", namespace: " << ns
          << "}\nspec: {replicas: 10, selector: {matchLabels: {app: " << app
          << "}}, template: {metadata: {labels: {app: " << app
          << "}}, spec: {containers: [{name: c, image: c, ports: [{containerPort: 8080}]}]}}}\n"
             "---\napiVersion: v1\nkind: Service\nmetadata: {name: "
          << app << ", namespace: " << ns << "}\nspec: {selector: {app: " << app
          << "}, ports: [{name: http, port: 80, targetPort: 8080}]}\n";
    }
  }
  out.close();
  const std::string flags = " -q -f " + file.string();
  command("fleet-topology", "graph" + flags, {"team-3"});
  command("fleet-topology-focus", "graph --focus team-3" + flags, {"team-3", "waypoint"});
  command("fleet-reach", "reach -o mermaid" + flags, {"team-3"});
  command("fleet-reach-focus", "reach -o mermaid --focus team-3" + flags, {"team-3"});
}

}  // namespace
}  // namespace waypath

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  waypath::folder = std::filesystem::absolute(argv[1]);
  waypath::shipped();
  waypath::hostile();
  waypath::huge();
  waypath::fleet();
  return waypath::failed ? 1 : 0;
}
