"""The four readers: each says of a case what messages it read, in the same words.

A message is a dict: `minor`, `method` and `target` or `status`, `fields` and `trailers` as lists of
(lower-case name, value), `body` as bytes, `whole`. All text is bytes.
"""

import json
import struct
import subprocess

import h11


def packed(cases):
    """Cases as `verdicts` and node_reader.js read them: (kind, method, bytes, ends)."""
    parts = []
    for kind, method, raw, ends in cases:
        letter = b"q" if kind == "request" else b"h" if method == b"HEAD" else b"r"
        parts.append(letter + (b"e" if ends else b"-") + struct.pack(">I", len(raw)) + raw)
    return b"".join(parts)


def lines(command, cases):
    done = subprocess.run(command, input=packed(cases), stdout=subprocess.PIPE, check=True)
    found = [json.loads(line) for line in done.stdout.split(b"\n") if line]
    if len(found) != len(cases):
        raise RuntimeError(f"{command[0]} answered {len(found)} of {len(cases)} cases")
    return [plain(verdict) for verdict in found]


def pairs(flat):
    return [(bytes.fromhex(name).lower(), bytes.fromhex(value)) for name, value in flat]


def plain(verdict):
    for message in verdict["messages"]:
        for name in ("method", "target", "body"):
            if name in message:
                message[name] = bytes.fromhex(message[name])
        for name in ("fields", "trailers"):
            if name in message:
                message[name] = pairs(message[name])
    return verdict


def h11_verdict(kind, method, raw, ends):
    return h11_requests(raw) if kind == "request" else h11_responses(method, raw, ends)


def h11_messages(connection, messages, again):
    """Takes events until there are none; returns the fault, if one ended it."""
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as fault:
            return str(fault)
        if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return None
        if isinstance(event, (h11.Request, h11.Response, h11.InformationalResponse)):
            message = {"minor": int(event.http_version[2:]), "fields": list(event.headers),
                       "body": b"", "trailers": [], "whole": False}
            if isinstance(event, h11.Request):
                message |= {"method": event.method, "target": event.target}
            else:
                message |= {"status": event.status_code,
                            "whole": isinstance(event, h11.InformationalResponse)}
            messages.append(message)
        elif isinstance(event, h11.Data):
            messages[-1]["body"] += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            messages[-1]["trailers"] = list(event.headers)
            messages[-1]["whole"] = True
            if not again():
                return None


def h11_requests(raw):
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    messages = []

    def again():
        if connection.our_state is not h11.SEND_RESPONSE:
            return False
        connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        connection.send(h11.EndOfMessage())
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return False
        connection.start_next_cycle()
        return True

    connection.receive_data(raw)
    return {"messages": messages, "fault": h11_messages(connection, messages, again)}


def h11_responses(method, raw, ends):
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    messages = []

    def ask():
        connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        connection.send(h11.EndOfMessage())

    def again():
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return False
        connection.start_next_cycle()
        ask()
        return True

    ask()
    connection.receive_data(raw)
    fault = h11_messages(connection, messages, again)
    if ends and fault is None and connection.their_state is h11.SEND_BODY:
        connection.receive_data(b"")
        fault = h11_messages(connection, messages, lambda: False)
    return {"messages": messages, "fault": fault}


def dechunked(raw):
    """Body and trailers of a chunked body that a reader called whole."""
    body, at = b"", 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end].split(b";")[0], 16)
        at = end + 2
        if size == 0:
            break
        body += raw[at:at + size]
        at += size + 2
    rows = raw[at:].split(b"\r\n")[:-2]
    parts = [row.partition(b":") for row in rows]
    return body, [(name.lower(), value.strip(b" \t")) for name, _, value in parts]


def ours(verdicts, raws):
    """Our reader passes bytes on as they are: here they become a body and trailers."""
    for verdict, raw in zip(verdicts, raws):
        for message in verdict["messages"]:
            message["whole"] = "end" in message
            body = raw[message["headEnd"]:message.get("end")]
            message["body"], message["trailers"] = body, []
            if message["whole"] and message["framing"] == "chunked":
                message["body"], message["trailers"] = dechunked(body)
    return verdicts
