"""Relay and agent, as a user has them: the log written, the terminal's lines too."""

import json
import os
import subprocess
from pathlib import Path

from .processes import Children, Fault, free_ports, listens, wait_until
from .subjects import SECURE_CASES, Subject, certificate


def environment(home: Path) -> dict[str, str]:
    """Nothing of this machine's own settings; home and data in a folder of the run."""
    home.mkdir(exist_ok=True)
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("TUNNEL_") and not name.lower().endswith("_proxy")}
    folders = ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"]
    return env | {name: str(home) for name in folders}


class Relay:
    """A relay of `localhost` with its data in `home`. With `tls` its one port answers both, so
    that the load speaks plain HTTP and the agent TLS."""

    def __init__(
        self, children: Children, binaries: Path, home: Path, tls: bool, patience: float = 20
    ):
        self.children, self.home, self.tls, self.patience = children, home, tls, patience
        self.env = environment(home)
        self.binary = str(binaries / "relay")
        self.data = str(home / "relay")
        (self.port,) = free_ports(1)

    def ask(self, *words: str) -> str:
        return subprocess.run([self.binary, *words, "--data", self.data], env=self.env,
                              check=True, capture_output=True, text=True).stdout

    def account(self, name: str) -> str:
        """Its authtoken."""
        return json.loads(self.ask("account", "add", name, "--json"))["authtoken"]

    def start(self) -> int:
        command = [self.binary, "serve", "--domain", "localhost", "--listen",
                   f"127.0.0.1:{self.port}", "--data", self.data]
        if self.tls:
            certificate(self.home)
            command += ["--tls-cert", f"{self.home}/cert.pem", "--tls-key",
                        f"{self.home}/key.pem", "--plain-http"]
        self.name = f"relay-{self.home.name}"
        pid = self.children.start(self.name, command, self.env).pid
        wait_until(lambda: listens(self.port), "the relay", self.patience)
        return pid

    @property
    def way(self) -> list[str]:
        """The agent's flags that lead to it."""
        if self.tls:
            return ["--relay", f"https://localhost:{self.port}", "--ca", f"{self.home}/cert.pem"]
        return ["--relay", f"http://127.0.0.1:{self.port}"]


def tunnel(
    children: Children, app_port: int, binaries: Path, tls: bool, name: str = "",
    patience: float = 20, speaks: str = "http"
) -> Subject:
    """`tls` is the agent's way, `speaks` the visitors'."""
    name = name or ("tunnel tls" if tls else "tunnel")
    home = children.folder / name.replace(" ", "-")
    relay = Relay(children, binaries, home, tls, patience)
    token = relay.account("bench")
    relay.ask("domain", "add", "mine.example", "--account", "bench")
    subject = Subject(name, relay.port)
    if speaks != "http":
        subject = Subject(name, relay.port, speaks, f"nginx {speaks}", SECURE_CASES)
    subject.sides["relay"] = relay.start()
    log = f"agent-{relay.home.name}"
    agent = children.start(
        log, [str(binaries / "tunnel"), "--domain", "mine.example", "--port", str(app_port),
              *relay.way], relay.env | {"TUNNEL_AUTHTOKEN": token})
    subject.sides["agent"] = agent.pid
    try:
        wait_until(lambda: "Forwarding" in children.log(log), "the agent", patience)
    except Fault as fault:
        raise Fault(f"{fault}: {children.log(log)}{children.log(relay.name)}") from None
    return subject
