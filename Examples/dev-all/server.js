// An app as one has it on localhost:3000, without any package: webhooks that are verified over
// their raw body, a page with a WebSocket, and server-sent events.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { setting } from "./env.js";
import { githubFault, stripeFault, svixFault } from "./signatures.js";
import { accept } from "./ws.js";

const PORT = Number(process.env.PORT || 3000);
const HOST = process.env.HOST || "127.0.0.1";
/** GitHub's largest payload is 25 MB. */
const MAX_BODY = 25 * 1024 * 1024;

const webhooks = {
  "/api/users/webhook": {
    secret: "CLERK_WEBHOOK_SIGNING_SECRET",
    fault: svixFault,
    received: (event) => event.type,
  },
  "/api/stripe/webhook": {
    secret: "STRIPE_WEBHOOK_SECRET",
    fault: stripeFault,
    received: (event) => event.type,
  },
  "/api/github/webhook": {
    secret: "GITHUB_WEBHOOK_SECRET",
    fault: githubFault,
    received: (_, headers) => headers["x-github-event"] ?? "unnamed",
  },
};

const pages = {
  "/": async (request, response) => {
    const page = await readFile(new URL("page.html", import.meta.url));
    response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(page);
  },
  "/api/hello": (request, response) => json(response, 200, { hello: "from your laptop" }),
  "/events": events,
};

/** The body as it came. Signatures are over these bytes, so nothing may parse them before. */
async function rawBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function webhook(hook, request, response) {
  if (request.method !== "POST") return json(response, 405, { error: "POST only" });
  const secret = setting(hook.secret);
  if (!secret) return json(response, 500, { error: `${hook.secret} is not set` });
  const body = await rawBody(request);
  if (body === null) return json(response, 413, { error: "more than 25 MB" });
  const fault = hook.fault(request.headers, body, secret);
  if (fault) return json(response, 400, { error: fault });
  let event;
  try {
    event = JSON.parse(body);
  } catch {
    return json(response, 400, { error: "the body is no JSON" });
  }
  const received = hook.received(event ?? {}, request.headers) ?? "unnamed";
  console.log(`received ${received}`);
  return json(response, 200, { received });
}

/** Server-sent events: a line at once, then one every `?ms=` (1,000 if not said). */
function events(request, response) {
  const query = new URL(request.url, "http://localhost").searchParams;
  const every = Math.max(10, Number(query.get("ms")) || 1000);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  const send = () => response.write(`data: ${Date.now()}\n\n`);
  send();
  const timer = setInterval(send, every);
  response.on("close", () => clearInterval(timer));
}

function json(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value) + "\n");
}

const server = createServer((request, response) => {
  const path = request.url.split("?")[0];
  const answer = async () => {
    if (webhooks[path]) return webhook(webhooks[path], request, response);
    if (pages[path]) return pages[path](request, response);
    return json(response, 404, { error: "nothing here" });
  };
  answer().catch((error) => {
    console.error(error.message);
    if (response.headersSent) response.destroy();
    else json(response, 500, { error: "the app failed" });
  });
});

/** /ws says everything back; /clock tells the time each second. */
server.on("upgrade", (request, socket, rest) => {
  socket.on("error", () => socket.destroy());
  const path = request.url.split("?")[0];
  if (path !== "/ws" && path !== "/clock") {
    socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  const ws = accept(request, socket, rest);
  if (!ws) return;
  ws.onmessage = (data) => (data === "close please" ? ws.close() : ws.send(data));
  if (path !== "/clock") return;
  const tick = () => ws.send(new Date().toLocaleTimeString());
  tick();
  const timer = setInterval(tick, 1000);
  ws.onclose = () => clearInterval(timer);
});

server.on("error", (error) => {
  console.error(`cannot listen on ${HOST}:${PORT}: ${error.message}`);
  process.exit(1);
});
server.listen(PORT, HOST, () => {
  console.log(`app listening on http://localhost:${server.address().port}`);
});
