"""deploy/relay.service: what systemd says of it, and that the relay can live with it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest
from websockets.sync.client import connect

from harness import confined
from harness.handover import HandingOver
from harness.process import Child, run
from harness.tunnel import RELAY, ROOT, Relay, agent
from harness.wire import ask, dial

UNIT = ROOT / "deploy" / "relay.service"
DIRECT = ROOT / "deploy" / "relay-direct.conf"
CONFINED = [sys.executable, ROOT / "Tests" / "EndToEnd" / "harness" / "confined.py", UNIT]


class Supervisor:
    """systemd's end of `Type=notify`: reads the relay's notices."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(20)

    def next(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def stop(self):
        self.socket.close()


class Serving(Relay):
    """A relay that is started by another command line, with a notify socket."""

    def __init__(self, home, command, notify):
        super().__init__(home)
        self.command_line = command
        self.notify = notify

    def start(self, *more):
        env = self.home.env(NOTIFY_SOCKET=self.notify)
        self.child = Child("relay", [*self.command_line, "serve", "--domain", self.domain, "--data",
                                     self.data, "--listen", "127.0.0.1:0", "--json", *more], env)
        ready = self.child.wait_event("ready")
        self.port = int(ready["listen"].rsplit(":", 1)[1])
        return ready


@pytest.fixture
def unit(folder, numbers):
    """The unit with the built relay in it: `verify` looks whether the command is there."""
    path = f"{folder}/{next(numbers)}-relay.service"
    text = UNIT.read_text(encoding="utf-8")
    assert text.count("ExecStart=/usr/local/bin/relay ") == 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("ExecStart=/usr/local/bin/relay ", f"ExecStart={RELAY} "))
    return path


def test_systemd_finds_no_fault_in_the_unit(unit):
    done = run(["systemd-analyze", "verify", "--man=no", unit])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_fault_in_a_unit_would_be_found(unit):
    with open(unit, "a", encoding="utf-8") as file:
        file.write("[Service]\nProtectEverything=yes\n")
    assert "ProtectEverything" in run(["systemd-analyze", "verify", "--man=no", unit]).stderr


def test_the_units_exposure_is_at_most_one_and_a_half(unit):
    done = run(["systemd-analyze", "--no-pager", "security", "--offline=true", "--threshold=15",
                unit])
    assert done.returncode == 0, done.stdout
    print(re.search(r"Overall exposure level.*", done.stdout)[0])


def test_the_example_for_low_ports_is_valid_too(unit, folder, numbers):
    with open(unit, "a", encoding="utf-8") as file:
        file.write("\n" + DIRECT.read_text(encoding="utf-8"))
    done = run(["systemd-analyze", "verify", "--man=no", unit])
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_says_what_the_relay_does():
    wanted = confined.settings(UNIT)
    assert wanted["Type"] == ["notify"]
    assert wanted["RestartPreventExitStatus"] == ["2 73 78"]
    assert wanted["ExecReload"] == ["/bin/kill -USR2 $MAINPID"]
    # The relay drains for 30 s (RelayServer/Relay.swift).
    assert int(wanted["TimeoutStopSec"][0]) > 30
    for flag in re.findall(r"--[a-z-]+", " ".join(wanted["ExecStart"])):
        assert flag in run([RELAY, "serve", "--help"]).stdout


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_supervisor_hears_of_ready_and_of_the_drain(keep, new_home, folder, numbers, kind):
    name = f"{folder}/{next(numbers)}-notify"
    name = name if kind == "path" else "@" + name
    supervisor = keep(Supervisor(name))
    relay = keep(Serving(new_home(), [RELAY], name))
    ready = relay.start()
    assert supervisor.next() == {
        "READY": "1", "STATUS": f"Serving localhost on {ready['listen']}"}
    assert ask(relay.port, "localhost", "/healthz").status == 200
    relay.child.signal(signal.SIGTERM)
    assert supervisor.next()["STOPPING"] == "1"
    assert relay.child.wait() == 0


def test_a_supervisor_that_is_gone_stops_nothing(keep, new_home, folder):
    for name in (f"{folder}/nobody", "no-socket"):
        relay = keep(Serving(new_home(), [RELAY], name))
        relay.start()
        relay.child.wait_line("warning", stream="err")
        assert ask(relay.port, "localhost", "/healthz").status == 200


def test_the_relay_does_all_its_work_within_the_units_system_calls(
        keep, new_home, folder, numbers, example):
    name = f"{folder}/{next(numbers)}-notify"
    supervisor = keep(Supervisor(name))
    relay = keep(Serving(new_home(), [*CONFINED, RELAY], name))
    made = relay.account("ann")
    relay.start()
    assert supervisor.next()["READY"] == "1"
    child = keep(agent(new_home(), relay, made["authtoken"], example().port))
    domain = child.wait_event("ready")["domain"]
    assert ask(relay.port, domain).status == 200
    assert ask(relay.port, domain, "/x", "POST", body=b"\xa5" * (8 << 20)).status == 404
    with connect(f"ws://{domain}/ws", sock=dial(relay.port), proxy=None) as ws:
        ws.send("hello")
        assert ws.recv(timeout=20) == "hello"
    bearer = [("Authorization", f"Bearer {made['authtoken']}")]
    wish = b'{"domain":"shop"}'
    json = [("Content-Type", "application/json")]
    made = ask(relay.port, "localhost", "/api/v1/domains", "POST", bearer + json, wish)
    assert made.status == 201
    relay.child.signal(signal.SIGTERM)
    assert supervisor.next()["STOPPING"] == "1"
    assert relay.child.wait() == 0


def test_a_hand_over_within_the_units_system_calls_is_told_to_the_supervisor(
        keep, new_home, folder, numbers, app):
    name = f"{folder}/{next(numbers)}-notify"
    supervisor = keep(Supervisor(name))
    relay = keep(HandingOver(new_home(), RELAY))
    made = relay.account("ann")
    relay.start(command=CONFINED, NOTIFY_SOCKET=name)
    assert supervisor.next() == {"READY": "1", "STATUS": f"Serving localhost on {relay.address}"}
    child = keep(agent(new_home(), relay, made["authtoken"], app.port))
    domain = child.wait_event("ready")["domain"]
    assert ask(relay.port, domain).status == 200
    began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    old, new = relay.hand_over()
    said = supervisor.next()
    assert said["RELOADING"] == "1"
    assert began <= int(said["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    # From the process that is watched until now, then from the one that is watched from now on.
    for _ in range(2):
        said = supervisor.next()
        assert (said["MAINPID"], said["READY"]) == (str(new), "1")
    assert ask(relay.port, domain).status == 200
    relay.wait_gone(old)
    # The next signal is for the new one; the old one has said no STOPPING.
    os.kill(new, signal.SIGTERM)
    assert supervisor.next()["STOPPING"] == "1"
    relay.wait_gone(new)


@pytest.mark.parametrize("script", [
    "import os; os.chroot('/')", "import mmap; mmap.mmap(-1, 4096, prot=7)"])
def test_the_confinement_of_these_tests_is_one(script):
    done = subprocess.run([*CONFINED, sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGSYS
