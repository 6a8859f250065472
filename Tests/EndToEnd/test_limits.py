"""Every limit that relay.yml knows stands in docs/operating.md with its default, and has a test
that crosses it: this is the list."""

import re

import pytest

from harness.tunnel import ROOT, Relay

RELAY_TESTS = "Tests/RelayServerTests/"
HEADS = RELAY_TESTS + "HeadLimitTests.swift"
SLOW = RELAY_TESTS + "SlowClientTests.swift"
FLOODS = "Tests/EndToEnd/test_http2_floods.py"

CROSSED = {
    "connections": (SLOW, "a connection too many is closed at once"),
    "connections_per_address": (RELAY_TESTS + "DoorTests.swift", "an address has its number"),
    "tls_handshake_timeout_ms": (RELAY_TESTS + "TLSTests.swift", "a handshake has its time"),
    "header_read_timeout_ms": (RELAY_TESTS + "LimitTests.swift", "half a head is refused"),
    "keep_alive_timeout_ms": (RELAY_TESTS + "LimitTests.swift", "rests after an answer is closed"),
    "body_read_timeout_ms": (SLOW, "a body that stops is refused"),
    "client_write_timeout_ms": (SLOW, "an answer that its client does not take"),
    "request_line_bytes": (HEADS, "request_line_bytes: 100"),
    "header_field_bytes": (HEADS, "header_field_bytes: 200"),
    "header_bytes": (HEADS, "header_bytes: 300"),
    "header_fields": (HEADS, "header_fields: 5"),
    "chunk_line_bytes": (HEADS, "chunk_line_bytes: 20"),
    "trailer_bytes": (HEADS, "trailer_bytes: 50"),
    "http2_streams": (FLOODS, "test_a_client_that_opens_more_streams_than_it_may"),
    "http2_header_list_bytes": (FLOODS, "test_a_flood_ends_its_connection"),
    "http2_continuations": (FLOODS, "test_a_flood_ends_its_connection"),
    "http2_control_frames_per_30s": (FLOODS, "test_a_flood_ends_its_connection"),
    "http2_idle_frames_per_10s": (FLOODS, "test_a_flood_ends_its_connection"),
    "streams_per_session": (SLOW, "streams_per_session bounds what is open"),
    "link_write_timeout_ms": ("Tests/EndToEnd/test_hostile.py",
                              "test_an_agent_that_never_reads_loses_its_session"),
    "login_timeout_ms": (RELAY_TESTS + "LoginLimitTests.swift",
                         "a database that does not answer in time"),
    "failed_logins_per_min": (RELAY_TESTS + "LoginLimitTests.swift",
                              "a wrong authtoken's answer is held back"),
    "agent_wait_ms": (RELAY_TESTS + "WaitingTests.swift", "if nobody comes in time"),
    "drain_ms": (RELAY_TESTS + "LimitTests.swift", "when the drain's time is over"),
}


def table():
    """Keys and defaults of the documented limits."""
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    part = text.split("\n## Limits\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `([a-z0-9_]+)` \| (\d+) \|", part, re.MULTILINE))


def test_the_documented_limits_are_those_that_the_relay_knows(home):
    (home.work / "relay.yml").write_text("limits: {zzzzzzzz: 1}\n", encoding="utf-8")
    done = Relay(home).attempt("serve", "--config", home.work / "relay.yml")
    assert done.returncode == 78
    listed = set(re.findall(r"[a-z]+[a-z0-9_]+", done.stderr.split("expected", 1)[1]))
    assert set(table()) <= listed
    assert set(table()) == set(CROSSED)
    assert {word for word in listed if "_" in word} <= set(CROSSED)


def test_each_documented_default_is_taken(home, keep):
    """As a file it changes nothing, and none of them is out of its own range."""
    lines = "".join(f"  {key}: {default}\n" for key, default in table().items())
    (home.work / "relay.yml").write_text(f"limits:\n{lines}", encoding="utf-8")
    relay = keep(Relay(home))
    assert relay.start("--config", home.work / "relay.yml")["listen"]


@pytest.mark.parametrize("key", CROSSED)
def test_each_limit_has_a_test_that_crosses_it(key):
    path, words = CROSSED[key]
    assert words in (ROOT / path).read_text(encoding="utf-8"), f"{path}: no {words!r}"
