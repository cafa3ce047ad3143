// A reporter of node:test that ends another one's output with what the reader of a long log looks for: which files took
// longest, and which tests failed, where and why, a line each.
import { relative } from 'node:path';

const MOST_SHOWN = 20;

export default async function* closingLines(source) {
  /** Milliseconds of the outermost tests, by file. */
  const msOf = new Map();
  const failed = [];
  for await (const { type, data } of source) {
    if ((type !== 'test:pass' && type !== 'test:fail') || !data.file) continue;
    if (type === 'test:fail' && data.todo === undefined) failed.push(failureLine(data));
    if (data.nesting === 0) msOf.set(data.file, (msOf.get(data.file) ?? 0) + data.details.duration_ms);
  }
  const slowest = [...msOf].sort(([, a], [, b]) => b - a).slice(0, MOST_SHOWN);
  for (const [file, ms] of slowest) {
    yield `# slowest: ${(ms / 1000).toFixed(1).padStart(6)} s ${relative('dist/test', file)}\n`;
  }
  for (const line of failed) yield `# failed: ${line}\n`;
}

function failureLine({ file, name, details }) {
  const { error } = details;
  const [why] = String(error?.cause?.message ?? error?.message ?? error).split('\n');
  return `${relative('dist/test', file)}: ${name}: ${why}`;
}
