// The order of the folders: each may import only from itself and from those before it; feature pages never from each other.
//   base ← api ← model ← state ← widgets ← features/<page> ← app
// Why: what is below can then be understood, tested and changed without what is above. Says the reason when it fails.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ORDER = ["base", "api", "model", "state", "widgets", "features", "app"];
const WHY = {
  base: "base knows nothing of Clewline's server or pages",
  api: "api is the only door to the server; it must not depend on how the page looks or where it stands",
  model: "model is pure mathematics, tested without a browser; state, widgets and pages would drag one in",
  state: "state is what the address says; if it knew a widget, two widgets could disagree about it",
  widgets: "a widget that knows a page serves only that page",
  features: "a page that knows another cannot be loaded, or removed, alone; move what both need into widgets or model",
};
const LINES_MAX = 400;

/** Returns the reasons for which `files` (path → text) break the rules. Paths are relative to src. */
export function faultsOf(files) {
  const faults = [];
  for (const [path, text] of Object.entries(files)) {
    const [layer, page] = path.split("/");
    const lines = text.split("\n").length;
    if (lines > LINES_MAX) faults.push(`${path}: ${lines} lines. A file over about 300 lines wants to be two.`);
    if (/\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b/.test(text.replace(/\/\/.*$/gm, "")) ) faults.push(`${path}: writes HTML. Telemetry is hostile; everything goes through text nodes.`);
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
      if (!target.startsWith(".")) {
        if (!/^(solid-js|#dom|node:)/.test(target)) faults.push(`${path}: imports ${target}. The page has one runtime dependency, solid-js; a second enters with its size and reason in docs/page.md.`);
        else if (target.startsWith("node:") && !path.endsWith(".test.ts")) faults.push(`${path}: imports ${target}, which no browser has.`);
        continue;
      }
      const to = relative(".", resolve(dirname(path), target)).split("/");
      if (layer === "features" && to[0] === "features" && to[1] !== page) faults.push(`${path}: imports ${to.join("/")}. Why not: ${WHY.features}.`);
      if (ORDER.indexOf(to[0]) > ORDER.indexOf(layer)) faults.push(`${path}: imports ${to.join("/")}, which lies above it. Why not: ${WHY[layer]}.`);
    }
  }
  return faults;
}

function readAll(root) {
  const out = {};
  const walk = (folder) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (/\.tsx?$/.test(name)) out[relative(root, path)] = readFileSync(path, "utf8");
    }
  };
  walk(root);
  return out;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // The canary: rules that cannot fail are no rules.
  const canary = { "model/x.ts": 'import { a } from "../widgets/a.ts";', "features/a/p.tsx": 'import "../b/q.tsx";', "base/y.ts": 'import "left-pad";', "app/z.ts": "el.innerHTML = text;" };
  for (const [path, text] of Object.entries(canary)) {
    if (faultsOf({ [path]: text }).length !== 1) throw new Error(`the canary ${path} was not caught once`);
  }
  const files = readAll(fileURLToPath(new URL("../src", import.meta.url)));
  const faults = faultsOf(files);
  for (const fault of faults) console.error(`imports: ${fault}`);
  if (faults.length) process.exit(1);
  console.log(`imports: ${Object.keys(files).length} files keep the order ${ORDER.join(" ← ")}`);
}
