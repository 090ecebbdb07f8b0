import { makeProgram, print, runProgram, shrink } from "./model/program.js";

const LENGTH = 250;

/**
 * Runs programs until there were so many steps, or for so long.
 * @returns what was found wrong, with the smallest program that shows it
 */
export async function fuzzHub(
  seed: number,
  { steps = Infinity, seconds = Infinity }: { steps?: number; seconds?: number },
): Promise<{ steps: number; failure: string | undefined }> {
  const deadline = performance.now() + seconds * 1000;
  let done = 0;
  for (let index = seed; done < steps && performance.now() < deadline; index++) {
    const program = makeProgram(index, LENGTH);
    const error = await runProgram(index, program);
    done += program.length;
    if (error === undefined) continue;
    const small = await shrink(index, program);
    const smallError = await runProgram(index, small);
    const again = `npm run fuzz -- hub --seed ${index} --seconds 1`;
    const failure = `${again}\n${error.stack}\nin ${small.length} steps: ${smallError?.stack}\n${print(small)}`;
    return { steps: done, failure };
  }
  return { steps: done, failure: undefined };
}
