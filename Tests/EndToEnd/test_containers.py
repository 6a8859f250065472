"""docker/: no engine builds the images here, so what they say is held against the tree."""

import json
import re
import shlex

import pytest
import yaml

from harness.process import run
from harness.tunnel import RELAY, ROOT, TUNNEL

DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yml"


class Stage:
    def __init__(self, image, name):
        self.image = image
        self.name = name
        self.steps = []

    def all(self, word):
        return [value for key, value in self.steps if key == word]

    def last(self, word):
        return (self.all(word) or [None])[-1]


def stages():
    """The Dockerfile's stages by name, in order."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, rest = line.strip().split(None, 1)
        if word == "FROM":
            image, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            assert name not in found
            assert ":" in image or image in found, f"{image} is neither an image nor a stage"
            stage = found[name] = Stage(image, name)
        else:
            stage.steps.append((word, rest))
    return found


@pytest.fixture(name="stages")
def stages_fixture():
    return stages()


@pytest.fixture
def compose():
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def ignored(path):
    """What .dockerignore keeps out: the last line that matches decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if not line.startswith("#") and pattern and (
                pattern == "*" or path == pattern or path.startswith(pattern + "/")):
            out = not line.startswith("!")
    return out


def test_every_copied_path_is_there(stages):
    names = list(stages)
    for name, stage in stages.items():
        for step in stage.all("COPY"):
            words = step.split()
            if words[0].startswith("--from="):
                source = words[0].removeprefix("--from=")
                assert names.index(source) < names.index(name)
                assert any(words[1].rsplit("/", 1)[0] in made for made in stages[source].all("RUN"))
            else:
                for path in words[:-1]:
                    assert (ROOT / path).exists() and not ignored(path), path


def test_the_build_sees_every_target_of_the_manifest(stages):
    copied = {word for step in stages["build"].all("COPY") for word in step.split()[:-1]}
    assert {"Package.swift", "Sources", "Tests"} <= copied
    manifest = (ROOT / "Package.swift").read_text(encoding="utf-8")
    targets = re.findall(r'\.(\w*[tT]arget)\(\s*name: "(\w+)"', manifest)
    assert len(targets) > 10
    paths = re.findall(r'\bpath: "([^"]+)"', manifest)
    paths += [f"Tests/{name}" if kind == "testTarget" else f"Sources/{name}"
              for kind, name in targets if not any(path.endswith(f"/{name}") for path in paths)]
    for path in paths:
        assert path.split("/")[0] in copied and not ignored(path), path


def test_the_build_is_a_release_of_both_products(stages):
    build = " ".join(stages["build"].all("RUN"))
    manifest = (ROOT / "Package.swift").read_text(encoding="utf-8")
    products = re.findall(r"--product (\S+)", build)
    assert products == re.findall(r'\.executable\(name: "(\w+)"', manifest) == ["relay", "tunnel"]
    setup = (ROOT / "Tools" / "dev" / "setup.sh").read_text(encoding="utf-8")
    flags = re.search(r"flags=\((--.*)\)", setup)[1]
    assert build.count(f"swift build -c release {flags} --product") == 2
    needed = re.search(r"^// swift-tools-version: (.*)$", manifest, re.MULTILINE)[1]
    version = re.fullmatch(r"swift:([\d.]+)-bookworm", stages["build"].image)[1]
    assert [int(part) for part in version.split(".")] >= [int(part) for part in needed.split(".")]


def test_the_run_stage_is_the_systems_release_and_has_what_the_binaries_need(stages):
    assert stages["build"].image.endswith("-bookworm")
    assert stages["base"].image == "debian:bookworm-slim"
    packages = re.search(r"--no-install-recommends ([^&]*)", stages["base"].last("RUN"))[1].split()
    assert set(packages) == {"ca-certificates", "libsqlite3-0"}
    # What every Debian has besides: libc6, libgcc-s1, libstdc++6, which apt itself needs.
    own = re.compile(r"linux-vdso|ld-linux|lib(c|m|dl|pthread|rt|util|resolv|gcc_s|stdc\+\+)\.so")
    for binary in (RELAY, TUNNEL):
        for line in run(["ldd", binary]).stdout.splitlines():
            inside = "/swift/" in line or own.search(line)
            assert inside or "libsqlite3.so.0" in line, line


