"""The main job: a signed webhook is verified by the app from the raw body."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from datetime import datetime, timezone

import stripe
from svix.webhooks import Webhook

from harness.wire import ask

CLERK = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
STRIPE = "whsec_" + secrets.token_hex(16)
GITHUB = secrets.token_hex(20)

# As Clerk sends it: blanks, escapes and non-ASCII text that a re-serialised body would lose.
USER_CREATED = (
    '{"data": {"birthday": "", "created_at": 1654012591514, "email_addresses": '
    '[{"email_address": "ex\\u00e4mple@example.org", "id": "idn_29w83yL7CwVlJXylYLxcslromF1"}],'
    ' "first_name": "Zoë", "id": "user_29w83sxmDNGwOuEthce5gg56FcC", "last_name": "\\/"},'
    '  "object": "event", "type": "user.created", "timestamp": 1654012591835, "n": 1.0}')


def json_field(*more):
    return [("Content-Type", "application/json"), *more]


def svix_fields(body, secret=CLERK, at=None):
    at = at or datetime.now(timezone.utc)
    identifier = "msg_" + secrets.token_hex(12)
    return json_field(("svix-id", identifier), ("svix-timestamp", str(int(at.timestamp()))),
                      ("svix-signature", Webhook(secret).sign(identifier, at, body)))


def test_clerks_user_created_is_verified(serve, example, relay, domain, full):
    app = example(CLERK_WEBHOOK_SIGNING_SECRET=CLERK)
    agent = serve(app.port, json_lines=False)
    agent.wait_line(rf"^Forwarding +\S+{domain}\S* -> http://localhost:{app.port}$")
    for _ in range(50 if full else 3):
        got = ask(relay.port, domain, "/api/users/webhook", "POST", svix_fields(USER_CREATED),
                  USER_CREATED.encode())
        assert (got.status, json.loads(got.body)) == (200, {"received": "user.created"})
    # The agent still runs and its stdout is a pipe: the line is there at once, not at the end.
    line = agent.wait_line(
        r"^\d\d:\d\d:\d\d\.\d{3} POST /api/users/webhook 200 OK \d+ms", deadline=2)
    print(line.string)


def test_a_changed_body_or_another_secret_is_refused_by_the_app(serve, example, relay, domain):
    app = example(CLERK_WEBHOOK_SIGNING_SECRET=CLERK)
    serve(app.port)
    other = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    for fields, body in [(svix_fields(USER_CREATED), USER_CREATED + " "),
                         (svix_fields(USER_CREATED, secret=other), USER_CREATED)]:
        got = ask(relay.port, domain, "/api/users/webhook", "POST", fields, body.encode())
        assert (got.status, json.loads(got.body)) == (400, {"error": "no signature matches"})


def test_stripes_event_is_verified(serve, example, relay, domain):
    app = example(STRIPE_WEBHOOK_SECRET=STRIPE)
    agent = serve(app.port)
    body = json.dumps({"id": "evt_1", "object": "event", "type": "invoice.paid"}, indent=2)
    field = stripe.WebhookSignature.generate_signature_header(body, STRIPE, int(time.time()))
    got = ask(relay.port, domain, "/api/stripe/webhook", "POST",
              json_field(("Stripe-Signature", field)), body.encode())
    assert (got.status, json.loads(got.body)) == (200, {"received": "invoice.paid"})
    agent.wait_event("request", method="POST", path="/api/stripe/webhook", status=200)


def test_githubs_largest_push_is_verified(serve, example, relay, domain):
    app = example(GITHUB_WEBHOOK_SECRET=GITHUB)
    serve(app.port)
    padding = secrets.token_hex((25 * 1024 * 1024 - 40) // 2)
    body = json.dumps({"ref": "refs/heads/main", "pad": padding}).encode()[:25 * 1024 * 1024]
    signature = "sha256=" + hmac.new(GITHUB.encode(), body, hashlib.sha256).hexdigest()
    fields = json_field(("X-GitHub-Event", "push"), ("X-Hub-Signature-256", signature))
    got = ask(relay.port, domain, "/api/github/webhook", "POST", fields, body)
    assert (got.status, json.loads(got.body)) == (200, {"received": "push"})
    assert len(body) > 25_000_000
