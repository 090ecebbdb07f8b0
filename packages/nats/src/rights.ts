import { headers } from "@nats-io/transport-node";
import type { Names } from "./names.js";
import type { Session } from "./session.js";

/** No name has this token. */
const NOBODY = "=none";

/**
 * Sends something without effect to each subject that will be published to: what the user may not do is known at the start, and not when it is
 * needed first. The server tells it by an error of the connection.
 */
export async function checkRights(session: Session, names: Names, node: string): Promise<void> {
  const { connection } = session;
  const { topics, members, epochs, prefix } = names;
  const inStreams = [topics, members].flatMap((stream) => [
    [`$JS.API.STREAM.MSG.GET.${stream}`, `{"seq":0}`],
    [`$JS.API.STREAM.PURGE.${stream}`, `{"filter":"${prefix}.${NOBODY}"}`],
    [`$JS.API.DIRECT.GET.${stream}.${prefix}.${NOBODY}`, ""],
    [`$JS.API.CONSUMER.CREATE.${stream}.nobody`, ""],
    [`$JS.API.CONSUMER.DELETE.${stream}.nobody`, ""],
    [`$JS.API.CONSUMER.MSG.NEXT.${stream}.nobody`, ""],
  ]);
  const rest = [
    [`$JS.API.STREAM.MSG.GET.${epochs}`, `{"seq":0}`],
    [names.control(node), ""],
    [names.probeHeard, ""],
    [`${prefix}.k.${NOBODY}`, ""],
    [`${prefix}.m.${NOBODY}`, ""],
  ];
  for (const [subject, data] of [...inStreams, ...rest]) connection.publish(subject!, data);
  // A record that comes after one that there cannot be is refused.
  const never = headers();
  never.set("Nats-Expected-Last-Sequence", String(Number.MAX_SAFE_INTEGER));
  connection.publish(names.epoch, "", { headers: never });
  await session.flush();
}
