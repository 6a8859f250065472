// `dev` and `dev:webhook` side by side without any package. Both end together, with one Ctrl-C.
import { spawn } from "node:child_process";

const names = ["dev", "dev:webhook"];
const children = names.map((name) => spawn("npm", ["run", "--silent", name], { stdio: "inherit" }));
let ended = false;

function end(code) {
  if (ended) return;
  ended = true;
  process.exitCode = code;
  for (const child of children) child.kill("SIGTERM");
}

for (const child of children) {
  child.on("exit", (code) => end(code ?? 0));
  child.on("error", (error) => {
    console.error(error.message);
    end(1);
  });
}
// The terminal sends Ctrl-C to the children itself; this process only waits for them.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => end(0));
