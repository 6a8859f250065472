"""How an agent and a relay end: the code, what is still finished, and that nothing is left."""

import os
import signal
import subprocess
import threading

import pytest

from harness.apps import RawApp, answer_bytes, free_port
from harness.process import alive, wait_until
from harness.tunnel import TUNNEL, Relay, agent
from harness.wire import Reader, ask, dial, read_answer


class Gate:
    """An app whose answers to /held wait until the test opens it."""

    def __init__(self):
        self.opened = threading.Event()

    def __call__(self, request, sock, reader):
        if request.target == b"/held":
            self.opened.wait(30)
        sock.sendall(answer_bytes(body=b"whole"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_0(serve, app, number):
    agent = serve(app.port)
    agent.signal(number)
    assert agent.wait(5) == 0


def test_what_is_over_in_time_is_whole_after_ctrl_c(serve, keep, relay, domain):
    gate = Gate()
    app = keep(RawApp(gate))
    agent = serve(app.port)
    with dial(relay.port) as sock:
        sock.sendall(f"GET /held HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
        wait_until("the request at the app", lambda: app.requests)
        agent.signal(signal.SIGINT)
        wait_until("the domain to be offline", lambda: offline(relay, domain))
        gate.opened.set()
        assert read_answer(Reader(sock), b"GET").body == b"whole"
    assert agent.wait(5) == 0


def test_a_second_ctrl_c_ends_it_at_once_with_130(serve, keep, relay, domain):
    gate = Gate()
    app = keep(RawApp(gate))
    agent = serve(app.port)
    with dial(relay.port) as sock:
        sock.sendall(f"GET /held HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
        wait_until("the request at the app", lambda: app.requests)
        agent.signal(signal.SIGINT)
        wait_until("the domain to be offline", lambda: offline(relay, domain))
        agent.signal(signal.SIGINT)
        assert agent.wait(2) == 130
        gate.opened.set()


def test_it_ends_when_the_reader_of_its_stdout_is_gone(serve, app, relay, domain):
    mine, its = os.pipe()
    agent = serve(app.port, ready=False, stdout=its)
    os.close(its)
    with os.fdopen(mine, "rb") as reader:
        while b'"ready"' not in reader.readline():
            pass
    assert agent.process.wait(3) == 0
    wait_until("the domain to be offline", lambda: offline(relay, domain), deadline=5)


def offline(relay, domain):
    return ask(relay.port, domain).get("Tunnel-Error") == "agent-offline"


def refuses(port):
    try:
        dial(port).close()
    except ConnectionRefusedError:
        return True
    return False


def shell(home, relay, token, domain, port, script):
    """A shell that starts an agent as `$TUNNEL_COMMAND`; answers the shell's process."""
    command = f"{TUNNEL} --domain {domain} --port {port} --relay {relay.url}"
    env = home.env(TUNNEL_AUTHTOKEN=token, TUNNEL_COMMAND=command)
    return subprocess.Popen(["bash", "-c", script], env=env, cwd=home.work,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)


def pid_of(path):
    return int(wait_until("the agent's pid", lambda: path.exists() and path.read_text().strip()))


def end(pid):
    """Ends one process that this test's shell started and left."""
    if alive(pid):
        os.kill(pid, signal.SIGKILL)


def test_it_ends_when_its_parent_is_gone(home, relay, token, domain, app):
    file = home.work / "pid"
    parent = shell(home, relay, token, domain, app.port,
                   f"$TUNNEL_COMMAND & echo $! > {file}; wait")
    pid = pid_of(file)
    try:
        wait_until("the tunnel", lambda: ask(relay.port, domain).status == 200)
        parent.kill()
        parent.wait()
        wait_until("the agent's end", lambda: not alive(pid), deadline=5)
    finally:
        parent.stdout.close()
        end(pid)


def test_in_the_background_of_a_script_it_lives_on(home, relay, token, domain, app):
    file = home.work / "pid"
    parent = shell(home, relay, token, domain, app.port,
                   f"$TUNNEL_COMMAND >/dev/null 2>&1 & echo $! > {file}")
    pid = pid_of(file)
    try:
        assert parent.wait() == 0
        wait_until("the tunnel", lambda: ask(relay.port, domain).status == 200)
        assert alive(pid)
    finally:
        parent.stdout.close()
        end(pid)


def test_the_relay_drains_on_sigterm(keep, home):
    relay = keep(Relay(home))
    made = relay.account("ann")
    relay.start()
    gate = Gate()
    app = keep(RawApp(gate))
    child = keep(agent(home, relay, made["authtoken"], app.port))
    domain = child.wait_event("ready")["domain"]
    with dial(relay.port) as sock:
        sock.sendall(f"GET /held HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
        wait_until("the request at the app", lambda: app.requests)
        seen = child.count()
        relay.child.signal(signal.SIGTERM)
        wait_until("the relay to take nothing new", lambda: refuses(relay.port))
        gate.opened.set()
        assert read_answer(Reader(sock), b"GET").body == b"whole"
    assert relay.child.wait(10) == 0
    child.wait_event("reconnecting", after=seen)


def test_json_events_name_what_happened(serve, app, relay, domain):
    agent = serve(app.port)
    ready = agent.wait_event("ready")
    assert ready["domain"] == domain and domain in ready["url"]
    assert ready["upstream"] == f"http://localhost:{app.port}"
    ask(relay.port, domain, "/a%2Fb?hidden=1", "DELETE")
    request = agent.wait_event("request", method="DELETE")
    assert request["path"] == "/a%2Fb" and request["status"] == 200
    assert {"id", "time", "ms"} <= request.keys()


def test_control_characters_from_the_network_are_escaped(serve, keep, relay, domain):
    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 \x9b31mRed\xff\r\nContent-Length: 0\r\n\r\n")

    agent = serve(keep(RawApp(handler)).port, json_lines=False)
    ask(relay.port, domain, "/reason")
    line = agent.wait_line(r"GET  /reason 200 ").string
    assert all(" " <= character and not "\x7f" <= character <= "\x9f" for character in line)
    assert "Red" in line


def test_it_warns_at_start_if_nothing_listens(serve):
    port = free_port()
    agent = serve(port, json_lines=False)
    agent.wait_for("a warning that names the port", lambda lines: next(
        (line for line in lines["out"] + lines["err"]
         if str(port) in line and "Forwarding" not in line), None))
