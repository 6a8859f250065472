"""The agent's way out: whom it believes, through which proxy, on which carrier."""

import json
import types

import pytest

from harness.apps import RawApp, free_port
from harness.process import parsed
from harness.tunnel import Home, Relay, agent
from harness.ways import Mitmproxy, SixApp, TLSRelay, tinyproxy, websocket_only
from harness.wire import ask
from test_names import shape

MINE = "mine.example"


@pytest.fixture(scope="module")
def secure(folder, numbers):
    relay = TLSRelay(Home(f"{folder}/{next(numbers)}"))
    relay.start()
    relay.token = relay.account("ann")["authtoken"]
    relay.reserve(MINE, "ann")
    yield relay
    relay.stop()


@pytest.fixture
def through(keep, home, secure, app):
    """Starts an agent for MINE in front of the app: `through(flags…, ENV=…)`."""

    def start(*flags, **options):
        return keep(agent(home, secure, secure.token, "--domain", MINE, "--port", app.port,
                          *flags, **options))

    return start


def served(secure, app):
    before = len(app.requests)
    assert secure.ask(MINE, "/through").status == 200
    return len(app.requests) == before + 1


# Trust


def test_an_added_authority_is_enough_by_flag_environment_and_file(through, home, secure, app):
    child = through("--ca", secure.papers.ca, "-v")
    assert served(secure, app)
    child.wait_line(r"connected directly, over TLS", "err")
    child.stop()
    through(SSL_CERT_FILE=secure.papers.ca).stop()
    user = home.config / "tunnel" / "tunnel.yml"
    user.parent.mkdir()
    user.write_text(f"agent: {{ca: {secure.papers.ca}}}\n", encoding="ascii")
    through()
    assert served(secure, app)


def test_login_and_domains_name_the_unknown_issuer_with_69(home, secure):
    done = home.tunnel("login", secure.url, "--token-stdin", stdin=secure.token)
    assert done.returncode == 69
    lines = shape(done.stderr, "tls-unknown-issuer")
    assert "trustme" in lines[0] and "--ca" in lines[1] and "SSL_CERT_FILE" in lines[1]
    done = home.tunnel("domains", "--relay", secure.url, TUNNEL_AUTHTOKEN=secure.token)
    assert done.returncode == 69
    done = home.tunnel("login", secure.url, "--token-stdin", "--ca", secure.papers.ca,
                       stdin=secure.token)
    assert done.returncode == 0, done.stderr
    # What login was given is kept, so that the next command needs no flag.
    listed = home.tunnel("domains")
    assert listed.returncode == 0 and MINE in listed.stdout


def test_a_running_tunnel_says_why_and_keeps_trying(through):
    child = through(ready=False)
    waiting = child.wait_event("reconnecting")
    assert "its certificate was issued by" in waiting["reason"]
    assert "which is not trusted here" in waiting["reason"]
    warning = child.wait_event("warning")
    assert "--ca FILE" in warning["message"]
    after = child.count()
    child.wait_event("reconnecting", after=after)
    assert child.process.poll() is None
    assert sum(parsed(line).get("message") == warning["message"]
               for line in child.lines["out"]) == 1


def test_another_name_and_plain_http_have_messages_of_their_own(home, relay, secure):
    other = f"https://127.0.0.2:{secure.port}"
    done = home.tunnel("login", f"https://[::1]:{free_port()}", "--token-stdin",
                       stdin=secure.token)
    assert done.returncode == 69
    shape(done.stderr, "relay-unreachable")
    done = home.tunnel("login", other, "--token-stdin", "--ca", secure.papers.ca,
                       stdin=secure.token)
    assert done.returncode == 69
    # The relay listens on 127.0.0.1 alone.
    shape(done.stderr, "relay-unreachable")
    done = home.tunnel("login", f"https://localhost:{relay.port}", "--token-stdin",
                       stdin=secure.token)
    assert done.returncode == 69
    shape(done.stderr, "tls-plain-http")


def test_a_certificate_for_other_names_lists_them(keep, new_home, home):
    relay = keep(TLSRelay(new_home(), "a.example", "b.example"))
    relay.start()
    token = relay.account("ann")["authtoken"]
    done = home.tunnel("login", relay.url, "--token-stdin", "--ca", relay.papers.ca, stdin=token)
    assert done.returncode == 69
    assert "a.example, b.example" in shape(done.stderr, "tls-wrong-name")[0]


