/** An honest client that stays while hostile ones come and go: none of its messages may be lost or wait long. */
import { sleep } from "../../harness/concurrency.js";
import { RawClient } from "../../harness/raw-client.js";

const EVERY_MS = 100;

export class Bystander {
  readonly #client: RawClient;
  readonly #work: Promise<void>;
  #leaving = false;

  private constructor(client: RawClient) {
    this.#client = client;
    this.#work = this.#echo();
    this.#work.catch(() => {}); // `leave` tells
  }

  static async at(url: string): Promise<Bystander> {
    return new Bystander(await RawClient.open(url, { answerPings: true }));
  }

  /** Fails if anything went wrong for this client since it came. */
  async leave(): Promise<void> {
    this.#leaving = true;
    try {
      await this.#work;
      await this.#client.close();
    } finally {
      this.#client.destroy();
    }
  }

  async #echo(): Promise<void> {
    for (let sent = 0; !this.#leaving; sent++) {
      await this.#client.echo(`message ${sent}`);
      await sleep(EVERY_MS);
    }
  }
}
