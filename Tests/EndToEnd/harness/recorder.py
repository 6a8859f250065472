"""An app that keeps every request that reaches it, whole or not, as h11 reads it, and answers each
whole one with its target."""

import contextlib
import threading
from dataclasses import dataclass, field

import h11

from .apps import RawApp


@dataclass
class Seen:
    method: bytes
    target: bytes
    client: str
    body: bytes = b""
    trailers: list = field(default_factory=list)
    whole: bool = False


class Recorder(RawApp):
    def __init__(self):
        self.seen, self.faults = [], []
        super().__init__()

    def _serve(self, sock):
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 21)
        request = None
        try:
            with contextlib.suppress(OSError):
                while (data := sock.recv(262_144)):
                    http.receive_data(data)
                    request = self.read(http, sock, request)
                    if http.our_state is h11.MUST_CLOSE:
                        break
        except h11.RemoteProtocolError as fault:
            with self.lock:
                self.faults.append(f"{request}: {fault}")
        finally:
            with self.lock:
                self.sockets.discard(sock)
            sock.close()

    def read(self, http, sock, request):
        while (event := http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Request):
                chain = dict(event.headers).get(b"x-forwarded-for", b"").decode("latin-1")
                request = Seen(event.method, event.target, chain.split(", ")[-1])
                with self.lock:
                    self.seen.append(request)
            elif isinstance(event, h11.Data):
                request.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                request.trailers = list(event.headers)
                request.whole = True
                self.answer(http, sock, request)
            elif isinstance(event, h11.ConnectionClosed):
                break
        return request

    def answer(self, http, sock, request):
        length = str(len(request.target))
        body = b"" if request.method == b"HEAD" else request.target
        out = http.send(h11.Response(status_code=200, headers=[("Content-Length", length)]))
        out += b"" if not body else http.send(h11.Data(body))
        sock.sendall(out + http.send(h11.EndOfMessage()))
        if http.our_state is h11.DONE and http.their_state is h11.DONE:
            http.start_next_cycle()
