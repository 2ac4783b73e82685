"""Signed tokens, the keys that verify them, and the configuration of Envoy's jwt_authn filter.

The filter's configuration follows Envoy's documentation (envoy.extensions.filters.http.jwt_authn.v3) and Istio's reference of
RequestAuthentication. It knows nothing of waypath.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess

ISSUERS = ["https://a.example.com", "https://b.example.com/realm"]
SECRETS = {"one": b"the first shared secret", "two": b"the second shared secret"}
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
FILTER = "envoy.filters.http.jwt_authn"
FAR = 4715782722  # 2119
PAST = 1562182856  # 2019

CLAIMS = [
    {}, {"groups": ["ops", "dev"]}, {"groups": "ops"}, {"groups": []}, {"groups": [7, "ops"]}, {"groups": "7"}, {"groups": 7}, {"role": True},
    {"scope": "read write"}, {"teams": "red blue"}, {"azp": "web"}, {"azp": ["web", "cli"]}, {"org": {"unit": "a", "units": ["b", "c"]}},
    {"org": "a"}, {"note": "read write", "permission": "append"}, {"note": ""}, {"groups": ["", "x"]},
]
AUDIENCES = [None, "web", ["web", "cli"], ["cli"], []]


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Keys:
    """Shared secrets, and an RSA and an EC key when there is an openssl command."""

    def __init__(self, work):
        self.work = work
        self.jwks = [{"kty": "oct", "kid": kid, "k": encoded(secret)} for kid, secret in SECRETS.items()]
        self.asymmetric = []
        try:
            self.make("RS256", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
            self.make("ES256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        except (OSError, subprocess.CalledProcessError):
            print("envoy: no openssl command, so tokens are signed with shared secrets only")

    def openssl(self, *arguments, data=None):
        return subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout

    def make(self, alg, arguments):
        pem = os.path.join(self.work, alg + ".pem")
        self.openssl("genpkey", *arguments, "-out", pem)
        if alg == "RS256":
            modulus = self.openssl("rsa", "-in", pem, "-noout", "-modulus").decode().strip().split("=")[1]
            key = {"kty": "RSA", "n": encoded(bytes.fromhex(modulus)), "e": "AQAB"}
        else:
            point = self.openssl("pkey", "-in", pem, "-pubout", "-outform", "DER")[-64:]
            key = {"kty": "EC", "crv": "P-256", "x": encoded(point[:32]), "y": encoded(point[32:])}
        self.jwks.append(dict(key, kid=alg, alg=alg))
        self.asymmetric.append(alg)

    def sign(self, alg, kid, data):
        if alg in DIGESTS:
            return hmac.new(SECRETS.get(kid, b"?"), data, DIGESTS[alg]).digest()
        signature = self.openssl("dgst", "-sha256", "-sign", os.path.join(self.work, alg + ".pem"), data=data)
        if alg == "RS256":
            return signature
        out, at = b"", 2
        for _ in range(2):
            size = signature[at + 1]
            out += signature[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + size
        return out

    def token(self, alg, kid, payload):
        header = {"alg": alg}
        if kid:
            header["kid"] = kid
        data = encoded(json.dumps(header).encode()) + "." + encoded(json.dumps(payload).encode())
        return data + "." + encoded(self.sign(alg, kid, data.encode()))


def draw_pool(rng, keys, size):
    out = ["", "x", "a.b.c", "e30.e30.AAA"]
    while len(out) < size:
        alg = rng.choice(sorted(DIGESTS) + keys.asymmetric * 2)
        kid = alg if alg in keys.asymmetric else rng.choice(["one", "one", "two", "three"])
        payload = {"iss": rng.choice(ISSUERS + ["https://c.example.com"] * (rng.random() < 0.3)), "sub": rng.choice(["ann", "bob", "a/b"])}
        payload.update(rng.choice(CLAIMS))
        audience = rng.choice(AUDIENCES)
        if audience is not None:
            payload["aud"] = audience
        if rng.random() < 0.3:
            payload["exp"] = rng.choice([FAR, FAR, PAST])
        if rng.random() < 0.06:
            payload.pop(rng.choice(["iss", "sub"]))
        if rng.random() < 0.04:
            payload[rng.choice(["iss", "sub", "exp", "aud"])] = rng.choice([{}, [1]])
        token = keys.token(alg, kid, payload)
        if rng.random() < 0.08:
            token = token[:-6] + ("A" if token[-6] != "A" else "B") + token[-5:]
        out.append(token)
    return out


def draw_rule(rng, keys):
    rule = {"issuer": rng.choice(ISSUERS), "jwks": json.dumps({"keys": keys.jwks})}
    if rng.random() < 0.3:
        rule["audiences"] = rng.choice([["web"], ["cli", "web"]])
    if rng.random() < 0.15:
        rule["fromHeaders"] = [{"name": "X-Token", "prefix": "Token "}, {"name": "x-raw"}][:rng.randint(1, 2)]
    if rng.random() < 0.2:
        rule["fromParams"] = ["token", "second"]
    if rng.random() < 0.15:
        rule["fromCookies"] = ["tok"]
    if rng.random() < 0.3:
        rule["outputClaimToHeaders"] = [{"header": "X-Team", "claim": rng.choice(["org.unit", "note", "groups", "sub"])}]
    if rng.random() < 0.4:
        rule["spaceDelimitedClaims"] = ["teams"]
    if rng.random() < 0.3:
        rule["forwardOriginalToken"] = True
    return rule


def place(rng, token, request):
    """Puts a token where some rule may look."""
    kind = rng.choice(["bearer", "bearer", "bearer", "lower", "header", "raw", "param", "token", "second", "cookie"])
    mark = "&" if "?" in request["path"] else "?"
    if kind in ("bearer", "lower"):
        request["headers"].append(["Authorization", ("Bearer " if kind == "bearer" else "bearer ") + token])
    elif kind == "header":
        request["headers"].append(["x-token", rng.choice(["Token ", "x Token  "]) + token])
    elif kind == "raw":
        request["headers"].append(["x-raw", token])
    elif kind == "cookie":
        request["headers"].append(["cookie", "a=b; tok=" + token])
    else:
        request["path"] += mark + {"param": "access_token"}.get(kind, kind) + "=" + token


# ---- what Envoy reads ----

def readable(text):
    """Tokens as their payload, key sets as their name."""
    def payload(match):
        part = match.group(2)
        return "<%s %s>" % (base64.urlsafe_b64decode(match.group(1) + "===").decode(), base64.urlsafe_b64decode(part + "===").decode())
    text = re.sub(r'"jwks": "(\\.|[^"\\])*"', '"jwks": "..."', text)
    return re.sub(r"(eyJ[\w-]+)\.([\w-]+)\.[\w-]+", payload, text)


def any_of(requirements):
    return requirements[0] if len(requirements) == 1 else {"requires_any": {"requirements": requirements}}


def provider(rule):
    out = {"issuer": rule["issuer"], "audiences": rule.get("audiences", []), "local_jwks": {"inline_string": rule["jwks"]},
           "forward": rule.get("forwardOriginalToken", False), "payload_in_metadata": "payload",
           "normalize_payload_in_metadata": {"space_delimited_claims": sorted({"scope", "permission", *rule.get("spaceDelimitedClaims", [])})},
           "from_headers": [{"name": h["name"], "value_prefix": h.get("prefix", "")} for h in rule.get("fromHeaders", [])],
           "from_params": rule.get("fromParams", []), "from_cookies": rule.get("fromCookies", []),
           "claim_to_headers": [{"header_name": h["header"], "claim_name": h["claim"]} for h in rule.get("outputClaimToHeaders", [])]}
    return {key: value for key, value in out.items() if value not in ([], False)}


def jwt_filter(rules):
    rules = sorted(rules, key=lambda r: r["issuer"])
    names = ["origins-%d" % i for i in range(len(rules))]
    optional = [{"requires_any": {"requirements": [{"provider_name": n}, {"allow_missing": {}}]}} for n in names]
    requires = optional[0] if len(rules) == 1 else any_of(
        [{"provider_name": n} for n in names] + [{"requires_all": {"requirements": optional}}])
    return {"name": FILTER, "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {n: provider(r) for n, r in zip(names, rules)}, "bypass_cors_preflight": True,
        "rules": [{"match": {"prefix": "/"}, "requires": requires}]}}


def text_match(value):
    if value == "*":
        return {"safe_regex": {"regex": ".+"}}
    if value.startswith("*"):
        return {"suffix": value[1:]}
    if value.endswith("*"):
        return {"prefix": value[:-1]}
    return {"exact": value}


def metadata(path, value):
    return {"metadata": {"filter": FILTER, "path": [{"key": key} for key in ["payload"] + path], "value": value}}


def claim(path, value):
    match = {"string_match": text_match(value)}
    return metadata(path, {"or_match": {"value_matchers": [match, {"list_match": {"one_of": match}}]}})


def principal(value):
    if "/" in value:
        issuer, subject = value.rsplit("/", 1)
    elif value == "*":
        issuer = subject = "*"
    elif value.startswith("*"):
        issuer, subject = "*", value
    elif value.endswith("*"):
        issuer, subject = value, "*"
    else:
        issuer, subject = value, ""
    return {"and_ids": {"ids": [metadata(["iss"], {"string_match": text_match(issuer)}),
                                metadata(["sub"], {"string_match": text_match(subject)})]}}
