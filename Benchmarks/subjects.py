"""What is measured: every subject leads from a port of its own to the one app, over two hops."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .load import BIG
from .processes import Children, Fault, free_ports, listens, wait_until

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
  }}
}}
"""

# Streaming, as a tunnel does it; with nginx's own buffering bodies of 10 MB would go to disk.
HOP = """
  upstream next {{ server 127.0.0.1:{next}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://next; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_set_header Connection ''; proxy_set_header Host $host;
    }}
  }}
}}
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


def nginx_hop(children: Children, app_port: int) -> Subject:
    near, port = free_ports(2)
    sides = {"inner": nginx(children, "near", HOP, port=near, next=app_port)}
    sides["outer"] = nginx(children, "hop", HOP, port=port, next=near)
    return Subject("nginx hop", port, sides)


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


def tunnel(children: Children, app_port: int, binaries: Path) -> Subject:
    home = children.folder / "plain"
    home.mkdir()
    env = {name: value for name, value in os.environ.items()
           if not name.startswith("TUNNEL_") and not name.lower().endswith("_proxy")}
    env |= {"HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home),
            "XDG_STATE_HOME": str(home)}
    data = str(home / "relay")
    relay_bin = str(binaries / "relay")

    def ask(*words: str) -> str:
        return subprocess.run([relay_bin, *words, "--data", data], env=env, check=True,
                              capture_output=True, text=True).stdout

    token = json.loads(ask("account", "add", "bench", "--json"))["authtoken"]
    ask("domain", "add", "mine.example", "--account", "bench")
    (port,) = free_ports(1)
    subject = Subject("tunnel", port)
    relay = children.start("relay", [
        relay_bin, "serve", "--domain", "localhost", "--listen", f"127.0.0.1:{port}",
        "--data", data], env)
    wait_until(lambda: listens(port), "the relay")
    agent = children.start("agent", [
        str(binaries / "tunnel"), "--domain", "mine.example", "--port", str(app_port),
        "--relay", f"http://127.0.0.1:{port}"], env | {"TUNNEL_AUTHTOKEN": token})
    subject.sides = {"relay": relay.pid, "agent": agent.pid}
    try:
        wait_until(lambda: "Forwarding" in children.log("agent"), "the agent")
    except Fault as fault:
        raise Fault(f"{fault}: {children.log('agent')}{children.log('relay')}") from None
    return subject
