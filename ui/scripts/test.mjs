// Unit tests: every src/**/*.test.ts, bundled with the build tool we have and run by node's own test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = mkdtempSync(join(tmpdir(), "clewline-page-test-"));
const tests = readdirSync(join(root, "src"), { recursive: true }).filter((path) => path.endsWith(".test.ts"));
try {
  await build({
    root, configFile: false, logLevel: "error",
    build: { ssr: true, outDir: out, target: "node20", minify: false, rollupOptions: { input: Object.fromEntries(tests.map((path) => [path.replaceAll("/", "-").replace(/\.ts$/, ""), join(root, "src", path)])), output: { entryFileNames: "[name].mjs" } } },
  });
  const files = readdirSync(out).filter((name) => name.endsWith(".test.mjs")).map((name) => join(out, name));
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=dot", ...files], { stdio: "inherit", env: { ...process.env, TZ: "Europe/Berlin" } });
  process.exitCode = run.status ?? 1;
  console.log(`\ntests: ${files.length} files, ${process.exitCode ? "FAILED" : "passed"}`);
} finally {
  rmSync(out, { recursive: true, force: true });
}
