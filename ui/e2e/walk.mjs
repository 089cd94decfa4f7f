// One walk through the page, as a newcomer would take it. Each step is one promise of docs/page.md.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BIG_TRACE, BROKEN_TRACE, SHOP_TRACE } from "../mock/data.mjs";
import { expect } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Rules of WCAG 2.2 AA, judged by axe on the page as it stands. Evaluated from outside, so the policy needs no exception. */
async function accessible(page) {
  await page.evaluate(`${AXE}; undefined`);
  return page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
    return violations.map((v) => `${v.id}: ${v.help} (${v.nodes.length}): ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(" | ")}`);
  });
}

export async function walk({ page, base, mock, shot, allow, violations }) {
  const rows = () => page.locator(".record").count();
  const total = async () => Number((await page.locator(".legend > b").innerText()).replaceAll(/\D/g, ""));
  const settle = () => page.waitForTimeout(250);

  const step = async (name, run) => {
    const started = Date.now();
    await run();
    expect((await violations()).length === 0, `no CSP violation after "${name}": ${JSON.stringify(await violations())}`);
    console.log(`  ✓ ${name} (${Date.now() - started} ms)`);
  };

  await step("search shows logs and a histogram", async () => {
    await page.goto(`${base}/search?lang=en&start=now-3h`);
    await page.locator(".record").first().waitFor();
    expect((await rows()) > 10, "rows");
    expect((await total()) > 1000, "a total in the thousands");
    await settle();
    await shot("search-light");
  });

  await step("a click on a level filters, and again takes it back", async () => {
    const before = await total();
    await page.locator(".legend .group", { hasText: "error" }).click();
    await page.waitForURL(/level%3A%3Derror/);
    await settle();
    expect((await total()) < before, "fewer errors than records");
    await page.locator(".legend .group", { hasText: "error" }).click();
    await page.waitForURL((url) => !url.search.includes("level"));
  });

  await step("a drag on the histogram zooms, back returns", async () => {
    await settle();
    const box = await page.locator(".plot canvas").boundingBox();
    await page.mouse.move(box.x + box.width * 0.4, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 5 });
    await shot("search-drag");
    await page.mouse.up();
    await page.waitForURL(/start=20\d\d/);
    await settle();
    expect((await rows()) > 0, "rows in the zoomed range");
    await page.goBack();
    await settle();
  });

  await step("the list pages on while scrolling", async () => {
    const loaded = async () => Number((await page.locator(".trust .num").first().innerText()).split(" ")[0].replaceAll(",", ""));
    const before = await loaded();
    for (let i = 0; i < 4; i++) {
      await page.locator(".list").evaluate((el) => el.scrollTo(0, el.scrollHeight));
      await settle();
    }
    expect((await loaded()) > before, "more rows loaded");
    expect((await rows()) < 120, "only rows in view in the document");
    await page.locator(".list").evaluate((el) => el.scrollTo(0, 0));
  });

  await step("a record opens, its values edit the query, big integers keep their digits", async () => {
    await page.locator(".record", { hasText: "payment" }).first().click();
    await page.locator(".detail").waitFor();
    expect(/sel=/.test(page.url()), "selection in the address");
    const text = await page.locator(".detail").innerText();
    expect(text.includes("9007199254740993123"), "all digits of a 64-bit integer");
    await shot("search-detail");
    await page.locator(".detail .segmented button", { hasText: "JSON" }).click();
    expect((await page.locator(".detail pre").innerText()).includes('"order.big": 9007199254740993123'), "JSON view");
    await page.locator(".detail .segmented button").first().click();
    const member = page.locator(".member", { hasText: "service" }).first();
    await member.hover();
    await member.locator("button", { hasText: "+" }).click();
    await page.waitForURL(/service%3A%3Dpayment/);
    await page.keyboard.press("Escape");
  });

  await step("a link to a record opens it, wherever it stands in the list", async () => {
    const address = page.url();
    await page.locator(".list").evaluate((el) => el.scrollTo(0, el.scrollHeight));
    await settle();
    await page.locator(".record").last().click();
    await page.locator(".detail").waitFor();
    const key = new URL(page.url()).searchParams.get("sel");
    await page.goto(`${base}/search?lang=en&start=now-3h&sel=${encodeURIComponent(key)}`);
    await page.locator(".detail").waitFor();
    await page.goto(address);
    await page.locator(".record").first().waitFor();
  });

  await step("suggestions: field, then value with counts", async () => {
    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type("lev");
    await page.locator(".suggestions li", { hasText: "level" }).first().waitFor();
    await page.keyboard.press("Tab");
    await page.locator(".suggestions li", { hasText: "warn" }).waitFor();
    await shot("search-suggest");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/q=level/);
  });

  await step("a wrong query points at its column", async () => {
    allow(/400 \(Bad Request\)/);
    await page.keyboard.press("/");
    await page.keyboard.press("Control+a");
    await page.keyboard.type('level:error "oops');
    await page.keyboard.press("Enter");
    await page.locator(".caret").waitFor();
    await shot("search-error");
    const caret = (await page.locator(".caret").textContent()).split("\n")[1];
    expect(caret.indexOf("^") === 12, `the caret stands at column 13, not ${caret.indexOf("^") + 1}`);
  });

  await step("pipes give a table", async () => {
    await page.goto(`${base}/search?lang=en&start=now-3h&q=${encodeURIComponent("* | stats count() by (service, level)")}`);
    await page.locator(".table-row").first().waitFor();
    await page.keyboard.press("c");
    await settle();
    await shot("search-table");
    await page.keyboard.press("c");
  });

  await step("hostile text stays text", async () => {
    await page.goto(`${base}/search?lang=en&start=now-3h&q=service%3A%3Dhostile`);
    await page.locator(".record").first().waitFor();
    await page.locator(".record").first().click();
    await page.locator(".detail .body").waitFor();
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press("j");
      await page.waitForTimeout(60);
    }
    await shot("hostile");
    expect(await page.evaluate(() => window.hacked === undefined), "no script of a record ran");
    expect((await page.locator(".chip").count()) > 0, "invisible characters are shown");
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the layout holds");
  });

  await step("spans, and from a span to its trace", async () => {
    await page.goto(`${base}/search?lang=en&signal=spans&q=trace_id%3A%3D${SHOP_TRACE}`);
    await page.locator(".record").first().waitFor();
    await settle();
    await shot("spans");
    await page.locator(".record").first().click();
    await page.locator(".detail a", { hasText: "Open trace" }).click();
    await page.waitForURL(/\/trace\//);
    await page.locator(".wf-row").first().waitFor();
  });

  await step("trace: keys, detail, logs, services", async () => {
    await page.locator(".wf-row").nth(3).click();
    await page.keyboard.press("ArrowDown");
    await page.locator(".detail .facts").waitFor();
    await settle();
    await shot("trace");
    const before = await page.locator(".wf-row").count();
    await page.keyboard.press("[");
    await settle();
    expect((await page.locator(".wf-row").count()) < before, "collapsed rows are gone");
    await page.keyboard.press("]");
    await page.locator(".detail-tabs button", { hasText: "Logs" }).click();
    await page.locator(".log-line").first().waitFor();
    await settle();
    await shot("trace-logs");
    await page.locator(".detail-tabs button", { hasText: "Services" }).click();
    await page.locator(".share").first().waitFor();
    await settle();
    await shot("trace-services");
  });

  await step("trace: missing parents have badges", async () => {
    await page.goto(`${base}/trace/${BROKEN_TRACE}`);
    await page.locator(".wf-row .badge.warn").first().waitFor();
    await settle();
    await shot("trace-broken");
  });

  await step("trace: ten thousand spans", async () => {
    await page.goto(`${base}/trace/${BIG_TRACE}`);
    await page.locator(".wf-row").first().waitFor();
    expect((await page.locator(".wf-row").count()) < 100, "only rows in view in the document");
    await page.locator(".wf-scroll").evaluate((el) => el.scrollTo(0, 60_000));
    await page.keyboard.press("e");
    await settle();
    await page.locator(".find input").fill("select");
    await page.keyboard.press("Enter");
    await settle();
    await shot("trace-big");
  });

  await step("an unknown trace says so", async () => {
    allow(/404 \(Not Found\)/);
    await page.goto(`${base}/trace/ffffffffffffffffffffffffffffffff`);
    await page.locator(".problem").waitFor();
    await shot("trace-unknown");
  });

  await step("services sort and lead to their spans", async () => {
    await page.goto(`${base}/services?lang=en&start=now-3h`);
    await page.locator("tbody tr").first().waitFor();
    await settle();
    await shot("services");
    await page.locator("th button", { hasText: "p99" }).click();
    await page.waitForURL(/sort=p99_ms/);
    await page.locator("td a.service").first().click();
    await page.waitForURL(/signal=spans/);
    await page.locator(".record").first().waitFor();
  });

  await step("live tail follows, waits while the reader reads", async () => {
    await page.goto(`${base}/search?lang=en&live=1`);
    await page.locator(".record").nth(30).waitFor({ timeout: 15_000 });
    await settle();
    await shot("live");
    await page.locator(".list").evaluate((el) => el.scrollTo(0, 200));
    await page.locator(".pill").waitFor();
    await shot("live-paused");
    await page.locator(".pill").click();
    await page.locator(".livebar .good").waitFor();
  });

  await step("status", async () => {
    await page.goto(`${base}/status?lang=en`);
    await page.locator(".cards").waitFor();
    await settle();
    await shot("status");
  });

  await step("storage", async () => {
    await page.goto(`${base}/storage?lang=en`);
    await page.locator(".cards").first().waitFor();
    await page.locator("td button[aria-expanded]").first().click();
    await page.locator("tr.days").waitFor();
    await page.locator("section .row button.small").click();
    await page.locator("section .cards").waitFor();
    await settle();
    await shot("storage");
  });

  await step("help", async () => {
    await page.keyboard.press("?");
    await page.locator(".sheet").waitFor();
    await shot("help");
    await page.keyboard.press("Escape");
    expect((await page.locator(".sheet").count()) === 0, "Escape closes it");
  });

  await step("nothing found offers a way on", async () => {
    await page.goto(`${base}/search?lang=en&q=zzzyyyxxx`);
    await page.locator(".empty button").first().waitFor();
    await shot("nothing");
  });

  if (mock) {
    await step("a busy server: Retry-After counts down and the page asks again", async () => {
      allow(/429 \(Too Many Requests\)/);
      mock.mode.busy = true;
      await page.goto(`${base}/search?lang=en`);
      await page.locator(".problem").waitFor();
      await shot("busy");
      mock.mode.busy = false;
      await page.locator(".record").first().waitFor({ timeout: 8_000 });
    });

    await step("the first five minutes", async () => {
      mock.mode.empty = true;
      await page.goto(`${base}/?lang=en`);
      await page.locator(".waiting").waitFor();
      await page.locator("[role=tab]", { hasText: "Python" }).click();
      await settle();
      await shot("first");
      mock.mode.first = 1;
      await page.locator(".waiting.done").waitFor({ timeout: 5_000 });
      await shot("first-received");
      mock.mode.empty = false;
    });

    await step("the server goes away and comes back", async () => {
      allow(/ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|Failed to load resource/);
      await page.goto(`${base}/search?lang=en`);
      await page.locator(".record").first().waitFor();
      await page.context().setOffline(true);
      await page.locator(".ask .primary").click();
      await page.locator(".banner.bad").waitFor({ timeout: 8_000 });
      expect((await rows()) > 0, "the last answer stays on the screen");
      await shot("down");
      await page.context().setOffline(false);
      await page.locator(".banner").waitFor({ state: "detached", timeout: 15_000 });
      await page.locator(".problem").waitFor({ state: "detached", timeout: 15_000 });
      await page.locator(".record").first().waitFor({ timeout: 15_000 });
    });
  }

  await step("Chinese, dark", async () => {
    await page.goto(`${base}/search?lang=zh&theme=dark&start=now-3h`);
    await page.locator(".record").first().waitFor();
    await page.locator(".record").nth(4).click();
    await settle();
    expect((await page.locator(".top nav").innerText()).includes("搜索"), "Chinese words");
    await shot("search-zh-dark");
    await page.keyboard.press("Escape");
    await page.keyboard.press("t");
    await page.locator(".time-menu input").first().fill("昨天 14:00..15:00");
    expect(/14:00:00 – .*15:00:00/.test(await page.locator(".time-menu p").innerText()), "natural time is understood");
    await shot("time-zh-dark");
    await page.goto(`${base}/trace/${SHOP_TRACE}?lang=zh&theme=dark`);
    await page.locator(".wf-row").nth(5).click();
    await settle();
    await shot("trace-zh-dark");
    await page.goto(`${base}/services?lang=zh&theme=dark&start=now-3h`);
    await page.locator("tbody tr").first().waitFor();
    await shot("services-zh-dark");
  });

  await step("accessible by the rules of WCAG 2.2 AA", async () => {
    const found = [];
    const pages = [["/search?start=now-3h", ".record"], ["/search?start=now-3h&signal=spans", ".record"], [`/search?start=now-3h&q=${encodeURIComponent("* | stats by (service) count()")}`, ".table-row"], [`/trace/${SHOP_TRACE}?span=0000000000001003`, ".facts"], ["/services?start=now-3h", "tbody tr"], ["/status?x=1", ".cards"], ["/storage?x=1", ".cards"], ["/start?x=1", ".tabs"]];
    for (const theme of ["light", "dark"]) {
      for (const [address, ready] of pages) {
        await page.goto(`${base}${address}&lang=en&theme=${theme}`);
        await page.locator(ready).first().waitFor();
        if (ready === ".record") await page.locator(".record").nth(2).click();
        await settle();
        for (const fault of await accessible(page)) found.push(`${theme} ${address}: ${fault}`);
      }
    }
    expect(found.length === 0, `no violations:\n${[...new Set(found)].join("\n")}`);
  });
}
