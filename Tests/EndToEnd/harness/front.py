"""Web servers in front of a relay, with the site files of deploy/ and a CA of the test's own."""

import os
import shutil
import socket
import ssl

from .apps import free_port
from .process import Child, wait_until
from .tls import Certificates
from .tunnel import ROOT
from .wire import DEADLINE, Reader, read_answer, request_bytes

DEPLOY = ROOT / "deploy"
PATH = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"


def substituted(text, words):
    """The text with other words in it; each must be there, or the file says no longer what its
    comment says may be changed."""
    for old, new in words:
        assert old in text, old
        text = text.replace(old, new)
    return text


class Front:
    """HTTPS on a free port in front of `relay`; `names` are what its certificate is for."""

    kind = ""

    def __init__(self, home, port):
        self.home = home
        self.port = port
        self.plain = free_port()
        self.child = None

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def context(self, protocols=("http/1.1",)):
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols(list(protocols))
        return context

    def dial(self, host, source="127.0.0.1"):
        sock = socket.create_connection(("127.0.0.1", self.port), DEADLINE, (source, 0))
        sock.settimeout(DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.context().wrap_socket(sock, server_hostname=host)

    def ask(self, host, target="/", method="GET", fields=(), body=None, source="127.0.0.1"):
        """One exchange on a TLS connection of its own."""
        with self.dial(host, source) as sock:
            sock.sendall(request_bytes(host, target, method, fields, body))
            return read_answer(Reader(sock), method.encode())

    def start(self, relay, names):
        self.prepare(relay, names)
        self.child = Child(self.kind, self.command(), self.environment(relay))
        wait_until(f"{self.kind} to listen", self.listens)

    def listens(self):
        assert self.child.process.poll() is None, self.child.log()
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0 and os.path.exists(self.ca)

    def environment(self, _):
        return self.home.env(PATH=PATH)

    def stop(self):
        if self.child:
            self.child.stop()


class Nginx(Front):
    kind = "nginx"

    def __init__(self, home, port):
        super().__init__(home, port)
        self.ca = str(home.folder / "ca.pem")

    def prepare(self, relay, names):
        folder = self.home.folder
        made = Certificates(folder, *names)
        site = substituted((DEPLOY / "nginx.conf").read_text(encoding="utf-8"), [
            ("/etc/letsencrypt/live/tunnel.example.com/fullchain.pem", str(made.chain)),
            ("/etc/letsencrypt/live/tunnel.example.com/privkey.pem", str(made.key)),
            ("tunnel.example.com", "localhost"),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("listen [::]:443 ", f"listen [::1]:{self.port} "),
            ("listen 80;", f"listen 127.0.0.1:{self.plain};"),
            ("listen [::]:80;", f"listen [::1]:{self.plain};"),
            ("127.0.0.1:8080", f"127.0.0.1:{relay.port}")])
        (folder / "relay.conf").write_text(site, encoding="utf-8")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;"
            f"events {{ worker_connections 512; }}"
            f"http {{ access_log off; {temporary} include {folder}/relay.conf; }}",
            encoding="utf-8")

    def command(self):
        program = shutil.which("nginx", path=PATH)
        assert program, "nginx is missing: apt-get install -y nginx-light"
        folder = self.home.folder
        return [program, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


class Caddy(Front):
    """With a CA of its own that makes each name's certificate on demand, as the file has it."""

    kind = "caddy"

    def __init__(self, home, port):
        super().__init__(home, port)
        self.ca = str(home.data / "caddy" / "pki" / "authorities" / "local" / "root.crt")

    def prepare(self, relay, names):
        # What belongs to the test alone: no admin port, and nothing but this machine.
        site = substituted((DEPLOY / "Caddyfile").read_text(encoding="utf-8"), [
            ("\n{\n", "\n{\n\tadmin off\n\tdefault_bind 127.0.0.1 [::1]\n")])
        (self.home.folder / "Caddyfile").write_text(site, encoding="utf-8")

    def command(self):
        program = shutil.which("caddy", path=PATH)
        assert program, "caddy is missing: apt-get install -y caddy"
        return [program, "run", "--adapter", "caddyfile", "--config",
                self.home.folder / "Caddyfile"]

    def environment(self, relay):
        return self.home.env(
            PATH=PATH, RELAY_TLS="internal", RELAY_UPSTREAM=f"127.0.0.1:{relay.port}",
            RELAY_HTTP_PORT=self.plain, RELAY_HTTPS_PORT=self.port)
