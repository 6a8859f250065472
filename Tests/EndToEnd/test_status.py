"""The agent's web address: status, take, its port file, who may ask, and the background."""

import http.client
import json
import os
import signal
import socket

import pytest

from harness.apps import free_port
from harness.process import alive, run, wait_until
from harness.tunnel import TUNNEL, Relay, agent
from harness.wire import ask


def port_file(home, pid):
    return home.runtime / "tunnel" / f"{pid}.json"


def written(home, pid):
    return json.loads(port_file(home, pid).read_text(encoding="ascii"))


def web(address, method, path, **headers):
    """The status and the body's object of one request to an agent's web address."""
    host, port = address.rsplit(":", 1)
    link = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        link.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            link.putheader(name.replace("_", "-"), value)
        link.endheaders()
        answer = link.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        link.close()


def status(home, *arguments):
    """The exit code and the objects of `tunnel status --json`."""
    done = home.tunnel("status", "--json", *arguments)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def until(home, state):
    """The first report of that state, of the one agent there is."""
    return wait_until(state, lambda: next(
        (report for report in status(home)[1] if report["state"] == state), None))


def test_status_of_an_agent_that_serves(serve, home, relay, domain, app):
    child = serve(app.port)
    code, reports = status(home)
    assert code == 0 and len(reports) == 1
    report = reports[0]
    assert report["state"] == "online" and report["pid"] == child.pid
    assert report["relay"] == relay.url
    assert report["reason"] is None and report["retry_ms"] is None
    [endpoint] = report["endpoints"]
    assert endpoint["domain"] == domain and domain in endpoint["url"]
    assert endpoint["state"] == "online" and endpoint["served_by"] is None
    assert endpoint["upstream"] == f"http://localhost:{app.port}" and endpoint["since"]
    assert web(report["web_addr"], "GET", "/api/status") == (200, report)

    file = port_file(home, child.pid)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert written(home, child.pid) == {
        "pid": child.pid, "web_addr": report["web_addr"], "domains": [domain]}

    text = home.tunnel("status")
    assert text.returncode == 0
    assert text.stdout.startswith("online  ") and endpoint["url"] in text.stdout
    child.signal(signal.SIGTERM)
    assert child.wait() == 0
    assert not file.exists()


def test_status_without_an_agent_says_what_to_do(home):
    done = home.tunnel("status")
    assert done.returncode == 69 and not done.stdout
    assert "error[no-agent]" in done.stderr and "  fix: " in done.stderr
    assert home.tunnel("take").returncode == 69
    assert home.tunnel("status", "--web-addr", f"127.0.0.1:{free_port()}").returncode == 69


@pytest.mark.timeout(60)
def test_status_of_an_agent_whose_relay_is_gone(keep, home, app):
    relay = keep(Relay(home))
    made = relay.account("ann")
    relay.start()
    child = keep(agent(home, relay, made["authtoken"], app.port))
    assert status(home)[0] == 0
    relay.stop()
    child.wait_event("reconnecting")
    code, [report] = status(home)
    assert code == 75 and report["state"] == "reconnecting" and report["reason"]
    assert report["retry_ms"] >= 0 and report["endpoints"][0]["state"] == "reconnecting"
    text = home.tunnel("status")
    assert text.returncode == 75 and text.stdout.startswith("reconnecting ")
    refused = web(report["web_addr"], "POST", "/api/take")
    assert refused[0] == 503 and refused[1]["code"] == "not-connected"
    assert home.tunnel("take").returncode == 75
    relay.start()
    child.wait_event("online")
    assert status(home)[0] == 0


