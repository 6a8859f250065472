"""Fixtures: one relay for the whole run with an account, and a domain of its own for each test."""

import itertools
import shutil
import tempfile

import pytest

from harness.apps import ExampleApp, RawApp
from harness.secure import SecureRelay
from harness.tunnel import RELAY, TUNNEL, Home, Relay, agent


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="the sizes of `./dev show`")


def pytest_sessionstart(session):
    missing = [str(path) for path in (RELAY, TUNNEL) if not path.exists()]
    if missing:
        pytest.exit(f"build first (`./dev test` does): no {', '.join(missing)}", returncode=3)


@pytest.fixture(scope="session")
def full(request):
    """True in `./dev show`: the whole of a timed or large scenario."""
    return request.config.getoption("--full")


@pytest.fixture(scope="session")
def folder():
    """A short path: a Unix socket's may have 103 bytes."""
    path = tempfile.mkdtemp(prefix="tun-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def numbers():
    return itertools.count(1)


@pytest.fixture
def new_home(folder, numbers):
    """Makes users whose folders nobody else has."""
    return lambda: Home(f"{folder}/{next(numbers)}")


@pytest.fixture
def home(new_home):
    return new_home()


@pytest.fixture(scope="session")
def relay(folder, numbers):
    """The relay that most tests share. Tests that end a relay start their own."""
    shared = Relay(Home(f"{folder}/{next(numbers)}"))
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def secure(folder, numbers):
    """The relay of those tests that are about TLS."""
    shared = SecureRelay(f"{folder}/{next(numbers)}")
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def account(relay):
    return relay.account("ann")


@pytest.fixture(scope="session")
def token(account):
    return account["authtoken"]


@pytest.fixture
def domain(relay, account, numbers):
    """A custom domain that the account holds and nobody else uses. It is given back, for an account
    may hold a hundred."""
    name = f"mine-{next(numbers)}.example"
    relay.reserve(name, account["account"])
    yield name
    relay.attempt("domain", "rm", name)


@pytest.fixture
def keep():
    """Ends what a test started, the last first: `keep(thing)` answers the thing."""
    things = []

    def add(thing):
        things.append(thing)
        return thing

    yield add
    for thing in reversed(things):
        thing.stop()


@pytest.fixture
def app(keep):
    """An app that answers 200 to everything once it has the whole body."""
    return keep(RawApp())


@pytest.fixture
def serve(keep, home, relay, token, domain):
    """Starts an agent for `domain` in front of a port: `serve(port)`."""

    def start(port, *arguments, **options):
        return keep(agent(home, relay, token, "--domain", domain, "--port", port, *arguments,
                          **options))

    return start


@pytest.fixture
def example(keep, home):
    """Makes the example app: `example(NAME=secret)`."""
    return lambda **env: keep(ExampleApp(home, **env))
