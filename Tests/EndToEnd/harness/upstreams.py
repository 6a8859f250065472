"""Apps of the kinds that stand behind a tunnel, each with the same routes: Node, Python, nginx."""

import os
import re
import shutil
import sys

from .apps import RawApp, answer_bytes, free_port
from .process import Child, wait_until
from .tunnel import ROOT
from .wire import dial

APPS = ROOT / "Tests" / "EndToEnd" / "apps"
LARGE = b"\xa5" * (5 << 20)


class Program:
    """A program that says on which port it listens."""

    def __init__(self, home, *words):
        self.child = Child("app", words, home.env(PYTHONDONTWRITEBYTECODE=1), home.work)
        self.port = int(self.child.wait_line(r"listening on (\d+)")[1])

    def stop(self):
        self.child.stop()


def node(home, script="node.js"):
    return Program(home, shutil.which("node"), APPS / script)


def uvicorn(home):
    return Program(home, sys.executable, APPS / "asgi.py")


def flask(home):
    return Program(home, sys.executable, APPS / "wsgi.py")


class Nginx:
    """nginx with files and refusals of its own, and Node behind it for the rest."""

    def __init__(self, home):
        self.node = node(home)
        self.port = free_port()
        folder = home.work / "nginx"
        folder.mkdir()
        (folder / "large").write_bytes(LARGE)
        text = (APPS / "nginx.conf").read_text(encoding="utf-8")
        for word, value in (("FOLDER", folder), ("PORT", self.port), ("NODE", self.node.port)):
            text = re.sub(rf"\b{word}\b", str(value), text)
        # As root its worker would be another user, who may not read what a folder of ours holds.
        user = "user root;\n" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(user + text, encoding="utf-8")
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        self.child = Child("nginx", [program, "-p", folder, "-e", "stderr", "-c",
                                     folder / "nginx.conf"], home.env(), home.work)
        wait_until("nginx to listen", self.listens)

    def listens(self):
        try:
            dial(self.port).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.child.stop()
        self.node.stop()


def raw(_):
    def handler(request, sock, reader):
        path = request.target.split(b"?")[0]
        host = request.get("X-Forwarded-Host")
        if path == b"/echo":
            answer = answer_bytes(fields=[("X-Method", request.method.decode()),
                                          ("X-Seen-Host", host)], body=request.body)
            sock.sendall(answer.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
                         if request.method == b"HEAD" else answer)
        elif path == b"/large":
            sock.sendall(answer_bytes(body=LARGE))
        elif path == b"/stream" and request.start.endswith(b"1.0"):
            sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nfirst second")
            return False
        elif path == b"/stream":
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         b"6\r\nfirst \r\n6\r\nsecond\r\n0\r\n\r\n")
        elif path == b"/nothing":
            sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            sock.sendall(answer_bytes(404, "Not Found", body=b"no such page"))
        return True

    return RawApp(handler)


UPSTREAMS = {"node": node, "uvicorn": uvicorn, "flask": flask, "nginx": Nginx, "raw": raw}
