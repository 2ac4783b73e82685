"""What waypath draws and reports, in the real Chromium: diagrams through the real Mermaid, the HTML report opened and used.

Usage: run.py SUITE WORK_DIR ARGUMENTS...    SUITE.mjs is run with WORK_DIR and the arguments.
Exit code 77: a package cannot be had here, skipped.
"""

import os
import shutil
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
# npm packages, each alone and without what it depends on: Mermaid's bundle and playwright-core need nothing else.
PACKAGES = {"mermaid": "12.3.0", "playwright-core": "1.60.0"}


def skip(package, why):
    print("browser: skipped, %s cannot be installed: %s" % (package, why.strip()[-300:]))
    sys.exit(77)


def fetch(work, name, version):
    folder = os.path.join(work, "node_modules", name)
    if os.path.exists(os.path.join(folder, "package.json")):
        return
    archive = os.path.join(work, "%s-%s.tgz" % (name, version))
    if not os.path.exists(archive):
        got = subprocess.run(["npm", "pack", "--silent", "%s@%s" % (name, version)], cwd=work, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        if got.returncode != 0 or not os.path.exists(archive):
            skip("the npm package %s %s" % (name, version), got.stdout)
    fresh = folder + ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            member.name = member.name.partition("/")[2]  # below package/
            if member.name and (member.isfile() or member.isdir()):
                tar.extract(member, fresh)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(fresh, folder)


def main():
    suite, work, arguments = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3:]
    for command, package in (("chromium", "chromium"), ("node", "npm"), ("npm", "npm")):
        if shutil.which(command) is None:
            skip("the Debian package " + package, "no command " + command)
    os.makedirs(os.path.join(work, "node_modules"), exist_ok=True)
    for name, version in PACKAGES.items():
        fetch(work, name, version)
    out = os.path.join(work, suite)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    # Modules are found from where the importing file lies: the scripts run from the folder of the packages.
    for name in os.listdir(HERE):
        if name.endswith(".mjs"):
            shutil.copy(os.path.join(HERE, name), work)
    sys.exit(subprocess.run(["node", os.path.join(work, suite + ".mjs"), out] + arguments, check=False).returncode)


if __name__ == "__main__":
    main()
