// The frame: navigation, server banner, and the page the address names.
import { createEffect, createMemo, createSignal, For, lazy, Match, onCleanup, onMount, Show, Suspense, Switch } from "solid-js";
import { count } from "../base/format.ts";
import { type Key, t } from "../base/words/index.ts";
import SearchPage from "../features/search/SearchPage.tsx";
import { onKey, useKeys } from "../state/keys.ts";
import { chooseLanguage, isDark, language, setTheme } from "../state/prefs.ts";
import { followLinks, go, href, param, path } from "../state/route.ts";
import { isEmpty, poll, reach, status, totalOf } from "../state/server.ts";
import { Help } from "./Help.tsx";
import { Mark } from "./Mark.tsx";

const TracePage = lazy(() => import("../features/trace/TracePage.tsx"));
const ServicesPage = lazy(() => import("../features/services/ServicesPage.tsx"));
const StatusPage = lazy(() => import("../features/status/StatusPage.tsx"));
const StoragePage = lazy(() => import("../features/storage/StoragePage.tsx"));
const FirstPage = lazy(() => import("../features/first/FirstPage.tsx"));

const PAGES: [string, Key][] = [["/search", "nav.search"], ["/services", "nav.services"], ["/status", "nav.status"], ["/storage", "nav.storage"], ["/start", "nav.start"]];

export function App() {
  const [help, setHelp] = createSignal(false);
  onMount(() => {
    void poll();
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", followLinks);
    onCleanup(() => {
      document.removeEventListener("keydown", onKey);
      document.removeEventListener("click", followLinks);
    });
  });
  useKeys({
    "?": () => setHelp(!help()),
    "g s": () => go("/search"), "g v": () => go("/services"), "g u": () => go("/status"), "g b": () => go("/storage"), "g f": () => go("/start"),
  });
  const traceId = createMemo(() => /^\/trace\/([^/]+)/.exec(path())?.[1] ?? null);
  // The bare address of an empty server shows how to send the first record, and stays there until the reader leaves it.
  const [greeted, setGreeted] = createSignal(false);
  const home = () => path() === "/" && !param("q") && !param("start");
  createEffect(() => {
    if (home() && isEmpty()) setGreeted(true);
    if (!home()) setGreeted(false);
  });
  const starting = () => path() === "/start" || (home() && greeted());
  const current = (to: string) => (to === "/search" ? (path() === "/" && !starting()) || path() === "/search" : to === "/start" ? starting() : path() === to);

  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>{t("skip")}</a>
      <header class="top">
        <a class="brand" href="/search"><Mark /> Clewline</a>
        <nav aria-label={t("nav")}>
          <For each={PAGES}>{([to, key]) => <a href={to} aria-current={current(to) ? "page" : undefined}>{t(key)}</a>}</For>
          <Show when={traceId()}><span class="here" aria-current="page">{t("nav.trace")} <code>{traceId()?.slice(0, 8)}</code></span></Show>
        </nav>
        <span class="grow" />
        <a class="health" href="/status" title={t("reach.title")}>
          <i class="dot" classList={{ good: reach() === "up", warn: reach() === "starting", bad: reach() === "down" }} />
          <span class="num">{reach() === "up" ? t("reach.received", { n: count(totalOf(status()?.received)) }) : t(`reach.${reach()}` as Key)}</span>
        </a>
        <button class="tiny" onClick={() => chooseLanguage(language() === "en" ? "zh" : "en")} lang={language() === "en" ? "zh-CN" : "en"}>{language() === "en" ? "中文" : "English"}</button>
        <button class="tiny" title={t("theme")} aria-label={t("theme")} onClick={() => setTheme(isDark() ? "light" : "dark")}>{isDark() ? "☀" : "☾"}</button>
        <button class="tiny" title={`${t("help")} (?)`} aria-label={t("help")} onClick={() => setHelp(true)}>?</button>
      </header>
      <Show when={reach() === "down" || reach() === "starting"}>
        <div class="banner" classList={{ bad: reach() === "down" }} role="alert">
          <i class="pulse" /> <span>{reach() === "down" ? t("banner.down") : t("banner.starting")}</span>
          <button class="small" onClick={() => void poll()}>{t("retry")}</button>
        </div>
      </Show>
      <main id="main" tabindex="-1">
        <Suspense fallback={<div class="progress on" />}>
          <Switch fallback={<NotFound />}>
            <Match when={traceId()} keyed>{(id) => <TracePage id={decodeURIComponent(id)} />}</Match>
            <Match when={starting()}><FirstPage /></Match>
            <Match when={path() === "/" || path() === "/search"}><SearchPage /></Match>
            <Match when={path() === "/services"}><ServicesPage /></Match>
            <Match when={path() === "/status"}><StatusPage /></Match>
            <Match when={path() === "/storage"}><StoragePage /></Match>
          </Switch>
        </Suspense>
      </main>
      <Show when={help()}><Help onClose={() => setHelp(false)} /></Show>
    </div>
  );
}

function NotFound() {
  return <div class="empty"><h2>{t("notFound")}</h2><p><a href={href("/search")}>{t("nav.search")}</a></p></div>;
}
