#pragma once
// The words of --help around the flags: what each verb is for, by example.

namespace waypath::tools {

inline constexpr const char* kAbout =
    "Predicts the path of a request through a Kubernetes cluster with Istio ambient, from manifests alone:\n"
    "which hops it passes, who lets it through, who stops it and what the client sees.";
inline constexpr const char* kFirstSteps =
    "First steps:\n"
    "  waypath trace internet https://app.example.com/ -f manifests/     one request, hop by hop\n"
    "  waypath test scenarios/                                           expectations against predictions\n"
    "  waypath explain NETPOL_INGRESS_HBONE_PORT                         what a code means\n"
    "`waypath VERB --help` shows flags and examples.";
inline constexpr const char* kTraceExamples =
    "Examples:\n"
    "  waypath trace internet https://prometheus.dev.bigbang.mil/graph -f cluster/\n"
    "  waypath trace monitoring/deploy/grafana prometheus.monitoring:9090 -f cluster/ -v\n"
    "  waypath trace shop/cart-0 http://orders.shop/api --method POST --header 'x-team: a' -f cluster/ -o "
    "json\n"
    "  waypath trace internet https://app.example.com --claim iss=https://sso --claim groups=ops -f "
    "cluster/\n"
    "  kubectl get all,netpol,authorizationpolicy -A -o yaml | waypath trace internet "
    "https://app.example.com -f -\n"
    "FROM: ns/pod, ns/deploy/name (any workload kind), internet, an IP, node/NAME, kubelet/NAME\n"
    "TO:   a URL or host:port as curl takes it\n"
    "Exit codes: 0 whatever the verdict is, 1 when --expect differs, 2 wrong usage or input";
inline constexpr const char* kTestExamples =
    "Examples:\n"
    "  waypath test scenarios/\n"
    "  waypath test scenarios/bigbang/waypoint-mode.yaml --run 'prometheus'\n"
    "  waypath test scenarios/ -o junit --out results.xml\n"
    "  waypath test scenarios/ --tag smoke --fail-fast\n"
    "  waypath test scenarios/ -o github                             annotations of a GitHub workflow\n"
    "Exit codes: 0 all as expected, 1 an expectation failed, 2 wrong usage or input";
inline constexpr const char* kGraphExamples =
    "Examples:\n"
    "  waypath graph -f cluster/ -o mermaid                                  the whole topology\n"
    "  waypath graph -f cluster/ --focus monitoring                          a namespace and its neighbours\n"
    "  waypath graph internet https://app.example.com -f cluster/            one flow's path, as a "
    "flowchart\n"
    "  waypath graph shop/cart-0 orders.shop:80 -f cluster/ -o mermaid-sequence\n"
    "  waypath graph shop/cart-0 orders.shop:80 -f cluster/ -o dot | dot -Tsvg > path.svg";
inline constexpr const char* kReachExamples =
    "Examples:\n"
    "  waypath reach -f cluster/                                   every pair of workloads, and exposure\n"
    "  waypath reach -f cluster/ --to monitoring/prometheus        who reaches it\n"
    "  waypath reach -f cluster/ --from external -o csv            what the outside reaches\n"
    "  waypath reach -f cluster/ --layer netpol -o json            L3/L4 policies alone\n"
    "  waypath reach -f cluster/ -o mermaid --focus monitoring     a diagram of one namespace\n"
    "  waypath reach -f cluster/ --change policy.yaml              what a change opens and closes\n"
    "SEL: NAMESPACE, NAMESPACE/NAME, NAMESPACE/NAME[Kind] (with *), external, an address, or labels "
    "(app=web,tier!=db)\n"
    "Connections are those to the pods' own addresses; a Service behind a waypoint is asked with trace\n"
    "Exit codes with --change: 0 no connection changes, 1 some do, 2 wrong usage or input";
inline constexpr const char* kPlanExamples =
    "Examples:\n"
    "  waypath plan -f cluster/ --change pull-request/networkpolicies/       manifests that are applied\n"
    "  waypath plan -f cluster/ --change change.yaml -o markdown             a pull-request comment\n"
    "  waypath plan -f cluster/ --change change.yaml --scenario critical.yaml    these flows alone\n"
    "  waypath plan -f cluster/ --change change.yaml -o mermaid              before and after, as a diagram\n"
    "change.yaml: `change: [{delete: NetworkPolicy/shop/default-deny}, ...]`, as scenarios/FORMAT.md says\n"
    "Exit codes: 0 no flow changes, 1 some do, 2 wrong usage or input";
inline constexpr const char* kDiffExamples =
    "Examples:\n"
    "  waypath diff yesterday/ today/                                        two clusters\n"
    "  waypath diff git:main:clusters/prod clusters/prod                     what a branch changes\n"
    "  waypath diff -f cluster/ --from-version 1.27 --to-version 1.28        one cluster, two Istio "
    "versions\n"
    "Exit codes: 0 no flow changes, 1 some do, 2 wrong usage or input";
inline constexpr const char* kRecordExamples =
    "Examples:\n"
    "  waypath record -f cluster/ --out scenarios/today.yaml     then `waypath test scenarios/today.yaml` in "
    "CI\n"
    "  waypath record -f cluster/ | diff scenarios/today.yaml -  what changed since\n"
    "  waypath record --scenario critical.yaml --out scenarios/critical-today.yaml   these flows alone";
inline constexpr const char* kReportExamples =
    "Examples:\n"
    "  waypath report -f cluster/ --out report.html                     every flow, and who reaches whom\n"
    "  waypath report -f cluster/ --change change.yaml --out plan.html  what a change does\n"
    "  waypath report scenarios/ --out tests.html                       a test run\n"
    "The file needs no network: open it, send it, print it. Secrets are named, never shown\n"
    "Exit codes: as of test and plan; 0 for a cluster; 2 wrong usage or input";
inline constexpr const char* kLintExamples =
    "Examples:\n"
    "  waypath lint -f cluster/                                   errors and warnings\n"
    "  waypath lint -f cluster/ -n shop --min-severity info       one namespace, remarks too\n"
    "  waypath lint -f cluster/ --ignore LINT_NETPOL_ONE_SIDED,LINT_WAYPOINT_UNUSED\n"
    "  waypath lint -f cluster/ -o sarif --out lint.sarif         for code scanning; -o github annotates a "
    "pull request\n"
    "  waypath lint -f cluster/ -o html --out lint.html           one page that needs no network\n"
    "An object keeps what is meant out of the report with the annotation\n"
    "  waypath.dev/lint-ignore: \"CODE,CODE\"                     or \"*\"\n"
    "`waypath explain CODE` tells what a code means and what to do\n"
    "Exit codes: 0 no error and no warning reported, 1 some are, 2 wrong usage or input";
inline constexpr const char* kSnapshotExamples =
    "Examples:\n"
    "  waypath snapshot live/                       everything that waypath reads, one file a namespace\n"
    "  waypath snapshot live/ -n shop -n data       these namespaces alone\n"
    "  waypath snapshot live/ --resume              goes on where one stopped\n"
    "  waypath reach -f live/                       then ask\n"
    "Runs your own kubectl and only lists. Secrets are never asked for; managedFields, and ConfigMaps that "
    "decide "
    "nothing, are left out\n"
    "Exit codes: 0 all is there, 1 some kinds may not be read, 2 wrong usage or no cluster";
inline constexpr const char* kExplainExamples =
    "Examples:\n"
    "  waypath explain                                        every code, one line each\n"
    "  waypath explain ZTUNNEL_NO_ALLOW_MATCH                 one code at length\n"
    "  waypath explain AuthorizationPolicy/shop/allow-ops -f cluster/    where a policy is enforced and "
    "where not\n"
    "  waypath explain Service/shop/orders -f cluster/        which waypoint it has in effect, and why\n"
    "  waypath explain Gateway/shop/waypoint -f cluster/      whom a waypoint serves\n"
    "  waypath explain istio/1.27..1.28                       what changes between two Istio versions";

inline constexpr const char* kReplayExamples =
    "Examples:\n"
    "  kubectl logs -n istio-system -l app=ztunnel --prefix --tail=-1 | waypath replay - -f cluster/\n"
    "  waypath replay ztunnel.log.gz waypoint.log -f cluster/       are the predictions what happened?\n"
    "  waypath replay ztunnel.log -f cluster/ --change pr.yaml      what of this traffic would break\n"
    "  waypath replay ztunnel.log -f cluster/ -o csv                a line a flow and outcome\n"
    "Reads access logs of ztunnel (text, JSON) and of Istio's Envoys (default text format, JSON). A "
    "connection\n"
    "that both ends logged counts once in what a change would do. Exit 1: a prediction disagrees with the "
    "log,\n"
    "or a recorded flow would change.";

inline constexpr const char* kAskExamples =
    "Examples:\n"
    "  waypath ask monitoring/grafana -f cluster/                        who reaches it, with which "
    "requests\n"
    "  waypath ask shop/api --from internet -f cluster/                  is there any request from outside?\n"
    "  waypath ask shop/api --from shop --method DELETE -f cluster/      can a workload of shop delete?\n"
    "  waypath ask shop/api --avoiding ext_authz --expect none -f cluster/      exit 1 unless there is none\n"
    "  waypath ask shop/api --avoiding 'AuthorizationPolicy/shop/api[0]' -f cluster/    what else admits?\n"
    "Requests are not sampled: of each attribute (method, path, host, headers, query, token, session) one "
    "value\n"
    "is tried for every class that the policies and routes on the way tell apart. Each answer comes with "
    "the\n"
    "trace command that confirms it; \"none\" is only said when no class was left out.\n"
    "Exit codes: 0 whatever the answer is, 1 when --expect differs, 2 wrong usage or input";
inline constexpr const char* kGuardExamples =
    "Examples:\n"
    "  waypath guard monitoring/grafana -f cluster/                       by the waypoint it is bound to\n"
    "  waypath guard Service/shop/api --by ext_authz:oidc -f cluster/     by external authorization\n"
    "  waypath guard shop --by Gateway/istio-gateway/public -f cluster/   a whole namespace by a gateway\n"
    "  waypath guard app.example.com --by AuthorizationPolicy/auth/require-token -f cluster/ -o markdown\n"
    "Tries every kind of client (workloads that no policy tells apart, addresses outside, nodes) at every\n"
    "address of X (Services, pods, gateways' hosts, node ports) with every class of request that the "
    "policies\n"
    "and routes on the way distinguish. Each bypass comes with the trace command that confirms it.\n"
    "A request passes a waypoint or gateway when that is on its way, or when one of its own pods sends it.\n"
    "Exit codes: 0 every request that reaches X passes Y, 1 one gets around or that is not proven, 2 wrong\n"
    "usage or input";
inline constexpr const char* kSweepExamples =
    "What is swept:\n"
    "  failures   each waypoint, gateway, node and ext_authz provider down, one at a time: which flows fail, "
    "and\n"
    "             which fail open, around an enforcement point. Exit 1: something fails open\n"
    "  policies   each policy removed: which are load-bearing, which are dead. Exit 1: one is dead\n"
    "  versions   each minor version from --from-version to --to-version against the one before. Exit 1: a "
    "flow\n"
    "             changes\n"
    "  rollout    every state in between of several --change, or of enrolling namespaces: is one worse than "
    "both\n"
    "             ends? Which orders are safe? Exit 1: a bad state\n"
    "Examples:\n"
    "  waypath sweep failures -f cluster/\n"
    "  waypath sweep policies -f cluster/ --scenario scenarios/shop.yaml\n"
    "  waypath sweep versions -f cluster/ --from-version 1.26 --to-version 1.29 -o markdown\n"
    "  waypath sweep rollout -f cluster/ --change waypoint.yaml --change policies.yaml\n"
    "  waypath sweep rollout -f cluster/ --enrol shop --enrol payments\n"
    "Interrupted (Ctrl-C), it prints what is done and exits 130.";
inline constexpr const char* kMergeExamples =
    "Examples:\n"
    "  waypath test scenarios/ --shard 0/2 --out shards/            one half of the cases, here or on any "
    "machine\n"
    "  waypath test scenarios/ --shard 1/2 --out shards/            the other one\n"
    "  waypath merge shards/ -o junit > junit.xml                   what `waypath test scenarios/ -o junit` "
    "prints\n"
    "Shards are of test, reach, sweep and replay; format, -v and colour are chosen here. The output and the "
    "exit\n"
    "code are those of the run as a whole. Exit 2: shards are missing, damaged, or of different runs. "
    "Manifests of\n"
    "a Kubernetes Indexed Job and an Argo Workflow that do this: scenarios/fleet/.";

}  // namespace waypath::tools
