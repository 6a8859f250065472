"""Every spelling starts the same tunnel; what is wrong is said in one shape with one exit code."""

import pytest

from harness.tunnel import agent
from harness.wire import ask
from test_names import shape

SPELLINGS = [
    "--domain {d} --port {p}",
    "--domain={d} --port={p}",
    "--domain https://{d} --port {p}",
    "http {p} --url https://{d}",
    "http {p} --url={d}",
    "http --domain={d} localhost:{p}",
    "http --hostname {d} http://localhost:{p}",
    "--domain {d} http {p}",
    "{p} --domain {d}",
    "127.0.0.1:{p} --hostname={d}",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_starts_the_same_tunnel(keep, home, relay, token, domain, app, spelling):
    arguments = spelling.format(d=domain, p=app.port).split(" ")
    child = keep(agent(home, relay, token, *arguments, ready=False))
    assert child.wait_event("ready")["domain"] == domain
    assert ask(relay.port, domain).status == 200


def test_a_label_is_a_subdomain_and_the_first_domain_is_the_default(keep, home, relay, account,
                                                                    token, app):
    first = account["domain"]
    label = first.split(".")[0]
    for arguments in (["--domain", label, "--port", app.port], ["--subdomain", label, app.port],
                      [app.port]):
        child = keep(agent(home, relay, token, *arguments))
        assert child.wait_event("ready")["domain"] == first
        assert ask(relay.port, first).status == 200
        child.stop()
    child = keep(agent(home, relay, token, TUNNEL_DOMAIN=first, TUNNEL_PORT=app.port))
    assert child.wait_event("ready")["domain"] == first


def test_the_project_file_wins_over_the_users_and_a_flag_over_both(keep, home, relay, token,
                                                                   domain, app):
    user = home.config / "tunnel" / "tunnel.yml"
    user.parent.mkdir()
    user.write_text("agent: {relay: http://127.0.0.1:1}\n", encoding="ascii")
    (home.work / ".git").mkdir()
    (home.work / "tunnel.yml").write_text(
        f"version: 3\nagent:\n  relay: {relay.url}\nendpoints:\n"
        f"  - {{name: app, url: https://{domain}, upstream: {{url: {app.port}}}}}\n",
        encoding="ascii")
    deep = home.work / "src" / "pages"
    deep.mkdir(parents=True)
    shown = home.tunnel("config", "show", cwd=deep)
    assert shown.returncode == 0 and relay.url in shown.stdout
    assert home.tunnel("config", "check", cwd=deep).returncode == 0
    path = home.tunnel("config", "path", cwd=deep)
    assert path.returncode == 0 and str(user) in path.stdout
    child = keep(agent(home, relay, token, "--domain", domain, app.port, cwd=deep))
    assert child.wait_event("ready")["domain"] == domain


@pytest.mark.parametrize("text, line, words", [
    ("agent:\n  relay: https://a.example\nendpoints:\n  - {name: a, upstrem: 3000}\n", 4,
     ["unknown key `upstrem`", "upstream"]),
    ("agent: {relay: [1, 2\n", None, []),
    ("agnet: {}\n", 1, ["unknown key `agnet`", "agent"]),
    ("agent: 3\n", 1, []),
])
def test_a_bad_file_is_78_with_its_place(home, text, line, words):
    path = home.work / "tunnel.yml"
    path.write_text(text, encoding="ascii")
    for command in (["config", "check"], ["3000"]):
        done = home.tunnel(*command)
        assert done.returncode == 78, done.stderr
        first = done.stderr.strip().splitlines()[0]
        assert first.startswith("error[config-") and str(path) in first
        assert len(done.stderr.strip().splitlines()) <= 4
        assert line is None or f"tunnel.yml:{line}:" in first
        assert all(word in first for word in words), first


@pytest.mark.parametrize("arguments, words", [
    (["--prot", "3000"], ["--prot", "--port"]),
    (["dommains", "ls"], ["dommains", "domains"]),
    (["--port", "70000"], ["70000"]),
    (["--port", "abc"], ["abc"]),
    (["--port"], ["--port"]),
    (["--domain", "in valid", "--port", "3000"], []),
])
def test_a_usage_error_is_2_and_names_the_nearest(home, arguments, words):
    done = home.tunnel(*arguments)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("error[") and len(lines) <= 4
    assert all(word in done.stderr for word in words), done.stderr


def test_plain_http_to_another_machine_is_refused(home):
    done = home.tunnel("--port", "3000", "--relay", "http://tunnel.example.com")
    assert done.returncode in (2, 78), done.stderr
    assert done.stderr.startswith("error[")


def test_help_version_and_explain(home):
    helped = home.tunnel("--help")
    assert helped.returncode == 0
    assert all(flag in helped.stdout for flag in ("--domain", "--port", "--relay", "--json"))
    for spelling in ("version", "--version"):
        done = home.tunnel(spelling)
        assert done.returncode == 0 and "0.1" in done.stdout
    explained = home.tunnel("explain", "upstream-refused")
    assert explained.returncode == 0 and "502" in explained.stdout
    wrong = home.tunnel("explain", "upstream-refuse")
    assert wrong.returncode == 2 and "upstream-refused" in wrong.stderr


def test_alone_it_says_the_one_next_step(home):
    done = home.tunnel()
    assert "tunnel login" in done.stdout + done.stderr


def test_an_unknown_domain_value_keeps_its_shape(home, relay, token, app):
    done = home.tunnel("--domain", "nobody-holds.example", app.port, "--relay", relay.url,
                       TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 73
    shape(done.stderr, "domain-not-held")
