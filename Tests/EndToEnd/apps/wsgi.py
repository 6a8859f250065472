"""The common routes of test_upstreams.py as a Flask app, on its development server."""

import logging

import flask
from werkzeug.serving import WSGIRequestHandler, make_server

app = flask.Flask(__name__)
LARGE = b"\xa5" * (5 << 20)


class Handler(WSGIRequestHandler):
    """Keeps its connections, which the development server does not by itself."""

    protocol_version = "HTTP/1.1"


@app.route("/echo", methods=["GET", "POST", "PUT", "DELETE", "HEAD"])
def echo():
    request = flask.request
    return flask.Response(request.get_data(), headers={
        "X-Method": request.method, "X-Seen-Host": request.headers.get("X-Forwarded-Host", "")})


@app.route("/large")
def large():
    return flask.Response(LARGE)


@app.route("/stream")
def stream():
    return flask.Response(piece for piece in ("first ", "second"))


@app.route("/nothing")
def nothing():
    return "", 204


@app.errorhandler(404)
def missing(_):
    return flask.Response("no such page", 404, content_type="text/plain")


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()