def test_take_gets_the_domain_back_from_another_install(serve, keep, home, new_home, relay, token,
                                                        domain, app):
    first = serve(app.port)
    other = new_home()
    second = keep(agent(other, relay, token, "--domain", domain, "--port", app.port))
    first.wait_event("standby")
    code, [report] = status(home)
    assert code == 75 and report["state"] == "standby"
    [endpoint] = report["endpoints"]
    assert endpoint["served_by"] and endpoint["since"]
    assert "standby" in home.tunnel("status").stdout

    done = home.tunnel("take")
    assert done.returncode == 0 and done.stdout.startswith("online ")
    second.wait_event("standby")
    assert status(home)[0] == 0 and status(other)[0] == 75
    address = status(home)[1][0]["web_addr"]
    again = web(address, "POST", "/api/take")
    assert again[0] == 200 and again[1]["took"] is False
    back = web(status(other)[1][0]["web_addr"], "POST", "/api/take")
    assert back[0] == 200 and back[1]["took"] is True and back[1]["state"] == "online"


def test_several_agents_are_listed_and_take_wants_a_choice(keep, home, relay, account, token,
                                                           numbers, app):
    names = [f"mine-{next(numbers)}.example" for _ in range(2)]
    for name in names:
        relay.reserve(name, account["account"])
        keep(agent(home, relay, token, "--domain", name, "--port", app.port))
    code, reports = status(home)
    assert code == 0 and sorted(r["endpoints"][0]["domain"] for r in reports) == sorted(names)
    done = home.tunnel("take")
    assert done.returncode == 2
    assert all(name in done.stderr for name in names) and "--domain" in done.stderr
    assert home.tunnel("take", "--domain", names[1]).returncode == 0
    assert [r["endpoints"][0]["domain"] for r in status(home, "--domain", names[0])[1]] == [names[0]]
    address = reports[1]["web_addr"]
    assert status(home, "--web-addr", address)[1] == [reports[1]]
    assert home.tunnel("status", "--domain", "other.example").returncode == 69


def test_a_taken_port_is_told_and_the_next_one_serves(serve, home, app):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        child = serve(app.port, "--web-addr", f"127.0.0.1:{port}")
        address = written(home, child.pid)["web_addr"]
        assert int(address.rsplit(":", 1)[1]) > port
        warning = child.wait_event("warning")["message"]
        assert str(port) in warning and address in warning
        assert web(address, "GET", "/api/status")[0] == 200


def test_no_web_address_where_none_is_wanted(serve, home, relay, domain, app):
    child = serve(app.port, "--web-addr", "false")
    assert ask(relay.port, domain).status == 200
    assert not port_file(home, child.pid).exists()
    assert status(home)[0] == 69


@pytest.mark.parametrize("address", ["0.0.0.0:4040", "192.0.2.1:4040", "example.com", "[::]:4040"])
def test_an_address_others_could_reach_is_refused(home, relay, address):
    done = home.tunnel("3000", "--relay", relay.url, "--web-addr", address, TUNNEL_AUTHTOKEN="x")
    assert done.returncode in (2, 77)
    done = home.tunnel("status", "--web-addr", address)
    assert done.returncode == 2 and "other machines" in done.stderr


