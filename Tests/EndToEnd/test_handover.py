"""SIGUSR2: the relay hands over to a new process, and nobody notices but by its log."""

import os
import shutil
import signal
import socket
import sys

import pytest
from websockets.sync.client import connect

from harness.handover import HandingOver, Trickle
from harness.process import alive, run
from harness.tls import Certificates
from harness.tunnel import RELAY, agent
from harness.wire import Reader, ask, dial, read_answer, request_bytes


@pytest.fixture
def program(folder, numbers):
    """A copy of the relay that a test may replace."""
    path = f"{folder}/{next(numbers)}-relay"
    shutil.copy2(RELAY, path)
    return path


@pytest.fixture
def handing(keep, home, program):
    return keep(HandingOver(home, program))


@pytest.fixture
def tunnel(handing, keep, new_home, app):
    """Starts the relay and an agent: the agent's child and its domain."""

    def start(**env):
        made = handing.account("ann")
        handing.start(**env)
        child = keep(agent(new_home(), handing, made["authtoken"], app.port))
        return child, child.wait_event("ready")["domain"]

    return start


def second(relay):
    """A plain second `serve` on the same folder: its exit code."""
    return run([RELAY, "serve", "--domain", relay.domain, "--data", relay.data, "--listen",
                "127.0.0.1:0"], relay.home.env()).returncode


