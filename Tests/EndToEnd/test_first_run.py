"""From nothing: `relay serve`, `tunnel 3000`, and names that stay."""

import json

from harness.process import Child, run, wait_until
from harness.tunnel import RELAY, TUNNEL, Relay, agent
from harness.wire import ask


def test_the_first_run_needs_no_flag_and_no_token(keep, home, app):
    relay = keep(Relay(home, domain=None, data=home.data / "tunnel-relay"))
    ready = relay.start()
    assert ready["domain"] == "localhost"
    token = relay.data / "dev.token"
    assert token.stat().st_mode & 0o777 == 0o600
    child = keep(Child("tunnel", [TUNNEL, app.port, "--json"], home.env(), home.work))
    domain = child.wait_event("ready")["domain"]
    assert domain.endswith(".localhost")
    assert ask(relay.port, domain).status == 200
    for log in (relay.child.text(), child.text()):
        assert token.read_text(encoding="ascii").strip() not in log


def test_the_token_is_kept_in_the_first_run_alone(keep, home):
    relay = keep(Relay(home))
    relay.start()
    assert not (relay.data / "dev.token").exists()


def test_an_accounts_subdomain_is_its_own_through_every_restart(keep, home, app):
    relay = keep(Relay(home))
    made = relay.account("ann")  # before the first start
    relay.start()
    domains = []
    for restart in ("neither", "agent", "relay", "both"):
        if restart in ("relay", "both"):
            relay.restart()
        child = keep(agent(home, relay, made["authtoken"], app.port))
        domains.append(child.wait_event("ready")["domain"])
        assert ask(relay.port, domains[-1]).status == 200
        child.stop()
    assert set(domains) == {made["domain"]}


def test_health_and_the_relays_own_names(relay, account, token):
    assert ask(relay.port, "localhost", "/healthz").status == 200
    assert ask(relay.port, "127.0.0.1", "/healthz").status == 200
    assert relay.attempt("healthcheck").returncode == 0
    assert ask(relay.port, "localhost", "/api/v1/account").status == 401
    bearer = [("Authorization", f"Bearer {token}")]
    answer = ask(relay.port, "localhost", "/api/v1/domains", fields=bearer)
    assert answer.status == 200 and account["domain"] in json.dumps(json.loads(answer.body))


def test_one_relay_has_one_data_folder(keep, home):
    relay = keep(Relay(home))
    relay.start()
    done = run([RELAY, "serve", "--domain", "localhost", "--data", relay.data, "--listen",
                "127.0.0.1:0"], home.env())
    assert done.returncode == 73, done.stderr
    port = run([RELAY, "serve", "--domain", "localhost", "--data", home.folder / "second",
                "--listen", f"127.0.0.1:{relay.port}"], home.env())
    assert port.returncode == 73, port.stderr


def test_an_exchange_is_one_line_in_the_relays_log(serve, app, relay, domain):
    serve(app.port)
    before = relay.child.count("err")
    ask(relay.port, domain, "/logged/once?secret=1")

    def lines():
        return [line for line in relay.child.lines["err"][before:] if "/logged/once" in line]

    found = wait_until("the exchange's line", lines)
    assert len(found) == 1 and domain in found[0]
    assert "secret=1" not in found[0]
