"""Domains, accounts, tokens: who holds what, and what nobody can read."""

import json
import os
import pathlib
import re

import pytest

from harness.process import run
from harness.tunnel import RELAY, agent
from harness.wire import ask


def shape(text, code):
    """An error's one shape: `error[code]: message`, at most four lines."""
    # Whether somebody else on this machine has port 4040 is not the tests' to decide.
    taken = re.compile(r"warning: port 4040 is taken: ")
    lines = [line for line in text.strip().splitlines() if not taken.match(line)]
    assert lines and lines[0].startswith(f"error[{code}]: "), text
    assert len(lines) <= 4, text
    return lines


@pytest.fixture(scope="module")
def stranger(relay):
    return relay.account("bob")


def test_another_accounts_domain_is_73_with_its_reason(home, relay, domain, stranger, app):
    done = home.tunnel("--domain", domain, "--port", app.port, "--relay", relay.url,
                       TUNNEL_AUTHTOKEN=stranger["authtoken"])
    assert done.returncode == 73
    lines = shape(done.stderr, "domain-taken")
    assert domain in lines[0]


def test_another_accounts_domain_is_refused_while_it_is_served(serve, new_home, relay, domain,
                                                               stranger, app):
    serve(app.port)
    done = new_home().tunnel("--domain", domain, "--port", app.port, "--relay", relay.url,
                             TUNNEL_AUTHTOKEN=stranger["authtoken"])
    assert done.returncode == 73
    assert ask(relay.port, domain).status == 200


def test_a_custom_domain_that_nobody_holds_is_73(home, relay, token, app):
    done = home.tunnel("--domain", "unheld.example", "--port", app.port, "--relay", relay.url,
                       TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 73
    shape(done.stderr, "domain-not-held")


def test_a_free_subdomain_is_claimed_on_first_use_and_it_says_so(keep, home, relay, token, app):
    child = keep(agent(home, relay, token, "--subdomain", "fresh-pond", "--port", app.port,
                       json_lines=False))
    child.wait_for("a word about the claim", lambda lines: next(
        (line for line in lines["out"] + lines["err"] if "claimed" in line.lower()), None))
    assert ask(relay.port, "fresh-pond.localhost").status == 200
    listed = home.tunnel("domains", "ls", "--relay", relay.url, TUNNEL_AUTHTOKEN=token)
    assert listed.returncode == 0 and "fresh-pond.localhost" in listed.stdout


def test_domains_are_claimed_released_and_rest_for_others(home, relay, token, stranger):
    def domains(*arguments, who=token):
        return home.tunnel("domains", *arguments, "--relay", relay.url, TUNNEL_AUTHTOKEN=who)

    assert domains("claim", "slow-river").returncode == 0
    assert domains("claim", "slow-river", who=stranger["authtoken"]).returncode == 73
    assert domains("release", "slow-river").returncode == 0
    assert "slow-river" not in domains("ls").stdout
    assert domains("claim", "slow-river", who=stranger["authtoken"]).returncode == 73
    assert domains("claim", "slow-river").returncode == 0


def test_a_reserved_name_is_73(home, relay, token):
    done = home.tunnel("domains", "claim", "www", "--relay", relay.url, TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 73


def test_a_wrong_token_is_77_on_start_and_on_login(home, relay, domain, app, token):
    changed = token[:8] + ("a" if token[8] != "a" else "b") + token[9:]
    for wrong in (changed, "tun_nonsense"):
        done = home.tunnel("--domain", domain, "--port", app.port, "--relay", relay.url,
                           TUNNEL_AUTHTOKEN=wrong)
        assert done.returncode == 77, done.stderr
        login = home.tunnel("login", relay.url, "--token-stdin", stdin=wrong + "\n")
        assert login.returncode == 77, login.stderr
        assert wrong not in done.stderr + done.stdout + login.stderr + login.stdout


def test_a_missing_token_is_77(home, relay, domain, app):
    done = home.tunnel("--domain", domain, "--port", app.port, "--relay", relay.url)
    assert done.returncode == 77
    assert "fix: " in done.stderr


def test_a_revoked_token_ends_its_session(keep, home, relay, domain, account, app):
    made = json.loads(relay.command("token", "add", account["account"], "--json"))
    child = keep(agent(home, relay, made["token"], "--domain", domain, "--port", app.port))
    relay.command("token", "revoke", made["id"])
    assert child.wait() == 77


def test_login_keeps_the_token_for_the_user_alone(keep, home, relay, domain, token, app):
    done = home.tunnel("login", relay.url, "--token-stdin", stdin=token + "\n")
    assert done.returncode == 0, done.stderr
    said = "Authtoken saved to configuration file: "
    line = next(line for line in done.stdout.splitlines() if line.startswith(said))
    path = pathlib.Path(line.removeprefix(said))
    assert path == home.config / "tunnel" / "tunnel.yml"
    assert path.stat().st_mode & 0o777 == 0o600
    shown = home.tunnel("config", "show")
    assert shown.returncode == 0 and token not in shown.stdout and relay.url in shown.stdout
    env = {key: value for key, value in home.env().items() if key != "TUNNEL_AUTHTOKEN"}
    assert "TUNNEL_AUTHTOKEN" not in env
    started = home.tunnel("config", "check")
    assert started.returncode == 0, started.stderr


def test_login_without_a_relay_is_69(home, token):
    done = home.tunnel("login", "http://127.0.0.1:1", "--token-stdin", stdin=token + "\n")
    assert done.returncode == 69


def test_a_token_is_in_no_log_no_process_list_and_no_database(keep, new_home, relay, domain,
                                                              account, app):
    token = json.loads(relay.command("token", "add", account["account"], "--json"))["token"]
    secret = token.removeprefix("tun_").encode()
    home = new_home()
    file = home.folder / "token"
    file.write_text(token + "\n", encoding="ascii")
    file.chmod(0o600)
    assert home.tunnel("login", relay.url, "--token-stdin", stdin=token + "\n").returncode == 0
    ways = [{"TUNNEL_AUTHTOKEN": token}, {"TUNNEL_AUTHTOKEN_FILE": file}, {}]
    for way in ways:
        child = keep(agent(home, relay, way.pop("TUNNEL_AUTHTOKEN", ""), "--domain", domain,
                           "--port", app.port, "-v", **way))
        assert ask(relay.port, domain).status == 200
        assert secret not in command_lines()
        child.stop()
        assert secret.decode() not in child.text()
    assert secret.decode() not in relay.child.text()
    for path in relay.data.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path


def command_lines():
    found = b""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found += pathlib.Path("/proc", entry, "cmdline").read_bytes()
            except OSError:
                pass
    return found


def test_operators_commands_have_their_shapes_and_codes(relay, home):
    assert relay.attempt("account", "add", "ann").returncode == 73
    assert relay.attempt("account", "ad").returncode == 2
    assert relay.attempt("domain", "add", "in valid", "--account", "ann").returncode in (2, 73)
    version = run([RELAY, "version"], home.env())
    assert version.returncode == 0 and version.stdout.strip()
    public = run([RELAY, "serve", "--domain", "tunnel.example.com", "--listen", "0.0.0.0:0",
                  "--data", home.folder / "public"], home.env())
    assert public.returncode == 78, public.stderr
