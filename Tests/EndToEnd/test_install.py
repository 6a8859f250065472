"""deploy/install.sh on a fresh Debian under its own systemd: `./dev show install`, as root."""

import json
import os
import re
import shutil

import pytest

from harness.machine import Machine
from harness.process import Child, run, wait_until
from harness.tls import Certificates
from harness.tunnel import RELAY, ROOT, TUNNEL, Home
from test_webhooks import CLERK, USER_CREATED, svix_fields

NAME = "tunnel.example.com"
INSTALL = ["sh", "/root/deploy/install.sh"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# All that install.sh may touch.
PLACES = ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/relay", "/usr/local/bin/relay",
          "/etc/systemd/system/relay.service", "/var/lib/relay"]


@pytest.fixture(scope="module")
def machine(full, folder):
    if not full:
        pytest.skip("a Debian of its own, 300 MB: `./dev show install`")
    if os.geteuid() != 0:
        pytest.fail("this makes a machine: run it as root")
    made = Machine(folder)
    deploy = made.path("/root/deploy")
    shutil.copytree(ROOT / "deploy", deploy)
    for place in (deploy, deploy.parent):
        shutil.copy(RELAY, place / "relay")
    yield made
    made.stop()


# The tests follow one machine from the first step to the last; the order is that of the file.