def test_a_bad_ca_file_is_2_as_a_flag_and_78_in_the_environment(home, secure, app):
    done = home.tunnel(app.port, "--ca", "/nonexistent.pem", "--relay", secure.url,
                       TUNNEL_AUTHTOKEN=secure.token)
    assert done.returncode == 2
    assert "/nonexistent.pem" in shape(done.stderr, "ca-file")[0]
    done = home.tunnel(app.port, "--relay", secure.url, TUNNEL_AUTHTOKEN=secure.token,
                       SSL_CERT_FILE="/etc/hostname")
    assert done.returncode == 78
    shape(done.stderr, "ca-file")


# Proxies


def test_through_a_proxy_with_credentials_and_never_for_the_app(keep, through, home, secure, app):
    proxy = keep(tinyproxy(home, "BasicAuth ann hunter2"))
    child = through("--ca", secure.papers.ca, "-v",
                    HTTPS_PROXY=f"http://ann:hunter2@127.0.0.1:{proxy.port}",
                    HTTP_PROXY=f"http://127.0.0.1:{proxy.port}")
    assert served(secure, app)
    child.wait_line(rf"connected through the proxy http://127.0.0.1:{proxy.port}, over TLS", "err")
    assert "hunter2" not in child.text()
    asked = proxy.said(": CONNECT ")
    assert asked and all(f"localhost:{secure.port}" in line for line in asked)
    assert not proxy.said(f":{app.port}")
    assert not proxy.said("GET ")


@pytest.mark.parametrize("who, said", [
    ("", "asks for a user name and a password"),
    ("ann:wrong@", "does not accept the user name and password"),
])
def test_a_proxy_that_wants_other_credentials(keep, home, secure, who, said):
    proxy = keep(tinyproxy(home, "BasicAuth ann hunter2"))
    done = home.tunnel("login", secure.url, "--token-stdin", "--ca", secure.papers.ca,
                       stdin=secure.token, HTTPS_PROXY=f"http://{who}127.0.0.1:{proxy.port}")
    assert done.returncode == 69
    lines = shape(done.stderr, "proxy-authentication")
    assert said in lines[0] and "environment HTTPS_PROXY" in lines[0]
    assert "wrong" not in done.stderr


def test_a_proxy_that_refuses_connect_and_one_that_is_not_there(keep, home, secure):
    proxy = keep(tinyproxy(home, "ConnectPort 1"))
    login = ["login", secure.url, "--token-stdin", "--ca", secure.papers.ca, "--proxy"]
    done = home.tunnel(*login, f"127.0.0.1:{proxy.port}", stdin=secure.token)
    assert done.returncode == 69
    line = shape(done.stderr, "proxy-refused")[0]
    assert f"localhost:{secure.port}: 403" in line and "flag --proxy" in line
    done = home.tunnel(*login, f"127.0.0.1:{free_port()}", stdin=secure.token)
    assert done.returncode == 69
    shape(done.stderr, "proxy-unreachable")
    done = home.tunnel(*login, "http://no-such-proxy.invalid:3128", stdin=secure.token)
    assert done.returncode == 69
    shape(done.stderr, "proxy-unknown")
    done = home.tunnel(*login, f"socks5://127.0.0.1:{proxy.port}", stdin=secure.token)
    assert done.returncode == 2
    assert "SOCKS" in shape(done.stderr, "usage")[0]


def test_no_proxy_and_proxy_direct_go_without(keep, home, secure):
    nobody = f"http://127.0.0.1:{free_port()}"
    login = ["login", secure.url, "--token-stdin", "--ca", secure.papers.ca]
    for flags, env in (([], {"NO_PROXY": f"localhost:{secure.port}"}), ([], {"no_proxy": "*"}),
                       (["--proxy", "direct"], {})):
        done = home.tunnel(*login, *flags, stdin=secure.token, HTTPS_PROXY=nobody, **env)
        assert done.returncode == 0, done.stderr


def test_a_plain_relay_on_this_machine_is_asked_through_a_proxy_only_if_told(keep, home, relay,
                                                                             token, domain, app):
    proxy = keep(tinyproxy(home))
    url = f"http://127.0.0.1:{proxy.port}"
    child = keep(agent(home, relay, token, "--domain", domain, "--port", app.port,
                       HTTPS_PROXY=url, ALL_PROXY=url))
    assert ask(relay.port, domain).status == 200
    assert not proxy.said(": CONNECT ")
    child.stop()
    keep(agent(home, relay, token, "--domain", domain, "--port", app.port, "--proxy", url))
    assert ask(relay.port, domain).status == 200
    assert proxy.said(f"CONNECT 127.0.0.1:{relay.port}")
    assert not proxy.said(f":{app.port}")


