/** What a page does to its connections. */
export interface PageEvents {
  /** The network is gone, says the browser. */
  readonly offline: () => void;
  /** The page is seen again, goes on after it was frozen, or the network is back: `surely` something has changed. */
  readonly awake: (surely: boolean) => void;
  /** The page goes into the back/forward cache, or away. */
  readonly suspend: () => void;
  /** It is back from there. */
  readonly start: () => void;
}

interface Page extends EventTarget {
  readonly document?: EventTarget & { readonly visibilityState: string };
}

/** In a worker there is no document, in Node no events of this kind. @returns what ends it */
export function watchPage(page: Partial<Page>, { offline, awake, suspend, start }: PageEvents): () => void {
  const { document } = page;
  const controller = new AbortController();
  const listen = (target: Partial<EventTarget> | undefined, event: string, listener: () => void): void =>
    target?.addEventListener?.(event, listener, controller);
  listen(page, "online", () => awake(true));
  listen(page, "offline", offline);
  listen(page, "pagehide", suspend);
  listen(page, "pageshow", start);
  listen(document, "resume", () => awake(false));
  listen(document, "visibilitychange", () => {
    if (document!.visibilityState === "visible") awake(false);
  });
  return () => controller.abort();
}
