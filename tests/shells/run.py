"""Completions as a user meets them: the real shell on a terminal of its own, words typed, Tab pressed.

Usage: run.py SHELL WAYPATH    SHELL is bash, zsh or fish.
Exit code 77: the shell cannot be had here, skipped.
"""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

# What is typed before Tab, and what must be on the line or in the list after it. None: nothing is added.
TYPED = [
    ("waypath tra", "waypath trace "),
    ("waypath replay --max-f", "--max-flows"),
    ("waypath trace -o mermaid-s", "mermaid-sequence"),
    ("waypath explain NETPOL_INGRESS_HBONE", "NETPOL_INGRESS_HBONE_PORT"),
    ("waypath completion f", "waypath completion fish"),
    ("waypath lint -f scen", "waypath lint -f scenario.yaml"),
    ("waypath test scen", "waypath test scenario.yaml"),
    ("kubectl-waypath sna", "kubectl-waypath snapshot"),
]
PROMPT = "typed> "


class Terminal:
    """A shell that is typed to. Escape sequences are taken out of what it prints."""

    def __init__(self, command, env, folder):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, env)

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, found, seconds=120):
        """Reads until `found` says yes; what was printed since the last forget()."""
        end = time.monotonic() + seconds
        while not found(self.text) and time.monotonic() < end:
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                got = os.read(self.fd, 65536)
            except OSError:
                break
            self.text += got.decode(errors="replace")
        return plain(self.text)

    def forget(self):
        self.text = ""

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def plain(text):
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|[\x07\r]", "", text)
    while re.search(r"[^\x08]\x08", text):
        text = re.sub(r"[^\x08]\x08", "", text)
    return text


def on_a_terminal(command, env, folder, setup):
    terminal = Terminal(command, env, folder)
    for line in setup:
        terminal.type(line + "\n")
    terminal.type("PS1='typed''> '\n")
    failed = []
    for typed, wanted in TYPED:
        if PROMPT not in terminal.until(lambda t: PROMPT in plain(t)):
            sys.exit("%s shows no prompt:\n%s" % (command[0], plain(terminal.text)))
        terminal.forget()
        terminal.type(typed + "\t")
        got = terminal.until(lambda t: wanted in plain(t))
        if wanted not in got:
            failed.append("%r and Tab: no %r in\n%s" % (typed, wanted, got))
        terminal.forget()
        terminal.type("\x15\n")  # Ctrl-U: the line is given up
    terminal.close()
    return failed


def bash(waypath, folder, env):
    return on_a_terminal(["bash", "--norc", "--noprofile", "-i"], env, folder, ["source <('%s' completion bash)" % waypath])


def zsh(waypath, folder, env):
    # As the package installs it, found in fpath; and read by the line that the README tells.
    functions = os.path.join(folder, ".functions")
    os.mkdir(functions)
    with open(os.path.join(functions, "_waypath"), "w", encoding="utf-8") as out:
        subprocess.run([waypath, "completion", "zsh"], stdout=out, check=True)
    installed = ["fpath=('%s' $fpath)" % functions, "autoload -Uz compinit", "compinit -D -u", "setopt NO_BEEP"]
    sourced = ["autoload -Uz compinit", "compinit -D -u", "setopt NO_BEEP", "source <('%s' completion zsh)" % waypath]
    return [how + ": " + f for how, setup in (("in fpath", installed), ("by source", sourced))
            for f in on_a_terminal(["zsh", "-f", "-i"], env, folder, setup)]


def fish(waypath, folder, env):
    failed = []
    script = os.path.join(folder, ".waypath.fish")
    with open(script, "w", encoding="utf-8") as out:
        subprocess.run([waypath, "completion", "fish"], stdout=out, check=True)
    for typed, wanted in TYPED:
        got = subprocess.run(["fish", "--no-config", "-c", "source '%s'; complete -C '%s'" % (script, typed)], cwd=folder, env=env,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        # fish lists the word alone: "trace<Tab>what it does".
        words = [line.split("\t")[0] for line in got.stdout.splitlines()]
        word = wanted.split()[-1]
        if got.returncode != 0 or word not in words:
            failed.append("%r: no %r in\n%s" % (typed, word, got.stdout))
    return failed


def main():
    shell, waypath = sys.argv[1], os.path.abspath(sys.argv[2])
    if shutil.which(shell) is None:
        print("shells: skipped, the Debian package %s is not installed" % shell)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "scenario.yaml"), "w", encoding="utf-8") as out:
            out.write("kind: Scenario\n")
        env = {"PATH": os.path.dirname(waypath) + ":" + os.environ["PATH"], "HOME": folder, "TERM": "xterm", "LANG": "C.UTF-8",
               "COLUMNS": "200", "LINES": "50"}
        failed = {"bash": bash, "zsh": zsh, "fish": fish}[shell](waypath, folder, env)
    for f in failed:
        print("FAILED " + f)
    print("%s: %d words typed, %d failed" % (shell, len(TYPED), len(failed)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
