import assert from 'node:assert/strict';
import { QwenAsrError } from '../../src/error.js';
import { Random } from './random.js';

/** The most processor time that one small text may take. */
const LIMIT_MS = 1000;
/** What the process may grow by, all texts together. */
const MAX_GROWTH_BYTES = 300e6;
/** Longest message that still reads as one line. */
const LONGEST_MESSAGE = 600;

/** What means something in JSON, and values that are rarely thought of. */
const MEANINGFUL = [
  ...'{}[]",:0123456789-.eE\\ \n\ttrufalsn',
  '\\ud800',
  '\u0000',
  '\u001b',
  '\ufeff',
  '\ufffd',
  '1e999',
  '-1',
  '4294967296',
  '"__proto__":',
  'null',
  '{"a":'.repeat(50),
];

/** A copy with one to four places damaged: characters changed, put in, removed, doubled, moved, or the end cut off. */
export function mutateText(text: string, random: Random): string {
  let mutated = text;
  const place = () => random.integer(0, mutated.length);
  for (let left = random.integer(1, 4); left > 0; left--) {
    const at = place();
    const end = Math.min(mutated.length, at + random.integer(1, random.uniform() < 0.8 ? 8 : 200));
    const [before, cut, after] = [mutated.slice(0, at), mutated.slice(at, end), mutated.slice(end)];
    const value =
      random.uniform() < 0.8
        ? MEANINGFUL[random.integer(0, MEANINGFUL.length - 1)]!
        : String.fromCharCode(random.integer(0, 0xffff));
    const kind = random.integer(0, 6);
    if (kind === 0) mutated = before + value + mutated.slice(at + 1);
    else if (kind === 1) mutated = before + value + cut + after;
    else if (kind === 2) mutated = before + after;
    else if (kind === 3) mutated = before + cut + cut + after;
    else if (kind === 4) mutated = cut + before + after;
    else if (random.uniform() < 0.2) mutated = before;
  }
  return mutated;
}

/**
 * Gives `count` damaged copies of a text, one a seed, to a reader, which must take each or refuse it with one printable
 * line, soon and within bounded memory.
 */
export function readMutations(
  text: string,
  count: number,
  read: (mutated: string) => void,
): { taken: number; refused: number } {
  const outcome = { taken: 0, refused: 0 };
  read(text);
  const before = process.memoryUsage().rss;
  for (let seed = 1; seed <= count; seed++) {
    const mutated = mutateText(text, new Random(seed));
    const start = process.cpuUsage();
    try {
      read(mutated);
      outcome.taken++;
    } catch (error) {
      if (!(error instanceof QwenAsrError)) {
        throw new Error(`mutation ${seed}: ${String(error)}: ${mutated.slice(0, 2000)}`, { cause: error });
      }
      assert.notEqual(error.code, 'internal', `mutation ${seed}: ${error.message}`);
      assert.match(error.message, /^\P{Cc}+$/u, `mutation ${seed}`);
      assert.ok(error.message.length <= LONGEST_MESSAGE, `mutation ${seed}: ${error.message}`);
      outcome.refused++;
    }
    const { user, system } = process.cpuUsage(start);
    assert.ok((user + system) / 1000 < LIMIT_MS, `mutation ${seed} took ${(user + system) / 1000} ms`);
  }
  const growth = process.memoryUsage().rss - before;
  assert.ok(growth < MAX_GROWTH_BYTES, `the process grew by ${(growth / 1e6).toFixed(0)} MB`);
  return outcome;
}
