"""Other people's HTTP/2 clients: h2load, Python's h2 and httpx."""

import hashlib
import re
import shutil
import socket
import subprocess

import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from harness.apps import RawApp, answer_bytes

MIB = 1 << 20


@pytest.mark.timeout(180)
def test_h2load_has_no_failure(serve, example, relay, domain, full):
    assert shutil.which("h2load"), "nghttp2-client is missing"
    serve(example().port)
    count = 50_000 if full else 2_000
    done = subprocess.run(
        ["h2load", "-n", str(count), "-c", "20", "-m", "100", "-H", f":authority: {domain}",
         f"http://127.0.0.1:{relay.port}/"], capture_output=True, text=True, timeout=170)
    print(re.search(r"^finished.*$", done.stdout, re.M)[0])
    assert f"{count} succeeded, 0 failed, 0 errored, 0 timeout" in done.stdout, done.stdout
    assert f"status codes: {count} 2xx" in done.stdout


@pytest.mark.timeout(120)
def test_python_h2_sends_fetches_and_keeps_trailers(serve, keep, domain, relay, full):
    """Bodies in both directions under flow control, with trailers at both ends."""
    size = (100 if full else 8) * MIB
    body = bytes(range(256)) * (size // 256)

    def echo(request, sock, reader):
        trailers = b"".join(line + b"\r\n" for line in request.trailers)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     + b"%x\r\n" % len(request.body) + request.body + b"\r\n0\r\n"
                     + trailers + b"\r\n")

    serve(keep(RawApp(echo)).port)
    sock = socket.create_connection(("127.0.0.1", relay.port))
    sock.settimeout(60)
    link = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    link.initiate_connection()
    stream = link.get_next_available_stream_id()
    link.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":authority", domain),
                               (":path", "/echo"), ("te", "trailers")])
    sent, said, back, trailers = 0, False, hashlib.sha256(), None
    while trailers is None:
        while sent < size and (room := link.local_flow_control_window(stream)) > 0:
            count = min(room, link.max_outbound_frame_size, size - sent)
            link.send_data(stream, body[sent:sent + count])
            sent += count
        if sent == size and not said:
            link.send_headers(stream, [("x-sum", "42")], end_stream=True)
            said = True
        sock.sendall(link.data_to_send())
        for event in link.receive_data(sock.recv(1 << 16)):
            if isinstance(event, h2.events.DataReceived):
                back.update(event.data)
                link.acknowledge_received_data(event.flow_controlled_length, stream)
            elif isinstance(event, h2.events.TrailersReceived):
                trailers = event.headers
            else:
                assert not isinstance(
                    event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
    sock.close()
    assert back.digest() == hashlib.sha256(body).digest()
    assert [(str(name), str(value)) for name, value in trailers] == [("x-sum", "42")]


def test_padding_is_no_body_and_keeps_no_room(serve, app, relay, domain):
    """More frames than would fill the relay's room for bodies, if their padding stayed in it."""
    count = 6_000
    serve(app.port)
    sock = socket.create_connection(("127.0.0.1", relay.port))
    sock.settimeout(30)
    link = h2.connection.H2Connection()
    link.initiate_connection()
    stream = link.get_next_available_stream_id()
    link.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":authority", domain),
                               (":path", "/padded")])
    sent, status = 0, None
    while status is None:
        while sent < count and link.local_flow_control_window(stream) >= 257:
            sent += 1
            link.send_data(stream, b"x", pad_length=255, end_stream=sent == count)
        sock.sendall(link.data_to_send())
        for event in link.receive_data(sock.recv(1 << 16)):
            if isinstance(event, h2.events.ResponseReceived):
                status = dict(event.headers)[b":status"]
    sock.close()
    assert status == b"200" and len(app.requests[-1].body) == count


@pytest.mark.timeout(120)
def test_httpx_posts_and_reads(serve, keep, domain, relay, full):
    size = (100 if full else 8) * MIB
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(body=request.body))))
    serve(app.port)
    body = bytes(range(256)) * (size // 256)
    with httpx.Client(http1=False, http2=True, timeout=60) as client:
        for _ in range(3):
            # In pieces: of a whole body httpx copies the rest for each frame.
            pieces = (body[at:at + 65_536] for at in range(0, size, 65_536))
            answer = client.post(f"http://127.0.0.1:{relay.port}/", content=pieces,
                                 headers={"Host": domain, "Content-Length": str(size)})
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
            assert answer.content == body
