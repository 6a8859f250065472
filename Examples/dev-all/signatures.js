// Webhook signatures, checked over the raw body: the bytes as they came, never JSON made anew.
// Each function answers null for "genuine", or the reason why not.
import { createHmac, timingSafeEqual } from "node:crypto";

const TOLERANCE_S = 5 * 60;

/** Svix, which signs for Clerk: HMAC-SHA256 over `id.timestamp.body`, key in base64. */
export function svixFault(headers, body, secret, nowSeconds = Date.now() / 1000) {
  const id = headers["svix-id"];
  const timestamp = headers["svix-timestamp"];
  const signatures = headers["svix-signature"];
  if (!id || !timestamp || !signatures) return "svix-id, svix-timestamp or svix-signature missing";
  const late = timestampFault(timestamp, nowSeconds);
  if (late) return late;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = hmac(key, `${id}.${timestamp}.`, body).toString("base64");
  // While a secret is being rotated there are several, with a blank between.
  const given = signatures.split(" ").filter((part) => part.startsWith("v1,"));
  return given.some((part) => equal(part.slice(3), expected)) ? null : "no signature matches";
}

/** Stripe: `t=…,v1=…`, HMAC-SHA256 in hex over `t.body`, the secret as it is written. */
export function stripeFault(headers, body, secret, nowSeconds = Date.now() / 1000) {
  const field = headers["stripe-signature"];
  if (!field) return "stripe-signature missing";
  const parts = field.split(",").map((part) => part.trim().split("="));
  const timestamp = parts.find(([name]) => name === "t")?.[1] ?? "";
  const late = timestampFault(timestamp, nowSeconds);
  if (late) return late;
  const expected = hmac(secret, `${timestamp}.`, body).toString("hex");
  const given = parts.filter(([name]) => name === "v1");
  return given.some(([, value]) => equal(value ?? "", expected)) ? null : "no signature matches";
}

/** GitHub: `sha256=…`, HMAC-SHA256 in hex over the body alone; it signs no time. */
export function githubFault(headers, body, secret) {
  const field = headers["x-hub-signature-256"];
  if (!field) return "x-hub-signature-256 missing";
  const expected = "sha256=" + hmac(secret, "", body).toString("hex");
  return equal(field, expected) ? null : "no signature matches";
}

function timestampFault(text, nowSeconds) {
  if (!/^\d{1,15}$/.test(text)) return "the timestamp is no number";
  const away = Math.round(Math.abs(nowSeconds - Number(text)));
  return away > TOLERANCE_S ? `the timestamp is ${away} s away, ${TOLERANCE_S} are allowed` : null;
}

function hmac(key, prefix, body) {
  return createHmac("sha256", key).update(prefix).update(body).digest();
}

/** Takes the same time wherever two texts differ, so that nobody can guess byte by byte. */
function equal(left, right) {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