def test_a_proxy_that_opens_tls_is_believed_only_by_its_own_authority(keep, through, home, secure,
                                                                      app):
    proxy = keep(Mitmproxy(home, secure))
    url = f"http://127.0.0.1:{proxy.port}"
    child = through("-v", HTTPS_PROXY=url, SSL_CERT_FILE=proxy.ca)
    assert served(secure, app)
    child.wait_line(r"connected through the proxy", "err")
    done = home.tunnel("login", secure.url, "--token-stdin", "--ca", secure.papers.ca,
                       stdin=secure.token, HTTPS_PROXY=url)
    assert done.returncode == 69
    assert "mitmproxy" in shape(done.stderr, "tls-unknown-issuer")[0]


def test_config_show_names_the_sources_and_masks_the_credentials(home, secure):
    done = home.tunnel("config", "show", "--json", "--relay", secure.url,
                       "--ca", secure.papers.ca, HTTPS_PROXY="http://ann:hunter2@proxy.test:3128")
    assert done.returncode == 0
    shown = json.loads(done.stdout)
    assert shown["proxy"] == {"value": "http://***@proxy.test:3128",
                              "source": "environment HTTPS_PROXY"}
    assert shown["ca"] == {"value": str(secure.papers.ca), "source": "flag --ca"}
    assert shown["transport"] == {"value": "auto", "source": "the default"}
    assert "hunter2" not in done.stdout + done.stderr


# Carriers


def test_where_only_websocket_passes_it_is_used_and_remembered(keep, home, new_home, relay, token,
                                                               domain, app):
    front = keep(websocket_only(new_home(), relay))
    way = Relay(home, port=front.port)
    child = keep(agent(home, way, token, "--domain", domain, "--port", app.port, "-v"))
    child.wait_line(r"does not pass tunnel/1, trying WebSocket", "err")
    child.wait_line(r"connected directly, over WebSocket", "err")
    assert ask(relay.port, domain).status == 200
    assert len(front.said("/_tunnel/connect")) >= 1


def test_with_raw_alone_it_says_what_is_in_the_way(keep, home, new_home, relay, token, domain,
                                                   app):
    front = keep(websocket_only(new_home(), relay))
    way = Relay(home, port=front.port)
    child = keep(agent(home, way, token, "--domain", domain, "--port", app.port,
                       "--transport", "raw", ready=False))
    reason = child.wait_event("reconnecting")["reason"]
    assert "takes the upgrade out of the request" in reason
    child.stop()
    child = keep(agent(home, way, token, "--domain", domain, "--port", app.port,
                       "--transport", "websocket", "-v"))
    child.wait_line(r"connected directly, over WebSocket", "err")
    assert "tunnel/1" not in child.text()


def test_websocket_over_tls_through_a_proxy(keep, through, home, secure, app):
    proxy = keep(tinyproxy(home))
    child = through("--ca", secure.papers.ca, "--transport", "websocket", "-v",
                    "--proxy", f"127.0.0.1:{proxy.port}")
    child.wait_line(r"connected through the proxy \S+, over TLS, over WebSocket", "err")
    assert served(secure, app)


def test_what_answers_for_the_relay_ends_nothing(keep, home, token, domain, app):
    """A captive portal says 401, 403 or a page: the agent waits, on either carrier."""
    portal = keep(RawApp(lambda request, sock, reader: sock.sendall(
        b"HTTP/1.1 401 Sign in\r\nContent-Length: 6\r\nConnection: close\r\n\r\nportal") or False))
    way = Relay(home, port=portal.port)
    child = keep(agent(home, way, token, "--domain", domain, "--port", app.port, ready=False))
    reason = child.wait_event("reconnecting")["reason"]
    assert "answered 401, but not as a tunnel relay does" in reason
    asked = [request.get("Upgrade") for request in portal.requests[:2]]
    assert asked == ["tunnel/1", "websocket"]
    child.wait_event("reconnecting", after=child.count())


# Addresses


def test_a_relay_and_an_app_on_ipv6_alone(keep, new_home, home):
    relay = keep(TLSRelay(new_home(), "::1"))
    relay.host = "[::1]"
    relay.start()
    account = relay.account("ann")
    app = keep(SixApp())
    way = types.SimpleNamespace(url=f"https://[::1]:{relay.port}")
    child = keep(agent(home, way, account["authtoken"], "--port", app.port,
                       "--ca", relay.papers.ca))
    domain = child.wait_event("ready")["domain"]
    assert relay.ask(domain, "/six", at="::1").body == b"six"
    assert app.paths == ["/six"]
