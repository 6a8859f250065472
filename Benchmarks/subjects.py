"""What is measured: every subject leads from a port of its own to the one app, over two hops."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .load import BIG
from .processes import Children, free_ports, listens, wait_until

HEAD = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_max_body_size 0; client_body_buffer_size 64k;
  client_body_temp_path {folder}/{name}.body; proxy_temp_path {folder}/{name}.proxy;
  fastcgi_temp_path {folder}/{name}.f; uwsgi_temp_path {folder}/{name}.u;
  scgi_temp_path {folder}/{name}.s;
  keepalive_requests 100000000;
"""

APP = """
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ return 200 '{small}'; }}
    location = /big {{ root {folder}; }}
    # Answered once the whole body was read: it is buffered, and then not passed on.
    location = /up {{
      client_body_buffer_size 16m;
      proxy_pass http://127.0.0.1:{port}/; proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }}
  }}
}}
"""

# Streaming, as a tunnel does it; with nginx's own buffering bodies of 10 MB would go to disk.
HOP = """
  upstream next {{ server 127.0.0.1:{next}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} {listens} backlog=1024;
    {speaks}
    location / {{
      proxy_pass {scheme}://next; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection ''; proxy_set_header Host $host;
    }}
  }}
}}
"""

# The cipher suite that the relay prefers: what is compared is the way, not the arithmetic.
SECURE = """
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.3; ssl_prefer_server_ciphers on;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
"""

HAPROXY = """
global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen hop
  bind 127.0.0.1:{port}
  server next 127.0.0.1:{next}
"""


@dataclass
class Subject:
    name: str
    port: int
    # How the load reaches it: `http`, `https`, or `h2`, which is HTTP/2 over TLS.
    speaks: str = "http"
    # The subject that it is compared with.
    reference: str = "nginx hop"
    # Names of the cases that it takes part in; none are all.
    cases: tuple[str, ...] = ()
    # Role to pid, of all that stands between the load and the app.
    sides: dict[str, int] = field(default_factory=dict)


def nginx(children: Children, name: str, text: str, **values) -> int:
    path = children.folder / f"{name}.conf"
    path.write_text((HEAD + text).format(folder=children.folder, name=name, **values))
    command = ["nginx", "-p", str(children.folder), "-e", f"{children.folder}/{name}.err",
               "-c", str(path)]
    pid = children.start(name, command).pid
    wait_until(lambda: listens(values["port"]), name)
    return pid


def app(children: Children) -> int:
    """The local app; answers its port."""
    (children.folder / "big").write_bytes(os.urandom(BIG))
    (port,) = free_ports(1)
    nginx(children, "app", APP, port=port, small="x" * 100)
    return port


# What is cheap beside the rest, and says enough of TLS.
SECURE_CASES = ("get-1", "get-32", "get-256", "post-32", "down-4")


def nginx_hop(children: Children, app_port: int, speaks: str = "http") -> Subject:
    """Two nginx; with TLS, both hops have it."""
    near, port = free_ports(2)
    subject = Subject("nginx hop", port)
    plain = {"listens": "", "speaks": "", "scheme": "http"}
    outer = inner = plain
    if speaks != "http":
        certificate(children.folder)
        subject = Subject(f"nginx {speaks}", port, speaks, f"nginx {speaks}", SECURE_CASES)
        inner = plain | {"listens": "ssl", "speaks": SECURE.format(folder=children.folder)}
        outer = inner | {"scheme": "https"}
        if speaks == "h2":
            outer = outer | {"listens": "ssl http2"}
    tail = subject.name.replace(" ", "-")
    subject.sides["inner"] = nginx(
        children, f"{tail}-near", HOP, port=near, next=app_port, **inner)
    subject.sides["outer"] = nginx(children, tail, HOP, port=port, next=near, **outer)
    return subject


def certificate(folder: Path) -> None:
    """For localhost, in `cert.pem` and `key.pem`, made once."""
    if (folder / "cert.pem").exists():
        return
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", f"{folder}/key.pem", "-out",
         f"{folder}/cert.pem"], check=True, capture_output=True)


def haproxy_hop(children: Children, app_port: int) -> Subject:
    near, port = free_ports(2)
    subject = Subject("haproxy tcp", port)
    for side, here, next_port in [("inner", near, app_port), ("outer", port, near)]:
        path = children.folder / f"haproxy-{side}.cfg"
        path.write_text(HAPROXY.format(port=here, next=next_port))
        child = children.start(f"haproxy-{side}", ["haproxy", "-db", "-f", str(path)])
        subject.sides[side] = child.pid
        wait_until(lambda here=here: listens(here), f"haproxy {side}")
    return subject
