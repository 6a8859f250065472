"""A relay that speaks TLS itself, with an account and a domain that it holds."""

from .tls import Certificates, PlainDoor
from .tunnel import Home, Relay

BASE = "tunnel.example"
MINE = "mine.example"


class SecureRelay:
    def __init__(self, folder):
        self.certificates = Certificates(f"{folder}/tls", BASE, f"*.{BASE}", MINE)
        self.relay = Relay(Home(folder), BASE)
        self.ready = self.relay.start(*self.certificates.flags)
        self.port = self.relay.port
        made = self.relay.account("ann")
        self.token = made["authtoken"]
        self.relay.reserve(MINE, "ann")
        self.door = PlainDoor(self.port, BASE, self.certificates.context)
        self.url = self.door.url

    def curl(self, path, *more, host=MINE):
        return ["curl", "-sS", "--noproxy", "*", "--cacert", self.certificates.ca, "--resolve",
                f"{host}:{self.port}:127.0.0.1", f"https://{host}:{self.port}{path}", *more]

    def stop(self):
        self.relay.stop()
        self.door.stop()
