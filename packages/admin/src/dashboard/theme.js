/** Light or dark: as the system has it, unless somebody chose. Loaded first, so that nobody is dazzled at night. */

const KEY = "hawser-theme";
const root = document.documentElement;

export function theme() {
  return root.dataset.theme ?? "auto";
}

export function setTheme(name) {
  if (name === "light" || name === "dark") root.dataset.theme = name;
  else delete root.dataset.theme;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // A browser without storage: it holds until the page is closed.
  }
}

/** Calls back when the colours have changed, whoever changed them. */
export function onThemeChange(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
  new MutationObserver(callback).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
}

try {
  const saved = localStorage.getItem(KEY);
  if (saved === "light" || saved === "dark") root.dataset.theme = saved;
} catch {
  // The system's, then.
}