def replace(program, text=None):
    """Puts another file where the program is, as an installer does."""
    if text is None:
        shutil.copy2(RELAY, program + ".new")
    else:
        with open(program + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(program + ".new", 0o755)
    os.rename(program + ".new", program)


def test_no_request_fails_while_relays_hand_over(handing, tunnel, keep):
    child, domain = tunnel()
    trickle = keep(Trickle(handing.port, domain))
    trickle.wait_answered()
    assert second(handing) == 73
    for _ in range(2):
        seen = child.count()
        old, new = handing.hand_over()
        assert old != new and second(handing) == 73
        child.wait_event("online", after=seen)
        trickle.wait_answered()
        handing.wait_gone(old)
        assert second(handing) == 73
    trickle.stop()
    assert trickle.faults == [] and trickle.closes >= 2




def test_what_runs_goes_on_in_the_old_process(handing, keep, home, new_home, example):
    made = handing.account("ann")
    handing.start()
    child = keep(agent(new_home(), handing, made["authtoken"], example().port))
    domain = child.wait_event("ready")["domain"]
    with connect(f"ws://{domain}/ws", sock=dial(handing.port), proxy=None) as ws:
        old, _ = handing.hand_over()
        child.wait_event("online")
        ws.send("on the old link")
        assert ws.recv(timeout=20) == "on the old link"
        assert ask(handing.port, domain).status == 200
        assert alive(old)
    handing.wait_gone(old)


def test_the_file_that_now_stands_at_its_path_is_what_runs(handing, tunnel, program):
    _, domain = tunnel()
    first = os.stat(f"/proc/{handing.pid}/exe").st_ino
    replace(program)
    old, new = handing.hand_over()
    assert os.stat(f"/proc/{new}/exe").st_ino == os.stat(program).st_ino != first
    assert ask(handing.port, domain).status == 200
    handing.wait_gone(old)
    # And again: it knows its own path, too.
    replace(program)
    assert os.stat(f"/proc/{handing.hand_over()[1]}/exe").st_ino == os.stat(program).st_ino


def test_a_renewed_certificate_is_shown_from_then_on(handing, home):
    files = Certificates(home.folder / "tls", "localhost")
    handing.start(*files.flags)
    health = request_bytes("localhost", "/healthz")
    with files.dial(handing.port, "localhost") as kept:
        kept.sendall(health)
        assert read_answer(reader := Reader(kept), b"GET").status == 200
        renewed = Certificates(home.folder / "renewed", "localhost")
        shutil.copy(renewed.chain, files.chain)
        shutil.copy(renewed.key, files.key)
        old, new = handing.hand_over()
        kept.sendall(health)
        answer = read_answer(reader, b"GET")
        assert (answer.status, answer.get("Connection")) == (200, "close")
        assert reader.at_end()
    handing.wait_gone(old)
    with renewed.dial(handing.port, "localhost") as sock:
        sock.sendall(health)
        assert read_answer(reader := Reader(sock), b"GET").status == 200
        os.kill(new, signal.SIGTERM)
        assert reader.at_end()
    handing.wait_gone(new)


@pytest.mark.parametrize("text, why", [
    ("#!/bin/sh\nexit 78\n", "exit code 78"), ("no program at all", "Exec format error")])
def test_a_broken_successor_leaves_the_old_one_serving(handing, tunnel, program, text, why):
    _, domain = tunnel()
    replace(program, text)
    old = handing.pid
    os.kill(old, signal.SIGUSR2)
    handing.child.wait_line(f"goes on.*{why}|{why}.*goes on", stream="err")
    assert ask(handing.port, domain).status == 200 and second(handing) == 73
    assert handing.pid == old
    replace(program)
    assert handing.hand_over()[1] != old
    assert ask(handing.port, domain).status == 200


def test_nothing_but_its_inheritance_reaches_the_successor(handing, tunnel):
    _, domain = tunnel()
    with dial(handing.port) as sock:
        sock.sendall(request_bytes(domain))
        assert read_answer(reader := Reader(sock), b"GET").status == 200
        old, new = handing.hand_over()
        # The old connection is the old process's alone: its end would not be seen otherwise.
        peer = f"{sock.getsockname()[1]:04X}"
        assert holders(peer) == {old}
        sock.sendall(request_bytes(domain))
        answer = read_answer(reader, b"GET")
        assert (answer.status, answer.get("Connection")) == (200, "close")
        assert reader.at_end()
    handing.wait_gone(old)
    assert alive(new)


def holders(port):
    """The processes that hold the relay's end of a connection to that peer's port."""
    inodes = set()
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in file.read().splitlines()[1:]:
            fields = line.split()
            if fields[2].endswith(f":{port}"):
                inodes.add(f"socket:[{fields[9]}]")
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            links = {os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
        except OSError:
            continue
        if links & inodes:
            found.add(int(pid))
    return found


def test_a_second_ask_is_ignored_and_said(handing, tunnel, program):
    tunnel()
    held = f"{program}.fifo"
    os.mkfifo(held)
    # A successor that is never ready, until its reader comes.
    replace(program, f"#!/bin/sh\nread line < {held}\nexit 5\n")
    os.kill(handing.pid, signal.SIGUSR2)
    handing.child.wait_line("successor started", stream="err")
    os.kill(handing.pid, signal.SIGUSR2)
    handing.child.wait_line("a hand-over is under way already", stream="err")
    with open(held, "w", encoding="ascii") as file:
        file.write("go\n")
    handing.child.wait_line("exit code 5", stream="err")


def test_sigterm_ends_a_successor_that_is_not_ready(handing, tunnel, program):
    tunnel()
    replace(program, "#!/bin/sh\nexec sleep 600\n")
    os.kill(handing.pid, signal.SIGUSR2)
    line = handing.child.wait_line(r"process=(\d+)", stream="err")
    os.kill(handing.pid, signal.SIGTERM)
    assert handing.child.wait() == 0
    assert not alive(int(line[1]))


ACTIVATE = """
import os, socket, sys
sock = socket.create_server(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
if sock.fileno() != 3:
    os.dup2(sock.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="relay.socket")
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_sockets_of_a_supervisor_are_used(handing, keep, new_home, app):
    made = handing.account("ann")
    # The port of --listen is refused to everybody else; here it is not even asked for.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        handing.port = taken.getsockname()[1]
        ready = handing.start(command=[sys.executable, "-c", ACTIVATE])
        port = int(handing.child.lines["out"][0])
        assert ready["listen"] == f"127.0.0.1:{port}" and handing.port == port
        child = keep(agent(new_home(), handing, made["authtoken"], app.port))
        domain = child.wait_event("ready")["domain"]
        assert ask(port, domain).status == 200
        old, _ = handing.hand_over()
        assert ask(port, domain).status == 200
        handing.wait_gone(old)


def test_a_passed_descriptor_that_does_not_listen_is_refused(home):
    script = ACTIVATE.replace('sock = socket.create_server(("127.0.0.1", 0))',
                              'sock = socket.socket(); sock.bind(("127.0.0.1", 0))')
    done = run([sys.executable, "-c", script, RELAY, "serve", "--data", home.folder / "relay"],
               home.env())
    assert done.returncode == 78 and "error[address-unusable]" in done.stderr
