// The common routes of test_upstreams.py on Node's own http server.
'use strict';
const http = require('http');

const LARGE = Buffer.alloc(5 << 20, 0xa5);

const server = http.createServer((request, response) => {
  const path = request.url.split('?')[0];
  if (path === '/echo') {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      response.setHeader('X-Method', request.method);
      response.setHeader('X-Seen-Host', request.headers['x-forwarded-host']);
      response.end(body);
    });
  } else if (path === '/large') {
    response.end(LARGE);
  } else if (path === '/stream') {
    // Without a length: chunked to HTTP/1.1, until the close to HTTP/1.0.
    response.write('first ');
    setImmediate(() => response.end('second'));
  } else if (path === '/nothing') {
    response.writeHead(204).end();
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no such page');
  }
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