def test_only_this_machines_own_hosts_and_pages_are_answered(serve, home, app):
    child = serve(app.port)
    address = written(home, child.pid)["web_addr"]
    port = address.rsplit(":", 1)[1]
    for host in (address, f"localhost:{port}", "localhost", "[::1]:1", "127.0.0.1"):
        assert web(address, "GET", "/api/status", Host=host)[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1", ""):
        for method, path in (("GET", "/api/status"), ("POST", "/api/take"), ("GET", "/")):
            code, problem = web(address, method, path, Host=host)
            assert code == 403 and problem["code"] == "web-stranger" and problem["detail"]
    strangers = [{"Origin": "https://evil.example"}, {"Origin": "null"},
                 {"Origin": "http://localhost:3000"}, {"Sec_Fetch_Site": "cross-site"},
                 {"Sec_Fetch_Site": "same-site"}]
    for fields in strangers:
        for method, path in (("GET", "/api/status"), ("POST", "/api/take")):
            assert web(address, method, path, **fields)[0] == 403
    own = {"Origin": f"http://{address}", "Sec_Fetch_Site": "same-origin"}
    assert web(address, "GET", "/api/status", **own)[0] == 200
    assert web(address, "GET", "/api/nothing")[0] == 404


def test_files_of_agents_that_are_gone_are_tidied_away(serve, home, app):
    child = serve(app.port)
    folder = home.runtime / "tunnel"
    child.kill()
    assert port_file(home, child.pid).exists()
    # A number that belongs to something else by now: this test.
    mine = folder / f"{os.getpid()}.json"
    mine.write_text(json.dumps(
        {"pid": os.getpid(), "web_addr": f"127.0.0.1:{free_port()}", "domains": []}),
        encoding="ascii")
    strange = folder / "readme.txt"
    strange.write_text("mine", encoding="ascii")
    assert status(home)[0] == 69
    assert list(folder.iterdir()) == [strange]


def test_an_agent_that_stands_still_is_listed_and_keeps_its_file(serve, home, domain, app):
    child = serve(app.port)
    child.signal(signal.SIGSTOP)
    code, [report] = status(home, "--domain", domain)
    assert code == 75 and report["state"] == "reconnecting" and report["pid"] == child.pid
    assert "does not answer" in report["reason"]
    child.signal(signal.SIGCONT)
    assert status(home)[0] == 0


def test_a_folder_that_is_a_link_is_not_used(home, serve, app):
    away = home.folder / "elsewhere"
    away.mkdir()
    (home.runtime / "tunnel").symlink_to(away)
    child = serve(app.port)
    assert "--web-addr" in child.wait_event("warning")["message"]
    assert not list(away.iterdir())
    assert home.tunnel("status").returncode == 69


@pytest.mark.timeout(60)
def test_exit_on_disconnect_ends_it_with_75(keep, home, app):
    relay = keep(Relay(home))
    made = relay.account("ann")
    relay.start()
    child = keep(agent(home, relay, made["authtoken"], app.port, "--exit-on-disconnect"))
    relay.stop()
    assert child.wait_event("error")["code"] == "disconnected"
    assert child.wait() == 75
    late = home.tunnel(str(app.port), "--relay", relay.url, "--exit-on-disconnect",
                       TUNNEL_AUTHTOKEN=made["authtoken"])
    assert late.returncode == 75 and "error[disconnected]" in late.stderr


def end(pid):
    """Ends an agent in the background, which is nobody's child here."""
    os.kill(pid, signal.SIGTERM)
    wait_until(f"the end of {pid}", lambda: not alive(pid))


def test_detach_returns_once_it_is_ready(home, relay, token, domain, app):
    done = home.tunnel("--domain", domain, "--port", str(app.port), "--relay", relay.url,
                       "--detach", TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 0, done.stderr
    word, pid, label, log = done.stdout.split()
    assert (word, label) == ("pid", "log")
    try:
        assert log == str(home.state / "tunnel" / f"{domain}.log")
        code, [report] = status(home)
        assert code == 0 and report["pid"] == int(pid)
        assert ask(relay.port, domain).status == 200
        # A session of its own: no terminal's end reaches it.
        assert os.getsid(int(pid)) == int(pid)
        with open(log, encoding="utf-8") as lines:
            assert f"Forwarding  {report['endpoints'][0]['url']}" in lines.read()
    finally:
        end(int(pid))
    assert status(home)[0] == 69


def test_detach_ends_as_the_agent_did(home, relay, app, numbers, token):
    name = f"nobodys-{next(numbers)}.example"
    done = home.tunnel("--domain", name, "--port", str(app.port), "--relay", relay.url,
                       "--detach", TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 73 and not done.stdout
    assert "error[domain-not-held]" in done.stderr and "  fix: " in done.stderr
    assert status(home)[0] == 69


@pytest.mark.timeout(90)
def test_detach_gives_up_and_ends_the_agent(home, token, app, full):
    if not full:
        pytest.skip("takes 30 s: --full; DetachedTests does it with less patience")
    done = run([TUNNEL, "--port", app.port, "--relay", f"http://127.0.0.1:{free_port()}",
                "--detach"], home.env(TUNNEL_AUTHTOKEN=token), home.work, deadline=60)
    assert done.returncode == 75 and "error[not-ready]" in done.stderr
    assert not list((home.runtime / "tunnel").iterdir())
