// End-to-end: walks the built page in a real browser, with the content security policy really sent.
// Fails on a missed promise, a console error, or a CSP violation.
import { open } from "./browser.mjs";
import { walk } from "./walk.mjs";

/** A test that cannot fail is a defect: a style attribute must be reported as a violation and as a console error. */
async function canary({ page, faults, violations }) {
  const before = faults.length;
  await page.evaluate(() => document.body.setAttribute("style", "color: red"));
  await page.waitForTimeout(200);
  const seen = await violations();
  if (!seen.some((v) => v.startsWith("style-src"))) throw new Error("the canary was not reported: is the content security policy sent?");
  if (faults.length === before) throw new Error("the canary left no console error: are console errors collected?");
  faults.splice(before);
  console.log("  ✓ the canary was caught");
}

const session = await open();
let failed = false;
try {
  await walk(session);
  await canary(session);
} catch (error) {
  failed = true;
  console.error(`  ✗ ${error.message}`);
  await session.shot("failure");
}
if (session.faults.length) {
  failed = true;
  console.error(`console faults:\n${session.faults.map((f) => `  - ${f}`).join("\n")}`);
}
await session.close();
console.log(failed ? "e2e: FAILED" : "e2e: passed");
process.exit(failed ? 1 : 0);
