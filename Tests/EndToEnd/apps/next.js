// What a Next.js development server does on the wire, without its 300 MB: immutable chunks, a page
// that streams, the WebSocket of hot reloading, and server actions that compare Origin with the
// host that was asked for, as Next's action handler does (a mismatch is its 500).
'use strict';
const crypto = require('crypto');
const http = require('http');

const chunk = (name) => Buffer.from(`// ${name}\n${name.repeat(2_000)}\n`);

const server = http.createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path.startsWith('/_next/static/chunks/')) {
    const body = chunk(path.slice(21));
    const tag = `"${crypto.createHash('md5').update(body).digest('hex')}"`;
    response.setHeader('Cache-Control', 'no-store, must-revalidate');
    response.setHeader('ETag', tag);
    if (request.headers['if-none-match'] === tag) return response.writeHead(304).end();
    response.setHeader('Content-Type', 'application/javascript; charset=UTF-8');
    return response.end(body);
  }
  if (request.method === 'POST' && request.headers['next-action']) return action(request, response);
  if (path === '/') {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', Vary: 'RSC' });
    response.write('<html><body><template id="B:0"></template>');
    return setTimeout(() => response.end('<div hidden id="S:0">late</div></body></html>'), 20);
  }
  response.writeHead(404).end();
});

function action(request, response) {
  const origin = request.headers.origin ? new URL(request.headers.origin).host : undefined;
  const host = request.headers['x-forwarded-host'] ?? request.headers.host;
  if (origin && origin !== host) {
    return response.writeHead(500).end('`x-forwarded-host` header does not match `origin` header');
  }
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  return request.on('end', () => {
    response.writeHead(200, { 'Content-Type': 'text/x-component' });
    response.end(`1:${JSON.stringify(Buffer.concat(pieces).toString())}\n`);
  });
}

server.on('upgrade', (request, socket) => {
  if (request.url !== '/_next/webpack-hmr') return socket.destroy();
  const accept = crypto.createHash('sha1').update(
    `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    + `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  const say = (text) => socket.write(Buffer.concat([Buffer.from([0x81, text.length]),
    Buffer.from(text)]));
  say('{"action":"sync"}');
  socket.on('data', (frame) => {
    if ((frame[0] & 15) === 8) return socket.end(Buffer.from([0x88, 0]));
    return say('{"event":"pong"}');
  });
  socket.on('error', () => socket.destroy());
  return undefined;
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