@pytest.mark.timeout(1000)
def test_what_is_wrong_is_said_before_anything_is_done(machine):
    before = machine.state("/etc", "/usr/local", "/var/lib")

    def refused(*arguments, code=1, command=INSTALL):
        done = machine.run(*command, *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr

    machine.must("cp", "-r", "/root/deploy", "/opt/")
    assert "this needs root" in refused(
        "--domain", NAME, command=["runuser", "-u", "nobody", "--", "sh", "/opt/deploy/install.sh"])
    assert "--domain tunnel.example.com" in refused(code=2)
    assert "unknown argument: --domian" in refused("--domian", NAME, code=2)
    for bad in ("localhost", "Tunnel.example.com", "a..b", "-a.example", "a.example/x", "1.2.3.4"):
        assert "is no domain" in refused("--domain", bad, code=2)
    assert "no relay in /nowhere" in refused("--domain", NAME, "--binaries", "/nowhere")
    assert "no program for Linux" in other_binary(machine, refused, b"#!/bin/sh\necho relay\n")
    header = RELAY.read_bytes()[:64]
    arm = header[:18] + (183).to_bytes(2, "little") + header[20:]
    assert "is for aarch64, this machine is" in other_binary(machine, refused, arm)
    library = next(machine.path("/usr/lib").rglob("libsqlite3.so.0"))
    hidden = library.rename(library.with_name("hidden"))
    assert "apt-get install -y libsqlite3-0" in refused("--domain", NAME)
    hidden.rename(library)
    assert machine.state("/etc", "/usr/local", "/var/lib") == before


def other_binary(machine, refused, content):
    folder = machine.path("/root/other")
    folder.mkdir(exist_ok=True)
    (folder / "relay").write_bytes(content)
    (folder / "relay").chmod(0o755)
    return refused("--domain", NAME, "--binaries", "/root/other")


def test_without_systemd_it_installs_and_says_so_and_twice_is_once(machine):
    # As the README has it, where `scp` has put things.
    line = re.search(r"^ +(sh deploy/install\.sh .*)$", README, re.MULTILINE)[1]
    first = machine.must("sh", "-c", f"cd /root && {line}")
    assert "systemd does not run here" in first
    for step in (f"*.{NAME}", "relay account add", f"tunnel login https://{NAME}", "tunnel 3000"):
        assert step in first
    before = machine.state(*PLACES)
    second = machine.must(*INSTALL, "--domain", NAME)
    assert machine.state(*PLACES) == before
    assert not re.search(r"^(installed|made) ", second, re.MULTILINE)
    facts = machine.must("stat", "-c", "%n %U:%G %a", "/var/lib/relay", "/etc/relay/relay.yml",
                         "/usr/local/bin/relay", "/etc/systemd/system/relay.service")
    assert facts.splitlines() == [
        "/var/lib/relay relay:relay 700", "/etc/relay/relay.yml root:root 644",
        "/usr/local/bin/relay root:root 755", "/etc/systemd/system/relay.service root:root 644"]


def test_the_settings_are_never_overwritten(machine):
    settings = machine.path("/etc/relay/relay.yml")
    mine = settings.read_text(encoding="utf-8") + "# mine\n"
    settings.write_text(mine, encoding="utf-8")
    said = machine.must(*INSTALL, "--domain", "other.example.com")
    assert "its domain is another one" in said
    assert settings.read_text(encoding="utf-8") == mine


def test_root_is_told_whose_data_it_is(machine):
    for _ in range(2):
        done = machine.run("relay", "account", "add", "ann")
        assert done.returncode == 78
        assert "run it as that user: `sudo -u relay relay …`" in done.stderr
    assert list(machine.path("/var/lib/relay").iterdir()) == []


def as_relay(machine, *command):
    return machine.must("runuser", "-u", "relay", "--", "relay", *command)


def test_under_systemd_it_is_started_enabled_and_not_restarted_without_need(machine):
    machine.boot()
    assert f"Serving {NAME} on 127.0.0.1:8080" in machine.must(*INSTALL)
    process = property_of(machine, "MainPID")
    before = machine.state(*PLACES[:-1])
    machine.must(*INSTALL)
    assert property_of(machine, "MainPID") == process
    assert machine.state(*PLACES[:-1]) == before
    assert machine.must("systemctl", "is-enabled", "relay").strip() == "enabled"
    assert as_relay(machine, "healthcheck").startswith("healthy")


def property_of(machine, name):
    return machine.must("systemctl", "show", "--property", name, "--value", "relay").strip()


def test_the_hardening_is_there_in_the_running_process(machine):
    process = property_of(machine, "MainPID")
    status = machine.must("cat", f"/proc/{process}/status")
    facts = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.MULTILINE))
    user = machine.must("id", "-u", "relay").strip()
    assert set(facts["Uid"].split()) == {user}
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    assert {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    users = machine.must("cat", f"/proc/{process}/uid_map").split()
    assert users[:3] != ["0", "0", "4294967295"], "PrivateUsers= is not in force"
    mounts = machine.must("cat", f"/proc/{process}/mounts")
    options = {line.split()[1]: line.split()[3].split(",") for line in mounts.splitlines()}
    assert "ro" in options["/"] and "rw" in options["/var/lib/relay"]
    assert "ProtectHome=yes" in machine.must("systemctl", "show", "relay")


def test_a_webhook_arrives_through_the_service(machine, keep, folder, numbers):
    home = Home(f"{folder}/{next(numbers)}")
    made = json.loads(as_relay(machine, "account", "add", "ann", "--json"))
    assert made["domain"].endswith(f".{NAME}")
    app = keep(Child("app", machine.beside(shutil.which("node"), "server.js"),
                     home.env(PORT=3000, CLERK_WEBHOOK_SIGNING_SECRET=CLERK),
                     ROOT / "Examples" / "dev-all"))
    app.wait_line("listening on")
    agent = keep(Child("tunnel", machine.beside(
        TUNNEL, "3000", "--relay", "http://127.0.0.1:8080", "--json"),
        home.env(TUNNEL_AUTHTOKEN=made["authtoken"]), home.work))
    assert agent.wait_event("ready")["domain"] == made["domain"]
    fields = [("Host", made["domain"]), *svix_fields(USER_CREATED)]
    flags = [part for name, value in fields for part in ("-H", f"{name}: {value}")]
    done = run(machine.beside("curl", "-sS", *flags, "--data-binary", "@-",
                              "http://127.0.0.1:8080/api/users/webhook"), stdin=USER_CREATED)
    assert json.loads(done.stdout) == {"received": "user.created"}, done.stderr


def test_what_lies_in_the_data_directory_is_the_relays_alone(machine):
    owners = machine.must("find", "/var/lib/relay", "-printf", "%u:%g %m %f\n")
    for line in owners.splitlines():
        owner, mode, name = line.split(" ", 2)
        assert owner == "relay:relay" and mode in ("600", "700"), line
    names = {line.split(" ", 2)[2] for line in owners.splitlines()}
    assert "relay.db" in names


def test_a_newer_binary_is_put_in_place_and_started(machine):
    process = property_of(machine, "MainPID")
    with open(machine.path("/root/deploy/relay"), "ab") as file:
        file.write(b"\0")
    assert "installed  /usr/local/bin/relay" in machine.must(*INSTALL)
    assert property_of(machine, "MainPID") != process
    assert property_of(machine, "ActiveState") == "active"


def test_stopping_drains_and_a_crash_is_restarted(machine):
    machine.must("systemctl", "stop", "relay", deadline=90)
    assert (property_of(machine, "ExecMainStatus"), property_of(machine, "Result")) == (
        "0", "success")
    machine.must("systemctl", "start", "relay")
    machine.must("systemctl", "kill", "--signal", "KILL", "relay")
    wait_until("the restart", lambda: property_of(machine, "NRestarts") == "1")
    wait_until("the relay", lambda: property_of(machine, "ActiveState") == "active")


def test_a_wrong_setting_is_said_and_not_tried_again(machine):
    settings = machine.path("/etc/relay/relay.yml")
    right = settings.read_text(encoding="utf-8")
    settings.write_text(right.replace("domain:", "domian:"), encoding="utf-8")
    machine.must("systemctl", "reset-failed", "relay")
    assert machine.run("systemctl", "restart", "relay").returncode != 0
    assert property_of(machine, "ExecMainStatus") == "78"
    assert (property_of(machine, "ActiveState"), property_of(machine, "NRestarts")) == (
        "failed", "0")
    settings.write_text(right, encoding="utf-8")
    machine.must("systemctl", "restart", "relay")


def test_the_example_for_a_relay_that_listens_to_the_world_itself_works(machine):
    settings = machine.path("/etc/relay/relay.yml")
    behind = settings.read_text(encoding="utf-8")
    example = machine.path("/root/deploy/relay-direct.conf").read_text(encoding="utf-8")
    made = Certificates(machine.path("/root/certificates"), NAME, f"*.{NAME}")
    live = machine.path(f"/etc/letsencrypt/live/{NAME}")
    live.mkdir(parents=True)
    shutil.copy(made.chain, live / "fullchain.pem")
    shutil.copy(made.key, live / "privkey.pem")
    (live / "privkey.pem").chmod(0o600)
    direct = re.sub(r"^(listen|behind_proxy):.*\n", "", behind, flags=re.MULTILINE)
    direct += "".join(line + "\n" for line in re.findall(r"^#   (tls_\w+: .*)$", example,
                                                         re.MULTILINE))
    direct += re.search(r"`(listen: .*?)`", example)[1] + "\n"
    settings.write_text(direct, encoding="utf-8")
    line = re.search(r"^# As root: (.*)$", example, re.MULTILINE)[1]
    machine.must("sh", "-c", f"cd /root/deploy && {line}")
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "restart", "relay")
    assert property_of(machine, "StatusText") == f"Serving {NAME} on [::]:443"
    answer = run(machine.beside("curl", "-sS", "--cacert", made.ca, "--resolve",
                                f"{NAME}:443:127.0.0.1", f"https://{NAME}/healthz"))
    assert (answer.stdout, answer.stderr) == ("ok\n", "")
    assert as_relay(machine, "healthcheck").startswith("healthy")
    settings.write_text(behind, encoding="utf-8")
    shutil.rmtree(machine.path("/etc/systemd/system/relay.service.d"))
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "restart", "relay")


def test_uninstalling_keeps_the_data_and_purging_does_not(machine):
    said = machine.must(*INSTALL, "--uninstall", deadline=90)
    for place in PLACES[4:6]:
        assert not machine.path(place).exists()
    for kept in ("/var/lib/relay/relay.db", "/etc/relay/relay.yml"):
        assert machine.path(kept).exists()
    assert "kept       user relay" in said
    assert machine.run("systemctl", "is-active", "relay").stdout.strip() == "inactive"
    assert f"Serving {NAME}" in machine.must(*INSTALL)
    assert '"account":"ann"' in as_relay(machine, "account", "ls", "--json")
    machine.must(*INSTALL, "--uninstall", "--purge", deadline=90)
    for place in PLACES[3:]:
        assert not machine.path(place).exists()
    assert machine.run("id", "relay").returncode == 1
    assert machine.must(*INSTALL, "--uninstall", "--purge").startswith("removed    /var/lib/relay")
