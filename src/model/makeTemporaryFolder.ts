import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileError } from './fileError.js';

/**
 * Makes a folder of one's own where the system keeps temporary files; whoever asked for it removes it.
 *
 * @throws QwenAsrError `file` naming the place, which TMPDIR may have set wrongly
 * @example
 * const folder = makeTemporaryFolder(); // '/tmp/qwen-asr-Zk3vQa'
 */
export function makeTemporaryFolder(): string {
  const place = tmpdir();
  try {
    return mkdtempSync(join(place, 'qwen-asr-'));
  } catch (cause) {
    throw fileError(`${place}: no temporary folder can be made there (TMPDIR sets the place)`, cause);
  }
}
