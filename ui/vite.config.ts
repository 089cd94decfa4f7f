// The build of the page. Constraints: the same bytes on every machine (hashed names, no time, no path in the output),
// no inline script or style, no `innerHTML` (compiled templates go through src/base/dom.ts, see there).
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

const dom = fileURLToPath(new URL("./src/base/dom.ts", import.meta.url));

export default defineConfig({
  base: "/",
  resolve: { alias: { "#dom": dom } },
  plugins: [
    solid({
      dev: false,
      hot: false,
      // Well-formed template strings only: our reader refuses anything else.
      solid: {
        moduleName: "#dom",
        omitNestedClosingTags: false,
        omitLastClosingTag: false,
        omitQuotes: false,
        validate: false,
      } as never,
    }),
  ],
  build: {
    target: "es2022",
    outDir: process.env["CLEWLINE_PAGE_OUT"] ?? "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  server: { port: 5173, proxy: { "/api": process.env["CLEWLINE_URL"] ?? "http://127.0.0.1:4300" } },
});
