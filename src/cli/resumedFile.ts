import { type JsonlFile, openJsonlFile } from '../bench/output/formatJson.js';
import type { EventSink } from '../bench/record/resultRecorder.js';
import { type FinishedPart, readFinishedPart } from '../bench/run/finishedPart.js';
import { lockFile } from '../model/fileLock.js';

/** What a measurement goes on from, and who hears of what is new. */
interface Resumed {
  /** Null: it begins. */
  readonly finished: FinishedPart | null;
  readonly sinks: readonly EventSink[];
}

/**
 * Measures into the file of `--resume`, which nobody else may write meanwhile.
 *
 * @param path undefined: without such a file
 * @param sinks get what was finished before, and everything else
 * @throws QwenAsrError `compare` for a file that is none of this machine's; `file`; what `measure` throws
 */
export async function measureIntoFile<Outcome>(
  path: string | undefined,
  sinks: readonly EventSink[],
  measure: (resumed: Resumed) => Promise<Outcome>,
): Promise<Outcome> {
  if (path === undefined) return measure({ finished: null, sinks });
  const unlock = lockFile(path, '--resume');
  let file: JsonlFile | null = null;
  try {
    const finished = readFinishedPart(path);
    file = openJsonlFile(path, finished !== null);
    // The file has what was finished; the other outputs have not.
    for (const event of finished?.events ?? []) for (const sink of sinks) sink(event);
    return await measure({ finished, sinks: [...sinks, file.sink] });
  } finally {
    try {
      file?.close();
    } finally {
      unlock();
    }
  }
}
