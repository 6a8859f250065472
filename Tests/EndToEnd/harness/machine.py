"""A fresh Debian in a folder, of the host's own release and mirror, that can be booted with its own
systemd. Needs root, debootstrap and systemd-nspawn; takes about 300 MB while it is there."""

import hashlib
import os
import pathlib
import shutil
import signal
import subprocess

from .process import Child, run, wait_until

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = ["env", "-i", f"PATH={PATH}", "LANG=C.UTF-8", "HOME=/root"]


def own_release():
    """Suite and mirror as the host's apt has them."""
    with open("/etc/os-release", encoding="utf-8") as file:
        facts = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    suite = facts["VERSION_CODENAME"].strip('"')
    targets = run(["apt-get", "indextargets", "--format", "$(CODENAME) $(SUITE) $(REPO_URI)",
                   "Created-By: Packages"]).stdout
    for line in targets.splitlines():
        codename, name, mirror = line.split(" ", 2)
        if codename == suite and name not in (f"{suite}-updates", f"{suite}-security"):
            return suite, mirror
    raise AssertionError(f"apt has no lists of {suite}: run apt-get update\n{targets}")


class Machine:
    def __init__(self, folder):
        self.root = pathlib.Path(folder) / "machine"
        self.running = None
        self.leader = None
        suite, mirror = own_release()
        packages = "systemd,systemd-sysv,libsqlite3-0"
        done = run(["debootstrap", "--variant=minbase", f"--include={packages}", suite, self.root,
                    mirror], deadline=900)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def nspawn(self, *arguments):
        return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
                "--directory", self.root, *arguments]

    def run(self, *command, stdin="", deadline=60):
        """A command of root's on the machine, as it is: booted or not."""
        if self.leader:
            enter = ["nsenter", "--target", self.leader, "--all"]
            return run([*enter, *ENVIRONMENT, *command], stdin=stdin, deadline=deadline)
        return run(self.nspawn("--pipe", *ENVIRONMENT, *command), stdin=stdin, deadline=deadline)

    def must(self, *command, **options):
        done = self.run(*command, **options)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def beside(self, *command):
        """A command line of the host's that sees the machine's network alone."""
        return ["nsenter", "--target", self.leader, "--net", *command]

    def boot(self):
        self.running = Child("machine", self.nspawn("--boot"))
        self.leader = wait_until("the machine's first process", self._first)
        wait_until("the boot", lambda: self.run("systemctl", "is-system-running").stdout.strip()
                   in ("running", "degraded"), deadline=60, every=0.2)

    def _first(self):
        """The machine's process 1, as the host numbers it."""
        listed = run(["ps", "--ppid", self.running.pid, "-o", "pid=,comm="]).stdout
        return next((line.split()[0] for line in listed.splitlines()
                     if line.split()[1] == "systemd"), None)

    def state(self, *paths):
        """Kind, owner, mode, time and content of everything below these paths."""
        found = {}
        for top in map(self.path, paths):
            below = [top, *sorted(top.rglob("*"))] if top.is_dir() else [top]
            for path in below:
                facts = path.lstat()
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
                found[str(path.relative_to(self.root))] = (
                    facts.st_uid, facts.st_gid, facts.st_mode, facts.st_mtime_ns, content)
        return found

    def stop(self):
        if self.running:
            self.leader = None
            self.running.signal(signal.SIGTERM)  # nspawn asks its systemd to power off.
            self.running.wait(60)
        left = [line.split()[1] for line in open("/proc/self/mounts", encoding="utf-8")]
        mounted = [path for path in left if path.startswith(str(self.root))]
        for path in reversed(mounted):
            subprocess.run(["umount", path], check=False)
        assert os.path.dirname(self.root) != "/"
        shutil.rmtree(self.root)
