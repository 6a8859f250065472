// A WebSocket by hand (RFC 6455), enough for an echo and a clock: text, binary, fragments,
// ping, pong and close. A real app would take a package.
import { createHash } from "node:crypto";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const MAX_MESSAGE = 16 * 1024 * 1024;
const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];

/** Answers the upgrade; `ws` then has send(text or bytes), ping(), close(code), onmessage, onclose. */
export function accept(request, socket, rest) {
  const key = request.headers["sec-websocket-key"];
  const asked = (request.headers.upgrade ?? "").toLowerCase() === "websocket";
  if (!asked || !key || request.headers["sec-websocket-version"] !== "13") {
    socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return null;
  }
  const answer = createHash("sha1").update(key + GUID).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${answer}\r\n\r\n`,
  );
  return connect(socket, rest);
}

function connect(socket, rest) {
  const ws = {
    onmessage: () => {},
    onclose: () => {},
    send: (data) =>
      write(socket, typeof data === "string" ? TEXT : BINARY, Buffer.from(data)),
    ping: () => write(socket, PING, Buffer.alloc(0)),
    close: (code = 1000) => {
      write(socket, CLOSE, codeBytes(code));
      socket.end();
    },
  };
  const reader = new Reader(ws, socket);
  const take = (bytes) => {
    const fault = reader.receive(bytes);
    if (fault) ws.close(fault);
  };
  socket.on("data", take);
  socket.on("close", () => ws.onclose());
  socket.on("end", () => socket.end());
  socket.on("error", () => socket.destroy());
  socket.setNoDelay(true);
  // The caller sets its handlers first, then come bytes that arrived with the head.
  if (rest.length) setImmediate(take, rest);
  return ws;
}

/** Frames out of chopped bytes, messages out of frames. */
class Reader {
  constructor(ws, socket) {
    this.ws = ws;
    this.socket = socket;
    this.chunks = [];
    this.length = 0;
    this.need = 2;
    this.parts = [];
    this.partsLength = 0;
    this.kind = 0;
    this.over = false;
  }

  /** Answers a close code if the peer broke the rules, else null. */
  receive(bytes) {
    this.chunks.push(bytes);
    this.length += bytes.length;
    while (!this.over && this.length >= this.need) {
      const buffer = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
      this.chunks = [buffer];
      const head = frameHead(buffer);
      if (head === null) {
        this.need = this.length + 1;
        break;
      }
      if (head.fault || head.length > MAX_MESSAGE) return this.fail(head.fault ?? 1009);
      this.need = head.start + head.length;
      if (this.length < this.need) break;
      const payload = unmask(buffer.subarray(head.start, this.need), head.mask);
      this.chunks = [buffer.subarray(this.need)];
      this.length -= this.need;
      this.need = 2;
      const fault = this.frame(head, payload);
      if (fault) return this.fail(fault);
    }
    return null;
  }

  fail(code) {
    this.over = true;
    return code;
  }

  frame({ final, opcode }, payload) {
    if (opcode >= CLOSE && (opcode > PONG || !final || payload.length > 125)) return 1002;
    if (opcode === PING) write(this.socket, PONG, payload);
    if (opcode === CLOSE) {
      this.over = true;
      write(this.socket, CLOSE, payload.subarray(0, 2));
      this.socket.end();
    }
    if (opcode >= CLOSE) return null;
    const continues = opcode === CONTINUATION;
    if (opcode > BINARY || continues !== this.parts.length > 0) return 1002;
    if (!continues) this.kind = opcode;
    this.parts.push(payload);
    this.partsLength += payload.length;
    if (this.partsLength > MAX_MESSAGE) return 1009;
    if (final) this.message();
    return null;
  }

  message() {
    const whole = Buffer.concat(this.parts);
    this.parts = [];
    this.partsLength = 0;
    this.ws.onmessage(this.kind === TEXT ? whole.toString("utf8") : whole);
  }
}

/** Where a frame's payload begins and ends; null while its head is not whole. */
function frameHead(buffer) {
  const opcode = buffer[0] & 0x0f;
  if ((buffer[0] & 0x70) !== 0 || (buffer[1] & 0x80) === 0) return { fault: 1002 };
  let length = buffer[1] & 0x7f;
  let start = 2;
  if (length === 126) start = 4;
  if (length === 127) start = 10;
  if (buffer.length < start + 4) return null;
  if (start === 4) length = buffer.readUInt16BE(2);
  if (start === 10) length = Number(buffer.readBigUInt64BE(2));
  const mask = buffer.subarray(start, start + 4);
  return { final: (buffer[0] & 0x80) !== 0, opcode, length, mask, start: start + 4 };
}

function unmask(bytes, mask) {
  const clear = Buffer.from(bytes);
  for (let i = 0; i < clear.length; i += 1) clear[i] ^= mask[i & 3];
  return clear;
}

function codeBytes(code) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(code);
  return bytes;
}

function write(socket, opcode, payload) {
  if (!socket.writable) return;
  let head = Buffer.from([0x80 | opcode, payload.length]);
  if (payload.length > 65535) {
    head = Buffer.alloc(10);
    head.writeBigUInt64BE(BigInt(payload.length), 2);
    head[1] = 127;
  } else if (payload.length > 125) {
    head = Buffer.alloc(4);
    head.writeUInt16BE(payload.length, 2);
    head[1] = 126;
  }
  head[0] = 0x80 | opcode;
  socket.write(Buffer.concat([head, payload]));
}
