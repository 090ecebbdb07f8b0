import { $, element } from "./dom.js";

/** A line at the page's foot that goes by itself. */
export function toast(text, isProblem = false) {
  const line = element("p", { className: isProblem ? "toast problem" : "toast" }, text);
  $("toasts").append(line);
  setTimeout(() => line.remove(), isProblem ? 8000 : 5000);
}
