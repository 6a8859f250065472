// Settings: the environment first, then .env.local, then .env (as Next.js reads them).
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** The names and values of one dotenv file; a missing file has none. */
export function parseEnv(text) {
  const values = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) continue;
    const quoted = /^(["'])(.*)\1$/.exec(match[2]);
    values[match[1]] = quoted ? quoted[2] : match[2].replace(/\s+#.*$/, "");
  }
  return values;
}

function fileValues(name) {
  try {
    return parseEnv(readFileSync(folder + name, "utf8"));
  } catch {
    return {};
  }
}

/** Read anew at each call, so that a secret pasted into .env.local counts at once. */
export function setting(name) {
  return process.env[name] || fileValues(".env.local")[name] || fileValues(".env")[name] || "";
}
