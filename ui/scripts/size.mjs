// The byte budget. First page = what index.html pulls in before anything is clicked: its script, the chunks that script
// imports statically, and its style. Sizes are gzip -9, as a server would send them.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

export const FIRST_PAGE_BYTES_MAX = 120_000;
export const ALL_BYTES_MAX = 300_000;

export function measure(dist) {
  const assets = join(dist, "assets");
  const sizes = new Map(readdirSync(assets).map((name) => [name, gzipSync(readFileSync(join(assets, name)), { level: 9 }).length]));
  const first = new Set();
  const take = (name) => {
    if (!sizes.has(name) || first.has(name)) return;
    first.add(name);
    if (!name.endsWith(".js")) return;
    const text = readFileSync(join(assets, name), "utf8");
    for (const [, target] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) take(target);
  };
  const html = readFileSync(join(dist, "index.html"), "utf8");
  for (const [, path] of html.matchAll(/(?:src|href)="\/([^"]+)"/g)) take(basename(path));
  const sum = (names) => [...names].reduce((total, name) => total + sizes.get(name), 0);
  return { sizes, first, firstBytes: sum(first), allBytes: sum(sizes.keys()) };
}

/** What the built page must not contain: inline code, foreign addresses, HTML sinks. */
export function faultsOf(dist) {
  const faults = [];
  const html = readFileSync(join(dist, "index.html"), "utf8");
  if (/<script(?![^>]*\bsrc=)/.test(html) || /<style|\sstyle=|\son\w+=/.test(html)) faults.push("index.html has inline script or style, which the content security policy forbids");
  if (/(?:src|href)="(?:https?:)?\/\//.test(html)) faults.push("index.html asks another host");
  for (const name of readdirSync(join(dist, "assets"))) {
    const text = readFileSync(join(dist, "assets", name), "utf8");
    if (/\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write\(|new Function\(|\beval\(/.test(text)) faults.push(`assets/${name} has an HTML or code sink`);
    if (name.endsWith(".css") && /url\((?!["']?data:)|@import/.test(text)) faults.push(`assets/${name} loads something else`);
  }
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url));
  const { sizes, first, firstBytes, allBytes } = measure(dist);
  for (const [name, bytes] of sizes) console.log(`  ${String(bytes).padStart(7)} B gz  ${first.has(name) ? "first" : "later"}  ${name}`);
  console.log(`size: first page ${firstBytes} B of ${FIRST_PAGE_BYTES_MAX}, all ${allBytes} B of ${ALL_BYTES_MAX} (gzip)`);
  const faults = faultsOf(dist);
  if (firstBytes > FIRST_PAGE_BYTES_MAX) faults.push("the first page is over its budget");
  if (allBytes > ALL_BYTES_MAX) faults.push("the whole page is over its budget");
  for (const fault of faults) console.error(`size: ${fault}`);
  process.exit(faults.length ? 1 : 0);
}
