// Loading: a dump as `kubectl get -o yaml` prints it, with managedFields, status and Secrets, against
// yaml-cpp's bare event parse of the same bytes.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <string>

#include "model/load/manifest_loader.h"

namespace waypath {
namespace {

constexpr int kWorkloads = 400;

std::string pod(int i) {
  return fmt::format(R"(---
apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: "2026-03-01T10:00:00Z"
  generateName: app-{0}-6d4cf56db6-
  labels:
    app: app-{0}
    pod-template-hash: 6d4cf56db6
    app.kubernetes.io/part-of: suite-{1}
  managedFields:
  - apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata:
        f:generateName: {{}}
        f:labels:
          .: {{}}
          f:app: {{}}
          f:pod-template-hash: {{}}
        f:ownerReferences:
          .: {{}}
          k:{{"uid":"5c1d2a6e-0000-4000-8000-{0:012}"}}: {{}}
      f:spec:
        f:containers:
          k:{{"name":"app"}}:
            .: {{}}
            f:image: {{}}
            f:imagePullPolicy: {{}}
            f:name: {{}}
            f:ports:
              .: {{}}
              k:{{"containerPort":8080,"protocol":"TCP"}}:
                .: {{}}
                f:containerPort: {{}}
                f:name: {{}}
                f:protocol: {{}}
            f:resources: {{}}
            f:terminationMessagePath: {{}}
            f:terminationMessagePolicy: {{}}
        f:dnsPolicy: {{}}
        f:enableServiceLinks: {{}}
        f:restartPolicy: {{}}
    manager: kube-controller-manager
    operation: Update
    time: "2026-03-01T10:00:00Z"
  name: app-{0}-6d4cf56db6-x{0}
  namespace: team-{1}
  ownerReferences:
  - apiVersion: apps/v1
    controller: true
    kind: ReplicaSet
    name: app-{0}-6d4cf56db6
    uid: 5c1d2a6e-0000-4000-8000-{0:012}
  resourceVersion: "{2}"
  uid: 7c1d2a6e-0000-4000-8000-{0:012}
spec:
  containers:
  - env:
    - name: LEVEL
      value: info
    - name: PEERS
      value: a.example,b.example,c.example
    image: registry.example/app:{0}
    imagePullPolicy: IfNotPresent
    name: app
    ports:
    - containerPort: 8080
      name: http
      protocol: TCP
    resources:
      limits:
        memory: 256Mi
      requests:
        cpu: 100m
        memory: 256Mi
    volumeMounts:
    - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
      name: kube-api-access
      readOnly: true
  nodeName: node-{1}
  serviceAccountName: app-{0}
  tolerations:
  - effect: NoExecute
    key: node.kubernetes.io/not-ready
    operator: Exists
    tolerationSeconds: 300
  volumes:
  - name: kube-api-access
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken:
          expirationSeconds: 3607
          path: token
status:
  conditions:
  - lastTransitionTime: "2026-03-01T10:00:05Z"
    status: "True"
    type: Ready
  containerStatuses:
  - containerID: containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    image: registry.example/app:{0}
    lastState: {{}}
    name: app
    ready: true
    restartCount: 0
    state:
      running:
        startedAt: "2026-03-01T10:00:04Z"
  phase: Running
  podIP: 10.42.{1}.{3}
  podIPs:
  - ip: 10.42.{1}.{3}
  qosClass: Burstable
)",
                     i, i % 20, 100000 + i, i / 20 + 1);
}

std::string others(int i) {
  return fmt::format(R"(---
apiVersion: v1
kind: Service
metadata:
  name: app-{0}
  namespace: team-{1}
  uid: 8c1d2a6e-0000-4000-8000-{0:012}
spec:
  clusterIP: 10.43.{1}.{2}
  ports:
  - name: http
    port: 80
    protocol: TCP
    targetPort: http
  selector:
    app: app-{0}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: app-{0}
  namespace: team-{1}
spec:
  ingress:
  - from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: team-{1}
    ports:
    - port: 8080
      protocol: TCP
    - port: 15008
      protocol: TCP
  podSelector:
    matchLabels:
      app: app-{0}
  policyTypes:
  - Ingress
---
apiVersion: v1
data:
  ca.crt: {3}
  token: {3}
kind: Secret
metadata:
  name: app-{0}-token
  namespace: team-{1}
type: Opaque
)",
                     i, i % 20, i / 20 + 1, std::string(1600, 'Q'));
}

const std::string& dump() {
  static const std::string text = [] {
    std::string out;
    for (int i = 0; i < kWorkloads; ++i) out += pod(i) + others(i);
    return out;
  }();
  return text;
}

void megabytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(dump().size()));
}

void load_dump(benchmark::State& state) {
  model::LoadOptions options;
  options.jobs = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    model::Diagnostics diagnostics;
    benchmark::DoNotOptimize(model::load_texts({{"dump.yaml", dump()}}, options, diagnostics));
  }
  megabytes(state);
}
BENCHMARK(load_dump)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);

// What the ratio is taken to: the events of yaml-cpp, thrown away.
class Nothing final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override { ++events; }
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { ++events; }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {
    ++events;
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
  std::size_t events = 0;
};

void yaml_cpp_events(benchmark::State& state) {
  for (auto _ : state) {
    std::istringstream in(dump());
    YAML::Parser parser(in);
    Nothing handler;
    while (parser.HandleNextDocument(handler)) {
    }
    benchmark::DoNotOptimize(handler.events);
  }
  megabytes(state);
}
BENCHMARK(yaml_cpp_events)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace waypath
