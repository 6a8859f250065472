"""Apps on a local port: one on raw sockets that can do anything, and the example app."""

import pathlib
import shutil
import socket
import threading

from .process import Child
from .tunnel import ROOT
from .wire import Closed, Reader, read_head, read_request

EXAMPLE = ROOT / "Examples" / "dev-all"


def answer_bytes(status=200, reason="OK", fields=(), body=b"ok"):
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class RawApp:
    """A thread a connection. `handler(request, sock, reader)` writes the answer and says whether
    the connection goes on (None: yes). With `whole`, it is called once the body is there."""

    def __init__(self, handler=None, whole=True, port=0):
        self.handler = handler or (lambda request, sock, reader: sock.sendall(answer_bytes()))
        self.whole = whole
        self.requests = []
        self.lock = threading.Lock()
        self.sockets = set()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.sockets.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        reader = Reader(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        go_on = lambda: sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            while not reader.at_end():
                request = read_request(reader, go_on) if self.whole else read_head(reader)
                with self.lock:
                    self.requests.append(request)
                if self.handler(request, sock, reader) is False:
                    break
        except (OSError, Closed, ValueError):
            pass
        finally:
            with self.lock:
                self.sockets.discard(sock)
            sock.close()

    def stop(self):
        # Wakes accept(), which close() alone does not.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.lock:
            for sock in self.sockets:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class ExampleApp:
    """Examples/dev-all on a free port."""

    def __init__(self, home, **env):
        self.child = Child("app", [shutil.which("node"), "server.js"],
                           home.env(PORT=0, **env), EXAMPLE)
        self.port = int(self.child.wait_line(r"listening on http://localhost:(\d+)")[1])

    def stop(self):
        self.child.stop()


def free_port():
    """A port on which nothing listens now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
