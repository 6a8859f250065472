"""What another reader refuses and ours accepts, by design: each with its source, and why it is safe.

Nothing here says that a message may be *read* otherwise: that is never allowed.
"""

import re

REASONS = {
    # RFC 9112 section 2.2: a server SHOULD ignore an empty line before the request line. h11 does
    # not. Ours takes one, and its edit takes it away: the app never sees it.
    "one CRLF before the request line": lambda reader, why, message, raw: (
        reader == "h11" and why == "no request line received"
        and raw[message["start"]:].startswith(b"\r\n")),
    # RFC 9110 section 9.1: methods are an open set. llhttp has a list of those it knows. Which ones
    # it serves is the app's to say; a method is a token here and there, so nothing else can be
    # hidden in it, and CONNECT is refused.
    "a method that llhttp has not heard of": lambda reader, why, message, raw: (
        reader in ("nio", "node")
        and (why == "invalid HTTP method" or why.startswith("HPE_INVALID_METHOD"))
        and re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}", message.get("method", b""))),
    # RFC 9112 section 7.1.1: a recipient ignores chunk extensions that it does not know. llhttp
    # checks their grammar; ours only that they hold HTAB and visible ASCII, so that no line end can
    # hide in them, and that the line is short. They pass as they are, and the app may still refuse.
    "a chunk extension that is no list of words": lambda reader, why, message, raw: (
        reader in ("nio", "node") and message["framing"] == "chunked"
        and (why == "strict mode assertion" or why.startswith("HPE_STRICT"))
        and b";" in raw[message["headEnd"]:]),
    # RFC 9110 section 15.2: a final response follows an interim one. llhttp takes `Connection: close`
    # in an interim head for the end of all. Ours waits for the final one; the interim head's
    # Connection is taken away by the edit (section 7.6.1), so no client ever meets this.
    "an interim head that says close": lambda reader, why, message, raw: (
        reader in ("nio", "node")
        and ("completed connection" in why or why.startswith("HPE_CLOSED_CONNECTION"))
        and re.match(rb"(?is)HTTP/1\.1 1\d\d[^\n]*\r\n(?:.*\n)?connection:[^\n]*close",
                     raw[:message["start"]])),
}


def reason_for(reader, what, why, message, case):
    """The name of the reason for a refusal, or None."""
    if what != "refused":
        return None
    for name, holds in REASONS.items():
        if holds(reader, why, message, case[2]):
            return name
    return None
