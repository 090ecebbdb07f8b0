/** Text on standard output that is no log: help, a version, a report. */
export function print(text: string): void {
  // `hawser --help | head -1`: a reader that has seen enough is no error.
  process.stdout.on("error", () => {});
  process.stdout.write(text);
}
