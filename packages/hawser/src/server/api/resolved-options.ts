import type { ServerOptions } from "./options.js";

type Optional =
  | "generateId" | "path" | "dangerouslyAllowAnyOrigin" | "authenticate" | "data" | "refusalBody" | "tls" | "request" | "logger"
  | "open" | "message" | "drain" | "close"; // oxfmt-ignore

/** What the code sees: every option present and checked, or one of the few that may be undefined. Frozen. */
export type ResolvedOptions<Data> = Readonly<
  {
    [Name in Exclude<keyof ServerOptions, Optional | "responseHeaders">]: NonNullable<ServerOptions[Name]>;
  } & {
    [Name in Optional]: ServerOptions<Data>[Name] | undefined;
  } & { responseHeaders: readonly string[]; trustProxy: readonly string[] }
>;
