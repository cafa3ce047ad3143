// A reporter of node:test that adds to another one's output which files took longest, so that scripts/test.mjs can begin
// with those.
import { relative } from 'node:path';

const MOST_SHOWN = 20;

export default async function* slowestFiles(source) {
  /** Milliseconds of the outermost tests, by file. */
  const msOf = new Map();
  for await (const { type, data } of source) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting !== 0 || !data.file) continue;
    msOf.set(data.file, (msOf.get(data.file) ?? 0) + data.details.duration_ms);
  }
  const slowest = [...msOf].sort(([, a], [, b]) => b - a).slice(0, MOST_SHOWN);
  for (const [file, ms] of slowest) {
    yield `# slowest: ${(ms / 1000).toFixed(1).padStart(6)} s ${relative('dist/test', file)}\n`;
  }
}
