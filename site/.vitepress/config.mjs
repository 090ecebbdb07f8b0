import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";
import { chapters } from "../pages.mjs";

const api = JSON.parse(readFileSync(new URL("../build/api.json", import.meta.url), "utf8"));

export default defineConfig({
  title: "Hawser",
  description: "A WebSocket server for Node that is safe from the first line",
  srcDir: "build/pages",
  outDir: "dist",
  cacheDir: "build/cache",
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  // A dead link fails the build, unless it leads to localhost. Those to anchors are looked at in ../build.mjs.
  ignoreDeadLinks: "localhostLinks",
  markdown: {
    anchor: { slugify },
    languageAlias: { haproxy: "ini", caddyfile: "nginx" },
    config(md) {
      const fence = md.renderer.rules.fence;
      md.renderer.rules.fence = (tokens, at, ...rest) =>
        tokens[at].info.trim() === "mermaid"
          ? `<Diagram code="${encodeURIComponent(tokens[at].content)}" />`
          : fence(tokens, at, ...rest);
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Recipes", link: "/docs/recipes" },
      { text: "Options", link: "/docs/options" },
      { text: "API", link: "/api/hawser" },
      { text: "Changelog", link: "/CHANGELOG" },
    ],
    sidebar: [
      ...chapters.map(({ text, pages }) => ({
        text,
        items: Object.entries(pages).map(([path, title]) => ({ text: title, link: `/${path}` })),
      })),
      { text: "API", items: api.map((name) => ({ text: name, link: `/api/${name}` })) },
    ],
  },
});

/** As GitHub makes anchors, by which the documents link to each other. */
function slugify(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}
