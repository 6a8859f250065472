"""The two binaries, each in folders of its own."""

import json
import os
import pathlib
import subprocess

from .process import Child, run

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARIES = pathlib.Path(os.environ.get("TUNNEL_BIN", ROOT / ".build" / "debug"))
RELAY = BINARIES / "relay"
TUNNEL = BINARIES / "tunnel"


class Home:
    """A user of their own: HOME and the XDG folders, and no TUNNEL_* or proxy from outside."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.work = self.folder / "work"
        self.config = self.folder / "config"
        self.state = self.folder / "state"
        self.data = self.folder / "data"
        self.runtime = self.folder / "run"
        for path in (self.work, self.config, self.state, self.data, self.runtime):
            path.mkdir(parents=True, exist_ok=True)
        self.runtime.chmod(0o700)

    def env(self, **more):
        env = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_STATE_HOME": str(self.state),
            "XDG_DATA_HOME": str(self.data),
            "XDG_RUNTIME_DIR": str(self.runtime),
        }
        env.update({key: str(value) for key, value in more.items()})
        return env

    def tunnel(self, *arguments, stdin="", cwd=None, **env):
        """A `tunnel` command that ends by itself."""
        return run([TUNNEL, *arguments], self.env(**env), cwd or self.work, stdin)


class Relay:
    """`relay serve` and the operator's commands on its data folder."""

    def __init__(self, home, domain="localhost", data=None, port=0, host="127.0.0.1", before=()):
        self.home = home
        self.host = host
        self.before = before
        self.domain = domain
        self.data = pathlib.Path(data or home.folder / "relay")
        self.port = port
        self.child = None
        self.logs = []

    def start(self, *more):
        domain = ["--domain", self.domain, "--data", self.data] if self.domain else []
        self.child = Child(
            "relay", [*self.before, RELAY, "serve", *domain, "--listen", f"{self.host}:{self.port}", "--json",
                      *more], self.home.env(), self.home.work)
        ready = self.child.wait_event("ready")
        self.port = int(ready["listen"].rsplit(":", 1)[1])
        return ready

    def stop(self):
        if self.child:
            self.child.stop()
            self.logs.append(self.child.text())
            self.child = None

    def restart(self):
        """Ends and starts again on the same port."""
        self.stop()
        return self.start()

    def command(self, *arguments):
        """An operator's command that must succeed; its output."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"relay {arguments}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def attempt(self, *arguments):
        return run([RELAY, *arguments, "--data", self.data], self.home.env(), self.home.work)

    def account(self, name):
        return json.loads(self.command("account", "add", name, "--json"))

    def reserve(self, domain, account):
        self.command("domain", "add", domain, "--account", account)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


def agent(home, relay, token, *arguments, json_lines=True, ready=True, cwd=None,
          stdout=subprocess.PIPE, before=(), **env):
    """A running agent; with `ready`, one whose route the relay has confirmed. `before` are words in
    front of its own, of a program that becomes it."""
    flags = ["--json"] if json_lines else []
    if "--web-addr" not in arguments:
        flags += ["--web-addr", "127.0.0.1:0"]  # who has port 4040 here is not the tests' matter
    if token:
        env["TUNNEL_AUTHTOKEN"] = token
    child = Child(
        "tunnel", [*before, TUNNEL, *arguments, "--relay", relay.url, *flags],
        home.env(**env), cwd or home.work, stdout=stdout)
    if ready and json_lines:
        child.wait_event("ready")
    elif ready:
        child.wait_line(r"^Forwarding ")
    return child
