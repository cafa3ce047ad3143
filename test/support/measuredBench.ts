import { join } from 'node:path';
import { readResult } from '../../src/bench/output/readResult.js';
import { demoModelDir } from './projectRoot.js';
import { runBench } from './runBench.js';

/**
 * Measures the demo model.
 *
 * @param folder where the benchmark's document goes, as `<name>.json`
 * @returns what was printed, and the document
 */
export async function measuredBench(folder: string, name: string, ...args: string[]) {
  const path = join(folder, `${name}.json`);
  const outcome = await runBench(['-d', demoModelDir, ...args, '--export', path]);
  return { ...outcome, result: readResult(path) };
}
