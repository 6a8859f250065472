"""The common routes of test_upstreams.py as an ASGI app, on uvicorn."""

import socket

import uvicorn

LARGE = b"\xa5" * (5 << 20)


async def body_of(receive):
    pieces = []
    while True:
        event = await receive()
        pieces.append(event.get("body", b""))
        if not event.get("more_body"):
            return b"".join(pieces)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return

    async def answer(status, fields=(), body=b"", more=False):
        await send({"type": "http.response.start", "status": status, "headers": list(fields)})
        await send({"type": "http.response.body", "body": body, "more_body": more})

    fields = dict(scope["headers"])
    if scope["path"] == "/echo":
        body = await body_of(receive)
        await answer(200, [(b"content-length", b"%d" % len(body)),
                           (b"x-method", scope["method"].encode()),
                           (b"x-seen-host", fields.get(b"x-forwarded-host", b""))], body)
    elif scope["path"] == "/large":
        await answer(200, [(b"content-length", b"%d" % len(LARGE))], LARGE)
    elif scope["path"] == "/stream":
        await answer(200, body=b"first ", more=True)
        await send({"type": "http.response.body", "body": b"second"})
    elif scope["path"] == "/nothing":
        await answer(204)
    else:
        await answer(404, [(b"content-type", b"text/plain"), (b"content-length", b"12")],
                     b"no such page")


if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])