@pytest.mark.parametrize("name", ["relay", "tunnel"])
def test_each_image_runs_its_binary_as_nobody_special(stages, name):
    stage = stages[name]
    assert stage.image == "base"
    assert json.loads(stage.last("ENTRYPOINT")) == [name]
    assert stage.last("COPY") == f"--from=build /out/{name} /usr/local/bin/{name}"
    user, group = stage.last("USER").split(":")
    assert int(user) > 0 and int(group) > 0
    assert f"--uid {user} " in stage.all("RUN")[0]
    kept = stage.last("VOLUME")
    assert f"install -d -m 0700 -o {name} -g {name} {kept}" in stage.all("RUN")[0]
    assert stage.last("STOPSIGNAL") == "SIGTERM"


def test_the_relays_healthcheck_is_a_command_that_works(stages, relay):
    words = json.loads(stages["relay"].last("HEALTHCHECK").split(" CMD ")[1])
    assert words[0] == "relay"
    assert relay.attempt(*words[1:]).returncode == 0


def test_the_agents_state_is_in_its_volume(stages):
    assert stages["tunnel"].last("ENV") == f"XDG_STATE_HOME={stages['tunnel'].last('VOLUME')}"


def test_compose_and_dockerfile_agree(compose, stages):
    relay = compose["services"]["relay"]
    built = relay["build"]
    assert (COMPOSE.parent / built["context"]).resolve() == ROOT
    assert (ROOT / built["dockerfile"]) == DOCKERFILE and built["target"] in stages
    assert relay["volumes"] == [f"relay:{stages['relay'].last('VOLUME')}"]
    flags = [word.split("=", 1) for word in relay["command"][1:]]
    known = run([RELAY, "serve", "--help"]).stdout
    assert relay["command"][0] == "serve" and all(flag[0] in known for flag in flags)
    given = {flag[0]: flag[-1] for flag in flags}
    port = given["--listen"].rsplit(":", 1)[1]
    assert port == stages["relay"].last("EXPOSE")
    assert compose["services"]["caddy"]["environment"]["RELAY_UPSTREAM"] == f"relay:{port}"
    assert given["--data"] == stages["relay"].last("VOLUME")
    front = compose["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert given["--trusted-proxy"] == front and "--behind-proxy" in given


def test_compose_names_only_what_is_there(compose):
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    for name in compose["services"]["caddy"]["environment"]:
        assert "{$" + name + ":" in caddyfile
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (COMPOSE.parent / source).resolve().exists()
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for port in service.get("ports", []):
            assert re.search(r":\$?\{?\w*:?%s\}|:%s" % ((port.split(":")[0],) * 2), caddyfile)


def test_compose_gives_away_no_right_that_is_not_needed(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] is True and service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
        assert service["security_opt"] == ["no-new-privileges:true"]
    # Longer than the drain of 30 s.
    assert int(compose["services"]["relay"]["stop_grace_period"].removesuffix("s")) > 30
    assert "ports" not in compose["services"]["relay"]


def test_the_commands_in_the_comments_are_right(stages, compose):
    for line in re.findall(r"^#   (docker .*)$", DOCKERFILE.read_text() + COMPOSE.read_text(),
                           re.MULTILINE):
        words = shlex.split(line)
        if "-f" in words:
            assert (ROOT / words[words.index("-f") + 1]).exists()
        if "--target" in words:
            assert words[words.index("--target") + 1] in stages
        if "exec" in words:
            assert words[words.index("exec") + 1] in compose["services"]
