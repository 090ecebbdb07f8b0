// The examples in examples/beside have dependencies of their own, hundreds of megabytes: installed when one of them is run.

import { installFolder } from "./prepare.mjs";

/** Installs what examples/beside/package-lock.json says, unless that has been done. */
export function prepareBeside() {
  return installFolder("examples/beside", "what the examples run beside: Next, Vite, Nest and others");
}
