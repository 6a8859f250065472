// What Node's own parser (llhttp, strict) makes of each case on standard input, a JSON line each.
// The cases and the answers are those of Fuzz's `verdicts`. Run with --expose-internals.
'use strict';
const { internalBinding } = require('internal/test/binding');
const { HTTPParser, methods } = internalBinding('http_parser');

const hex = (text) => Buffer.from(text, 'latin1').toString('hex');

function pairs(flat) {
  const found = [];
  for (let i = 0; i < flat.length; i += 2) found.push([hex(flat[i]), hex(flat[i + 1])]);
  return found;
}

function read(kind, ends, bytes) {
  const isRequest = kind === 'q';
  const parser = new HTTPParser();
  // The last number is the lenient flags: none.
  parser.initialize(isRequest ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 1 << 20, 0);
  const messages = [];
  let early = [];
  let target = '';
  let inHead = true;
  parser[HTTPParser.kOnMessageBegin] = () => { early = []; target = ''; inHead = true; };
  // Fields beyond the first few, and trailers, come by this.
  parser[HTTPParser.kOnHeaders] = (fields, url) => {
    if (inHead) { early.push(...fields); target += url; } else {
      messages[messages.length - 1].trailers.push(...pairs(fields));
    }
  };
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, fields, method, url, status) => {
    const message = { minor, whole: false, body: '', trailers: [] };
    message.fields = pairs([...early, ...(fields ?? [])]);
    if (major !== 1) message.minor = `${major}.${minor}`;
    if (isRequest) {
      message.method = hex(methods[method] ?? '');
      message.target = hex(url === undefined ? target : target + url);
    } else {
      message.status = status;
    }
    inHead = false;
    messages.push(message);
    // 1: there is no body, whatever the head says.
    return kind === 'h' ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (part) => {
    messages[messages.length - 1].body += part.toString('hex');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages[messages.length - 1].whole = true;
    early = [];
    inHead = true;
  };
  let fault = null;
  let result = parser.execute(bytes, 0, bytes.length);
  if (result instanceof Error) fault = result.code + ' ' + result.reason;
  else if (ends) {
    result = parser.finish();
    if (result instanceof Error) fault = result.code + ' ' + result.reason;
  }
  return { messages, fault };
}

const input = require('fs').readFileSync(0);
const lines = [];
for (let at = 0; at < input.length;) {
  const kind = String.fromCharCode(input[at]);
  const ends = input[at + 1] === 0x65;
  const length = input.readUInt32BE(at + 2);
  // With memory of its own: the parser keeps views of it.
  const bytes = Buffer.from(input.subarray(at + 6, at + 6 + length));
  lines.push(JSON.stringify(read(kind, ends, bytes)));
  at += 6 + length;
}
process.stdout.write(lines.join('\n') + '\n');
