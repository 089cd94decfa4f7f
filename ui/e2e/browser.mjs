// A browser for the tests: Chromium without network features, every console error and CSP report collected.
// BASE_URL names a running server; without it the mock starts. SCREENSHOT_DIR, when set, receives pictures.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { start } from "../mock/server.mjs";

const ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export async function open({ viewport = { width: 1440, height: 900 }, colorScheme = "light", locale = "en-GB", spans = 10_000 } = {}) {
  const mock = process.env.BASE_URL ? null : await start({ spans });
  const base = process.env.BASE_URL ?? mock.url;
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
  const context = await browser.newContext({ viewport, colorScheme, locale, timezoneId: "Europe/Berlin" });
  const page = await context.newPage();
  const faults = [];
  const allowed = [];
  const report = (text) => {
    if (!allowed.some((pattern) => pattern.test(text))) faults.push(text);
  };
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && report(`${message.text()} (${message.location().url})`));
  page.on("pageerror", (error) => report(`${error.message}\n${error.stack}`));
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
  });
  const shots = process.env.SCREENSHOT_DIR;
  if (shots) mkdirSync(shots, { recursive: true });
  return {
    mock, base, page, faults,
    /** Faults that a step provokes on purpose (a 400 shows up on the console). */
    allow: (pattern) => allowed.push(pattern),
    async shot(name) {
      if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
    },
    async violations() {
      return page.evaluate(() => window.violations);
    },
    async close() {
      await browser.close();
      mock?.close();
    },
  };
}

export function expect(condition, text) {
  if (!condition) throw new Error(`expected: ${text}`);
}
