"""The commands that README.md and docs/operating.md tell an operator to type exist, with their
flags, files and placeholders."""

import re
import shlex

import pytest

from harness.process import run
from harness.tunnel import RELAY, ROOT, TUNNEL

BINARIES = {"relay": RELAY, "tunnel": TUNNEL}
INSTALL = ROOT / "deploy" / "install.sh"


def section(path, title):
    """The text below a heading, up to the next one of its level."""
    text = (ROOT / path).read_text(encoding="utf-8")
    level = title.split(" ")[0]
    return re.split(rf"^{level} ", text.split(title + "\n", 1)[1], flags=re.MULTILINE)[0]


VPS = section("README.md", "## From an empty VPS to the first webhook")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "relay.service").read_text(encoding="utf-8")


def typed(text):
    """Every command of the indented blocks and of `…` inside the text, as words."""
    lines = re.findall(r"^ {4,}(\S.*)$", text, re.MULTILINE)
    lines += [line for line in re.findall(r"`([^`\n]+)`", text) if " " in line]
    found = []
    for line in lines:
        for part in re.split(r" && ", re.sub(r"\s{2,}#.*", "", line)):
            words = shlex.split(part, comments=False) if part.count("'") % 2 == 0 else part.split()
            # Who runs it is no part of it.
            if words[:2] == ["sudo", "-u"]:
                words = words[3:]
            elif words[:2] == ["runuser", "-u"]:
                words = words[4:]
            found.append(words)
    return [words for words in found if words]


COMMANDS = typed(VPS) + typed(OPERATING)


def named(*programs):
    return [words for words in COMMANDS if words[0] in programs and len(words) > 1]


@pytest.mark.parametrize("words", named("relay", "tunnel"), ids=" ".join)
def test_a_command_of_ours_exists_with_its_flags(words):
    program, *rest = words
    sub = []
    while rest and re.fullmatch(r"[a-z]+", rest[0]):
        if run([BINARIES[program], *sub, rest[0], "--help"]).returncode != 0:
            break
        sub.append(rest.pop(0))
    assert sub or rest[0].isdigit(), "no such command"
    help_text = run([BINARIES[program], *sub, "--help"]).stdout
    for flag in (word.split("=")[0] for word in rest if word.startswith("--")):
        assert flag in help_text


def test_the_commands_are_found_at_all():
    found = {" ".join(words[:3]) for words in COMMANDS}
    assert {"relay account add", "relay domain add", "tunnel 3000", "systemctl edit relay",
            "tunnel login https://tunnel.example.com"} <= found


@pytest.mark.parametrize("words", named("sh", "install.sh"), ids=" ".join)
def test_the_installer_has_the_flags_and_place_that_are_named(words):
    usage = run(["sh", INSTALL, "--help"]).stdout
    script = words[1] if words[0] == "sh" else words[0]
    assert script in ("install.sh", "deploy/install.sh")
    for flag in words:
        assert not flag.startswith("--") or flag in usage


def test_every_file_that_is_named_is_there():
    for text, base in ((VPS, ROOT), (OPERATING, ROOT / "docs")):
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            assert link.startswith("http") or (base / link).resolve().exists(), link
    for path in re.findall(r"\b(?:deploy|docker)/[\w.-]+\w", VPS + OPERATING):
        assert (ROOT / path).exists(), path


def test_links_to_sections_lead_to_headings():
    for path, anchor in re.findall(r"\]\(\.\./(\S+\.md)#([^)]+)\)", OPERATING):
        titles = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
                          for title in titles}


@pytest.mark.parametrize("words", named("sed"), ids=" ".join)
def test_a_placeholder_that_is_to_be_replaced_is_in_its_file(words):
    pattern = words[1].split("/")[1]
    assert re.search(pattern, (ROOT / words[2]).read_text(encoding="utf-8"))


def test_nginxs_comment_replaces_what_is_there():
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    pattern = re.search(r"sed 's/(.*?)/YOUR\.DOMAIN/g' nginx\.conf", text)[1]
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert len(re.findall(pattern, code)) == 6
    assert "example.com" not in re.sub(pattern, "mine.dev", code)


def test_the_table_of_places_is_the_installers():
    script = INSTALL.read_text(encoding="utf-8")
    places = dict(re.findall(r"^([A-Z]+)=(/\S+)$", script, re.MULTILINE))
    assert set(places) == {"PROGRAM", "SETTINGS", "DATA", "UNIT"}
    for place in places.values():
        assert f"`{place}" in OPERATING
    assert f"ExecStart={places['PROGRAM']} serve --config {places['SETTINGS']}" in UNIT
    assert f"StateDirectory={places['DATA'].removeprefix('/var/lib/')}" in UNIT
    assert "IPAddressAllow=localhost" in UNIT and "`IPAddressAllow=localhost`" in OPERATING
