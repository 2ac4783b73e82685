"""Drawn policies, requests, and the Envoy configuration that the policies stand for.

The translation follows Envoy's documentation of the RBAC filter (envoy.config.rbac.v3) and Istio's reference of
AuthorizationPolicy. It knows nothing of waypath.
"""

import json
import random

import provider
import tokens

PORT_BASE = 20100
METHODS = ["GET", "POST", "PUT", "DELETE"]
HOSTS = ["shop.example.com", "SHOP.example.com", "shop.example.com:8080", "api.example.com", "example.com"]
PATHS = [
    "/", "/a", "/a/b", "/a/b/", "/a//b", "/a/./b", "/a/../b", "/A", "/a?x=1", "/b?y=/a", "/a/%62", "/a%2Fb", "/a%2fb/c",
    "/a%5Cb", "/a/b/c/d", "/store//cart", "/store/x/cart", "/store/cart", "/foo/x/bar/", "/foo/x/bar/y", "/foo//bar/x",
    "/admin", "/admin/", "/admin/x", "/%61dmin", "/a;v=1", "/a.b", "/a/b#f",
]
HEADER_VALUES = ["one", "two", "one-two", "", "One", "a,b"]
SOURCES = ["127.0.0.1", "127.0.0.2", "127.0.1.1"]
NORMALIZATIONS = ["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]

VALUES = {
    "hosts": ["shop.example.com", "*.example.com", "shop.*", "*", "api.example.com", "shop.example.com:8080", "SHOP.EXAMPLE.COM"],
    "methods": ["GET", "POST", "P*", "*T", "*", "get"],
    "paths": ["/a", "/a/*", "*/b", "*", "/a/b", "/admin", "/admin/{**}", "/foo/{*}/bar/{**}", "/store/{**}/cart", "/{*}", "/a?x=1",
              "/a/*b", "/a//b", "/a%2Fb", "*b*"],
    "ipBlocks": ["127.0.0.1", "127.0.0.0/24", "127.0.0.0/8", "10.0.0.0/8", "127.0.1.1/32"],
    "requestPrincipals": ["*", "https://a.example.com/ann", "https://b.example.com/realm/*", "*/bob", "*.com/ann", "https://a.example.com/a*",
                          "https://a.example.com", "https://*", "*nn", "https://a.example.com/a/b"],
}
CLAIM_VALUES = {
    "request.auth.principal": VALUES["requestPrincipals"],
    "request.auth.audiences": ["web", "cli", "w*", "*", "none"],
    "request.auth.presenter": ["web", "*", "c*"],
    "request.auth.claims[groups]": ["ops", "*s", "o*", "*", "7"],
    "request.auth.claims[scope]": ["read", "write", "read write", "*"],
    "request.auth.claims[teams]": ["red", "red blue"],
    "request.auth.claims[note]": ["read", "read write", "*"],
    "request.auth.claims[org][unit]": ["a", "*"],
    "request.auth.claims[org][units]": ["b", "*"],
    "request.auth.claims[role]": ["true", "*"],
    "request.auth.claims[iss]": ["https://a.example.com", "*"],
    "request.auth.claims[sub]": ["ann", "*"],
    "request.auth.claims[exp]": ["4715782722", "*"],
    "request.auth.claims[missing]": ["*"],
}
HEADER_MATCHES = ["one", "two", "one*", "*two", "*", "a,b", "one,two", "o*e"]


def some(rng, values):
    return rng.sample(values, rng.randint(1, min(2, len(values))))


def draw_fields(rng, names, port):
    out = {}
    for name in rng.sample(names, rng.randint(1, min(2, len(names)))):
        values = [str(port), "9"] if name == "ports" else VALUES[name]
        key = name if rng.random() < 0.7 else "not" + name[0].upper() + name[1:]
        out[key] = some(rng, values)
    return out


def draw_rule(rng, port, jwt=False):
    rule = {}
    sources = ["ipBlocks", "requestPrincipals", "requestPrincipals"] if jwt else ["ipBlocks"]
    keys = ["request.headers[x-team]", "request.headers[x-other]", "request.headers[Via]", "source.ip", "destination.port"] + (sorted(CLAIM_VALUES) if jwt else [])
    if rng.random() < 0.4:
        rule["from"] = [{"source": draw_fields(rng, sources, port)} for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.8:
        rule["to"] = [{"operation": draw_fields(rng, ["hosts", "methods", "paths", "ports"], port)} for _ in range(rng.randint(1, 2))]
    if rng.random() < (0.7 if jwt else 0.4):
        when = {"key": rng.choice(keys)}
        pool = dict(CLAIM_VALUES, **{"source.ip": VALUES["ipBlocks"], "destination.port": [str(port), "9"]}).get(when["key"], HEADER_MATCHES)
        when[rng.choice(["values", "values", "notValues"])] = some(rng, pool)
        rule["when"] = [when]
    return rule


def draw_policy(rng, name, action, port, jwt):
    rules = [draw_rule(rng, port, jwt) for _ in range(rng.randint(1, 3))]
    return {"name": name, "action": action, "rules": [] if action == "ALLOW" and rng.random() < 0.05 else rules}


def draw_case(rng, number, keys):
    """A third of the cases have policies alone, a third tokens as well, a third tokens and an external authorizer."""
    port = PORT_BASE + number
    jwt, ext = number % 3 > 0, number % 3 == 2
    case = {"port": port, "normalization": NORMALIZATIONS[number // 3 % len(NORMALIZATIONS)], "policies": [], "jwt": [], "provider": None}
    for i in range(rng.randint(1, 3)):
        case["policies"].append(draw_policy(rng, "p%d" % i, rng.choice(["ALLOW", "ALLOW", "DENY"]), port, jwt))
    if jwt:
        case["jwt"] = [tokens.draw_rule(rng, keys) for _ in range(rng.randint(1, 3))]
    if ext:
        case["provider"] = provider.draw_provider(rng)
        case["policies"].append(draw_policy(rng, "ext", "CUSTOM", port, False))
    return case


def draw_request(rng, case, pool):
    headers = []
    for name in ("x-team", "X-Other", "via"):
        for _ in range(rng.choice([0, 1, 1, 2])):
            headers.append([name, rng.choice(HEADER_VALUES)])
    request = {"method": rng.choice(METHODS), "path": rng.choice(PATHS).split("#")[0], "host": rng.choice(HOSTS), "headers": headers,
               "source": rng.choice(SOURCES)}
    if case["jwt"]:
        for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2])):
            tokens.place(rng, rng.choice(pool), request)
        if rng.random() < 0.05:
            request["method"] = "OPTIONS"
            headers += [["Origin", "https://x"], ["Access-Control-Request-Method", "POST"]][:rng.randint(1, 2)]
    if case["provider"]:
        headers.append(["x-ext", rng.choice(["allow", "allow", "allow", "deny", "broken"])])
    return request


def draw(seed, cases, requests, work):
    rng = random.Random(seed)
    keys = tokens.Keys(work)
    pool = tokens.draw_pool(rng, keys, 200)
    out = [draw_case(rng, n, keys) for n in range(cases)]
    for case in out:
        case["requests"] = [draw_request(rng, case, pool) for _ in range(requests)]
    return out


# ---- what waypath reads ----

def manifests(case):
    mesh = {"pathNormalization": {"normalization": case["normalization"]}}
    if case["provider"]:
        mesh["extensionProviders"] = [provider.mesh(case["provider"])]
    out = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"}, "data": {"mesh": json.dumps(mesh)}},
           {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ext", "namespace": "ext"}, "spec": {"ports": [{"port": 8000}]}}]
    for policy in case["policies"]:
        spec = {"action": policy["action"], "rules": policy["rules"]}
        if policy["action"] == "CUSTOM":
            spec["provider"] = {"name": "ext"}
        out.append({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
                    "metadata": {"name": policy["name"], "namespace": "shop"}, "spec": spec})
    if case["jwt"]:
        out.append({"apiVersion": "security.istio.io/v1", "kind": "RequestAuthentication",
                    "metadata": {"name": "jwt", "namespace": "shop"}, "spec": {"jwtRules": case["jwt"]}})
    return out


# ---- what Envoy reads ----

def string_match(value, ignore_case=False):
    if value.startswith("*"):
        match = {"suffix": value[1:]}
    elif value.endswith("*"):
        match = {"prefix": value[:-1]}
    else:
        match = {"exact": value}
    return dict(match, ignore_case=True) if ignore_case else match


def header(name, value, ignore_case=False):
    if value == "*":
        return {"header": {"name": name, "present_match": True}}
    return {"header": {"name": name, "string_match": string_match(value, ignore_case)}}


def path(value):
    if "{*}" in value or "{**}" in value:
        template = value.replace("{**}", "**").replace("{*}", "*")
        return {"uri_template": {"name": "uri-template", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", "path_template": template}}}
    if value == "*":
        return {"url_path": {"path": {"safe_regex": {"regex": ".+"}}}}
    return {"url_path": {"path": string_match(value)}}


def block(value):
    address, _, prefix = value.partition("/")
    return {"address_prefix": address, "prefix_len": int(prefix or 32)}


def permission(field, value):
    if field == "hosts":
        return header(":authority", value, True)
    if field == "methods":
        return header(":method", value)
    if field == "paths":
        return path(value)
    return {"destination_port": int(value)}


def principal(field, value):
    return tokens.principal(value) if field == "requestPrincipals" else {"direct_remote_ip": block(value)}


def any_of(kind, items):
    return {"or_rules": {"rules": items}} if kind == "rule" else {"or_ids": {"ids": items}}


def all_of(kind, items):
    if not items:
        return {"any": True}
    return {"and_rules": {"rules": items}} if kind == "rule" else {"and_ids": {"ids": items}}


def negated(kind, item):
    return {"not_rule": item} if kind == "rule" else {"not_id": item}


def fields(kind, written, translate):
    out = []
    for key, values in written.items():
        name = key[3].lower() + key[4:] if key.startswith("not") else key
        items = any_of(kind, [translate(name, v) for v in values])
        out.append(negated(kind, items) if key.startswith("not") else items)
    return all_of(kind, out)


def condition(when):
    key = when["key"]
    if key == "destination.port":
        kind, translate = "rule", lambda v: {"destination_port": int(v)}
    elif key == "source.ip":
        kind, translate = "id", lambda v: {"direct_remote_ip": block(v)}
    elif key == "request.auth.principal":
        kind, translate = "id", tokens.principal
    elif key.startswith("request.auth."):
        path = {"request.auth.audiences": ["aud"], "request.auth.presenter": ["azp"]}.get(key) or key[len("request.auth.claims["):-1].split("][")
        kind, translate = "id", lambda v: tokens.claim(path, v)
    else:
        kind, translate = "id", lambda v: header(key[len("request.headers["):-1], v)
    out = []
    if "values" in when:
        out.append(any_of(kind, [translate(v) for v in when["values"]]))
    if "notValues" in when:
        out.append(negated(kind, any_of(kind, [translate(v) for v in when["notValues"]])))
    return kind, all_of(kind, out)


def rbac_policy(rule):
    permissions = [fields("rule", to["operation"], permission) for to in rule.get("to", [])]
    principals = [fields("id", source["source"], principal) for source in rule.get("from", [])]
    rules, ids = [], []
    for when in rule.get("when", []):
        kind, item = condition(when)
        (rules if kind == "rule" else ids).append(item)
    return {"permissions": [all_of("rule", [any_of("rule", permissions)] * bool(permissions) + rules)],
            "principals": [all_of("id", [any_of("id", principals)] * bool(principals) + ids)]}


def rbac(action, policies):
    listed = {"%s-%d" % (p["name"], i): rbac_policy(rule) for p in policies for i, rule in enumerate(p["rules"])}
    return {"name": "rbac-" + action.lower(), "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                                                              "rules": {"action": action, "policies": listed}}}


def listener(case):
    filters = []
    if case["provider"]:
        filters += provider.filters(case["provider"], [p for p in case["policies"] if p["action"] == "CUSTOM"], rbac_policy)
    if case["jwt"]:
        filters.append(tokens.jwt_filter(case["jwt"]))
    for action in ("DENY", "ALLOW"):
        policies = [p for p in case["policies"] if p["action"] == action]
        if policies:
            filters.append(rbac(action, policies))
    filters.append({"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}})
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "case", "http_filters": filters, "normalize_path": case["normalization"] != "NONE",
        "merge_slashes": "MERGE" in case["normalization"],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": ""}, "direct_response": {"status": 200}}]}]},
    }
    if case["normalization"].startswith("DECODE"):
        manager["path_with_escaped_slashes_action"] = "UNESCAPE_AND_FORWARD"
    return {"name": str(case["port"]), "address": {"socket_address": {"address": "0.0.0.0", "port_value": case["port"]}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


def bootstrap(cases):
    return {"static_resources": {"listeners": [listener(c) for c in cases], "clusters": provider.clusters()}}
