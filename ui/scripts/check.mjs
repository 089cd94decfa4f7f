// Everything that must hold before a change of the page is done: types, import order, unit tests, lockfile, a build into a
// temporary folder whose bytes equal dist/, and the size budget. `npm run build` first when the sources changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name) => join(root, "node_modules/.bin", name);

function must(title, command, args, env = {}) {
  const started = Date.now();
  const run = spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } });
  if (run.status !== 0) {
    console.error(`check: ${title} failed`);
    process.exit(1);
  }
  console.log(`check: ${title} (${Date.now() - started} ms)`);
}

function digest(folder) {
  const out = {};
  const walk = (path) => {
    for (const name of readdirSync(path)) {
      const at = join(path, name);
      if (statSync(at).isDirectory()) walk(at);
      else out[relative(folder, at)] = createHash("sha256").update(readFileSync(at)).digest("hex");
    }
  };
  walk(folder);
  return out;
}

must("types", bin("tsc"), ["--noEmit"]);
must("imports", process.execPath, ["scripts/check-imports.mjs"]);
must("unit tests", process.execPath, ["scripts/test.mjs"]);

const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const hosts = Object.entries(lock.packages).filter(([, entry]) => entry.resolved?.includes("://"));
if (hosts.length) {
  console.error(`check: package-lock.json names a registry host for ${hosts[0][0]}; ui/.npmrc keeps it out`);
  process.exit(1);
}

const out = mkdtempSync(join(tmpdir(), "clewline-page-"));
try {
  must("build", bin("vite"), ["build", "--logLevel", "warn"], { CLEWLINE_PAGE_OUT: out });
  const [fresh, kept] = [digest(out), digest(join(root, "dist"))];
  const differ = [...new Set([...Object.keys(fresh), ...Object.keys(kept)])].filter((name) => fresh[name] !== kept[name]);
  if (differ.length) {
    console.error(`check: dist/ is not what the sources build:\n  ${differ.join("\n  ")}\nRun \`npm run build\` and check dist/ in.`);
    process.exit(1);
  }
  must("size", process.execPath, ["scripts/size.mjs", out]);
} finally {
  rmSync(out, { recursive: true, force: true });
}
console.log("check: all good");
