"""A small external authorizer, and the Envoy configuration that asks it.

It answers by the request's x-ext header: 200 for "allow", 503 for "broken", 403 otherwise; an allowed request gets the header x-team: ext
(and x-other: ext, which Envoy is not told to pass on).
"""

import http.server
import threading

PORT, CLOSED_PORT = 20090, 20091
RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        word = self.headers.get("x-ext", "")
        self.send_response({"allow": 200, "broken": 503}.get(word, 403))
        self.send_header("x-team", "ext")
        self.send_header("x-other", "ext")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def start():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def draw_provider(rng):
    return {"reachable": rng.random() < 0.75, "failOpen": rng.random() < 0.4, "statusOnError": rng.choice(["", "503", "401"])}


def mesh(provider):
    """The entry of meshConfig.extensionProviders."""
    out = {"service": "ext.ext.svc.cluster.local", "port": 8000, "includeRequestHeadersInCheck": ["x-ext"], "headersToUpstreamOnAllow": ["x-team"],
           "failOpen": provider["failOpen"]}
    if provider["statusOnError"]:
        out["statusOnError"] = provider["statusOnError"]
    return {"name": "ext", "envoyExtAuthzHttp": out}


def filters(provider, policies, rbac_policy):
    listed = {"istio-ext-authz-%s-%d" % (p["name"], i): rbac_policy(rule) for p in policies for i, rule in enumerate(p["rules"])}
    header = [{"exact": "x-ext", "ignore_case": True}]
    return [
        {"name": "envoy.filters.http.rbac", "typed_config": {"@type": RBAC, "shadow_rules": {"action": "DENY", "policies": listed},
                                                             "shadow_rules_stat_prefix": "istio_ext_authz_"}},
        {"name": "envoy.filters.http.ext_authz", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", "transport_api_version": "V3",
            "http_service": {"server_uri": {"uri": "http://ext", "cluster": "ext" if provider["reachable"] else "closed", "timeout": "5s"},
                             "authorization_response": {"allowed_upstream_headers": {"patterns": [{"exact": "x-team", "ignore_case": True}]}}},
            "allowed_headers": {"patterns": header}, "failure_mode_allow": provider["failOpen"],
            "status_on_error": {"code": int(provider["statusOnError"] or "403")},
            "filter_enabled_metadata": {"filter": "envoy.filters.http.rbac", "path": [{"key": "istio_ext_authz_shadow_effective_policy_id"}],
                                        "value": {"string_match": {"prefix": "istio-ext-authz"}}}}},
    ]


def clusters():
    return [{"name": name, "type": "STATIC", "connect_timeout": "5s", "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}]}}
            for name, port in (("ext", PORT), ("closed", CLOSED_PORT))]
