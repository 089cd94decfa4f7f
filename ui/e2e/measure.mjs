// Measures what docs/page.md promises: first paint, a trace of 100,000 spans, frames while scrolling and zooming, the tail.
// Usage: node e2e/measure.mjs [spans]
import { BIG_TRACE } from "../mock/data.mjs";
import { open } from "./browser.mjs";

const spans = Number(process.argv[2] ?? 100_000);
process.env.MOCK_TAIL_RATE ??= "5000";
const session = await open({ spans });
const { page, base } = session;

/** Frame times in ms while `act` runs. */
async function frames(act) {
  await page.evaluate(() => {
    window.times = [];
    window.counting = true;
    let last = performance.now();
    const tick = (now) => {
      window.times.push(now - last);
      last = now;
      if (window.counting) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await act();
  const times = (await page.evaluate(() => ((window.counting = false), window.times))).slice(2).sort((a, b) => a - b);
  const at = (q) => times[Math.min(times.length - 1, Math.floor(times.length * q))]?.toFixed(1);
  return `${times.length} frames, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`;
}

await page.goto(`${base}/search?lang=en&start=now-3h`);
await page.locator(".record").first().waitFor();
const paint = await page.evaluate(() => ({ first: performance.getEntriesByName("first-contentful-paint")[0]?.startTime, requests: performance.getEntriesByType("resource").length }));
console.log(`search: first contentful paint ${paint.first?.toFixed(0)} ms, ${paint.requests} requests`);

const started = Date.now();
await page.goto(`${base}/trace/${BIG_TRACE}`);
await page.locator(".wf-row").nth(5).waitFor({ timeout: 60_000 });
const marks = await page.evaluate(() => {
  const entry = performance.getEntriesByType("resource").find((e) => e.name.includes("/traces/"));
  return { answered: entry.responseEnd, now: performance.now(), bytes: entry.decodedBodySize, heap: performance.memory?.usedJSHeapSize };
});
console.log(`trace of ${spans} spans: ${Date.now() - started} ms in all; answer of ${(marks.bytes / 1e6).toFixed(1)} MB complete at ${marks.answered.toFixed(0)} ms, rows shown ${(marks.now - marks.answered).toFixed(0)} ms later; heap ${((marks.heap ?? 0) / 1e6).toFixed(0)} MB`);

const box = await page.locator(".wf-view > canvas").boundingBox();
await page.mouse.move(box.x + 200, box.y + 200);
console.log(`scroll: ${await frames(async () => { for (let i = 0; i < 60; i++) { await page.mouse.wheel(0, 900); await page.waitForTimeout(16); } })}`);
await page.keyboard.down("Control");
console.log(`zoom:   ${await frames(async () => { for (let i = 0; i < 60; i++) { await page.mouse.wheel(0, i < 30 ? -60 : 60); await page.waitForTimeout(16); } })}`);
await page.keyboard.up("Control");
const folded = await page.evaluate(() => performance.now());
await page.keyboard.press("[");
await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
console.log(`collapse all: ${((await page.evaluate(() => performance.now())) - folded).toFixed(0)} ms`);

await page.goto(`${base}/search?lang=en&live=1`);
await page.locator(".record").nth(20).waitFor();
await page.waitForTimeout(1500);
console.log(`tail at ${process.env.MOCK_TAIL_RATE}/s: ${await frames(() => page.waitForTimeout(4000))}; ${await page.locator(".livebar .num").first().innerText()}`);
await session.close();
