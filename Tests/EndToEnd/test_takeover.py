"""Who serves a domain when several agents want it, and coming back after the link was lost."""

import json
import os
import signal
import socket
import threading

import pytest

from harness.apps import RawApp, answer_bytes
from harness.process import wait_until
from harness.tunnel import Relay, agent
from harness.wire import ask


def named(keep, name):
    body = name.encode()
    return keep(RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(body=body))))


def test_a_newer_agent_of_the_same_install_takes_the_domain(serve, keep, relay, domain):
    older = serve(named(keep, "older").port)
    assert ask(relay.port, domain).body == b"older"
    serve(named(keep, "newer").port)
    assert ask(relay.port, domain).body == b"newer"
    older.wait_event("replaced")
    assert older.wait() == 0
    assert ask(relay.port, domain).body == b"newer"


def test_an_agent_of_another_install_takes_it_and_the_older_waits(serve, keep, new_home, relay,
                                                                  token, domain):
    older = serve(named(keep, "older").port)
    newer = keep(agent(new_home(), relay, token, "--domain", domain, "--port",
                       named(keep, "newer").port))
    older.wait_event("standby")
    assert ask(relay.port, domain).body == b"newer"
    before = older.count()
    newer.stop()
    wait_until("the standby to serve", lambda: ask(relay.port, domain).body == b"older")
    assert older.process.poll() is None and older.count() >= before


def test_standby_waits_though_it_is_new_and_serves_when_the_owner_leaves(serve, keep, new_home,
                                                                        relay, token, domain):
    owner = serve(named(keep, "owner").port)
    waiting = keep(agent(new_home(), relay, token, "--domain", domain, "--port",
                         named(keep, "waiting").port, "--if-taken", "standby", ready=False))
    waiting.wait_event("standby")
    assert ask(relay.port, domain).body == b"owner"
    owner.stop()
    waiting.wait_event("ready")
    assert ask(relay.port, domain).body == b"waiting"


def test_fail_ends_with_73_where_an_agent_answers(serve, keep, new_home, relay, token, domain):
    serve(named(keep, "owner").port)
    other = keep(agent(new_home(), relay, token, "--domain", domain, "--port", 9,
                       "--if-taken", "fail", ready=False))
    error = other.wait_event("error")
    assert error["code"] == "domain-taken" and "serves" in error["message"]
    assert other.wait() == 73
    assert ask(relay.port, domain).body == b"owner"


@pytest.mark.timeout(60)
def test_fail_serves_where_the_owner_gives_no_sign_of_life(serve, keep, new_home, relay, token,
                                                           domain):
    owner = serve(named(keep, "owner").port)
    os.kill(owner.process.pid, signal.SIGSTOP)
    try:
        other = keep(agent(new_home(), relay, token, "--domain", domain, "--port",
                           named(keep, "other").port, "--if-taken", "fail"))
        other.wait_event("ready")
        assert ask(relay.port, domain).body == b"other"
    finally:
        os.kill(owner.process.pid, signal.SIGCONT)
    owner.wait_event("standby")


def test_a_ci_token_serves_its_own_names_for_one_run(keep, home, new_home, relay, token, domain):
    made = relay.command("token", "add", "ann", "--ci", "ci-*", "--json")
    ci = json.loads(made)["token"]
    app = named(keep, "ci")
    for name in (domain, f"other.{relay.domain}"):
        refused = keep(agent(new_home(), relay, ci, "--domain", name, "--port", app.port,
                             ready=False))
        assert refused.wait_event("error")["code"] == "domain-out-of-scope"
        assert refused.wait() == 73
    name = f"ci-7.{relay.domain}"
    run = keep(agent(new_home(), relay, ci, "--domain", name, "--port", app.port))
    run.wait_event("ready")
    assert ask(relay.port, name).body == b"ci"
    run.stop()
    wait_until("the name to be free", lambda: ask(relay.port, name).status == 404)


@pytest.mark.timeout(60)
def test_an_agent_comes_back_after_the_relay_was_restarted(keep, home, app):
    relay = keep(Relay(home))
    made = relay.account("ann")
    relay.start()
    child = keep(agent(home, relay, made["authtoken"], app.port))
    domain = child.wait_event("ready")["domain"]
    seen = child.count()
    relay.restart()
    child.wait_event("reconnecting", after=seen)
    child.wait_event("online", after=seen)
    assert ask(relay.port, domain).status == 200


@pytest.mark.timeout(60)
def test_an_agent_starts_without_a_relay_and_says_so(keep, home, app):
    relay = keep(Relay(home))
    made = relay.account("ann")
    relay.start()
    relay.stop()
    child = keep(agent(home, relay, made["authtoken"], app.port, ready=False))
    assert child.wait_event("reconnecting")["reason"]
    relay.start()
    child.wait_event("ready")


class Wire:
    """A TCP pipe in front of the relay that a test can cut."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self.pairs.append((near, far))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        for pair in self.pairs:
            for sock in pair:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs.clear()

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut()


@pytest.mark.timeout(60)
def test_a_reconnect_of_the_same_agent_replaces_nobody(keep, home, relay, token, domain, app):
    wire = keep(Wire(relay.port))
    child = keep(agent(home, wire, token, "--domain", domain, "--port", app.port))
    for _ in range(2):
        seen = child.count()
        wire.cut()
        child.wait_event("online", after=seen)
        assert ask(relay.port, domain).status == 200
    assert '"replaced"' not in child.text() and '"standby"' not in child.text()
