"""What may stand between an agent and its relay: TLS, proxies, web servers."""

import http.server
import pathlib
import shutil
import socket
import sys
import threading

from .apps import free_port
from .process import Child, wait_until
from .tls import Certificates
from .tunnel import Relay
from .wire import Reader, dial, read_answer, request_bytes


class TLSRelay(Relay):
    """A relay that speaks TLS itself, with an authority of its own."""

    def __init__(self, home, *names, **options):
        super().__init__(home)
        self.papers = Certificates(home.folder / "papers", *(names or ("localhost", "127.0.0.1")),
                                   **options)

    def start(self, *more):
        return super().start(*self.papers.flags, *more)

    @property
    def url(self):
        return f"https://localhost:{self.port}"

    def ask(self, domain, target="/", at="127.0.0.1"):
        """One exchange from the internet; the certificate is not the visitor's matter here."""
        context = self.papers.context
        context.check_hostname = False
        with context.wrap_socket(dial(self.port, at)) as sock:
            sock.sendall(request_bytes(domain, target, "GET", (), None))
            return read_answer(Reader(sock), b"GET")


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Server:
    """A foreground process on a free port, from a configuration file."""

    def __init__(self, name, home, text, argv, port):
        self.port = port
        config = home.folder / f"{name}.conf"
        config.write_text(text, encoding="ascii")
        self.child = Child(name, [*argv, config], home.env(), home.folder)
        wait_until(f"{name} on port {port}", lambda: self.child.process.poll() is not None
                   or accepts(port))

    def stop(self):
        self.child.stop()

    def said(self, word):
        return [line for line in self.child.text().splitlines() if word in line]


def tinyproxy(home, *more):
    """Debian's tinyproxy; its log is its output."""
    port = free_port()
    lines = [f"Port {port}", "Listen 127.0.0.1", "Timeout 600", "LogLevel Connect",
             "MaxClients 50", *more]
    return Server("tinyproxy", home, "\n".join(lines) + "\n",
                  [shutil.which("tinyproxy") or "/usr/bin/tinyproxy", "-d", "-c"], port)


NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log /dev/stdout;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
  map $http_upgrade $passed {{ default ""; websocket websocket; }}
  map $passed $connected {{ default close; websocket upgrade; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{relay};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $passed;
      proxy_set_header Connection $connected;
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


def websocket_only(home, relay):
    """nginx, which takes every Upgrade out of a request but websocket."""
    port = free_port()
    text = NGINX.format(folder=home.folder, port=port, relay=relay.port)
    return Server("nginx", home, text, [shutil.which("nginx") or "/usr/sbin/nginx", "-e", "stderr",
                                        "-c"], port)


class Mitmproxy:
    """A proxy that opens TLS with certificates of its own authority."""

    def __init__(self, home, relay):
        self.port = free_port()
        folder = home.folder / "mitm"
        program = pathlib.Path(sys.prefix).with_name("mitmproxy") / "bin" / "mitmdump"
        self.child = Child("mitmproxy", [
            program, "--listen-host", "127.0.0.1", "--listen-port", self.port,
            "--set", f"confdir={folder}", "--set", "connection_strategy=lazy",
            "--set", f"ssl_verify_upstream_trusted_ca={relay.papers.ca}",
        ], home.env(), home.folder)
        wait_until("mitmproxy", lambda: accepts(self.port), deadline=60)
        self.ca = folder / "mitmproxy-ca-cert.pem"

    def stop(self):
        self.child.stop()


class SixApp:
    """An app that listens on ::1 alone and keeps the paths it was asked for."""

    def __init__(self):
        app = self
        self.paths = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                app.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"six")

            def log_message(self, *_):
                pass

        class SixServer(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6

        self.server = SixServer(("::1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
