// `npm run docs:site`: the documents of the repository as a site in site/dist, which needs nothing from elsewhere.
// Installs what it needs the first time, and fails on a link that leads nowhere.

import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import { installFolder, prepare, root } from "../scripts/prepare.mjs";
import { chapters } from "./pages.mjs";

const site = join(root, "site");
const build = join(site, "build");
const pages = join(build, "pages");

await prepare();
await installFolder("site", "what builds the site");

rmSync(build, { recursive: true, force: true });
for (const page of chapters.flatMap((chapter) => Object.keys(chapter.pages))) stage(`${page}.md`);
stage("site/index.md", "index.md");
cpSync(join(root, "docs/images"), join(pages, "docs/images"), { recursive: true });
const { documentApi } = await import("./api.mjs");
await documentApi(build);

const vitepress = await import("vitepress");
await vitepress.build(site);
checkAnchors(join(site, "dist"));
console.log("site/dist is the site; to look at it: node site/node_modules/vitepress/bin/vitepress.js preview site");

/** Copies a page. What it links to and is no page comes along as text; a link to a folder becomes words. */
function stage(path, as = path) {
  const text = readFileSync(join(root, path), "utf8").replaceAll(
    /(!?\[[^\]]*\])\(([^)\s]+)\)/g,
    (whole, name, target) => {
      if (/^([a-z]+:|#)/.test(target)) return whole;
      const [to, anchor] = posix.join(posix.dirname(path), target).split("#");
      if (!existsSync(join(root, to))) throw new Error(`${path}: there is no ${target}`);
      if (statSync(join(root, to)).isDirectory()) return name.slice(1, -1);
      if (to.endsWith(".md") || name.startsWith("!"))
        return `${name}(/${to}${anchor === undefined ? "" : `#${anchor}`})`;
      const copy = `files/${to}.txt`;
      mkdirSync(dirname(join(pages, "public", copy)), { recursive: true });
      copyFileSync(join(root, to), join(pages, "public", copy));
      return `${name}(/${copy})`;
    },
  );
  mkdirSync(dirname(join(pages, as)), { recursive: true });
  writeFileSync(join(pages, as), text);
}

/** VitePress finds links to pages that are not there; this finds those to files and to places within a page. */
function checkAnchors(folder) {
  const html = readdirSync(folder, { recursive: true }).filter((path) => path.endsWith(".html"));
  const ids = new Map(
    html.map((path) => [`/${path.replaceAll("\\", "/")}`, idsOf(readFileSync(join(folder, path), "utf8"))]),
  );
  const dead = [];
  for (const path of html) {
    const page = `/${path.replaceAll("\\", "/")}`;
    for (const [, href] of readFileSync(join(folder, path), "utf8").matchAll(/<a [^>]*href="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(href)) continue;
      const { pathname, hash } = new URL(href, `http://site${page}`);
      const to = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
      const isThere = hash === "" ? existsSync(join(folder, to)) : ids.get(to)?.has(decodeURIComponent(hash.slice(1)));
      if (!isThere) dead.push(`${page}: ${href}`);
    }
  }
  if (dead.length > 0) throw new Error(`Links that lead nowhere:\n${[...new Set(dead)].join("\n")}`);
}

function idsOf(html) {
  return new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
}
