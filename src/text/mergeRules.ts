import { QwenAsrError } from '../error.js';
import { describeValue } from '../model/describe.js';

/** Byte-pair merges in the order of their rank, and how to name one of them in an error. */
export interface MergeRules {
  /** [rank] → left and right piece, in the byte alphabet. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Where the rule of this rank was read, for example `merges.txt line 3`. */
  readonly locate: (rank: number) => string;
}

/**
 * Reads `merges.txt`: one rule a line, two pieces with one space between. Only a first line that starts with
 * `#version` is a comment: later lines that start with `#` are merges. CR LF and a byte order mark are accepted.
 *
 * @throws QwenAsrError `model` naming the first malformed line.
 * @example
 * parseMerges('#version: 0.2\nĠ t\n# #\n').pairs; // [['Ġ', 't'], ['#', '#']]
 */
export function parseMerges(text: string): MergeRules {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const firstRule = lines[0]?.startsWith('#version') ? 1 : 0;
  while (lines.length > firstRule && lines[lines.length - 1] === '') lines.pop();
  const locate = (rank: number): string => `merges.txt line ${rank + firstRule + 1}`;
  const pairs = lines.slice(firstRule).map((line, rank) => splitRule(line, rank, locate));
  return { pairs, locate };
}

/**
 * Reads the `merges` of a `tokenizer.json`: "left right" strings (older files) or [left, right] pairs.
 *
 * @throws QwenAsrError `model` naming the first malformed merge, counted from 1.
 */
export function parseMergeList(list: readonly unknown[]): MergeRules {
  const locate = (rank: number): string => `tokenizer.json merge ${rank + 1}`;
  const pairs = list.map((rule, rank) => {
    if (typeof rule === 'string') return splitRule(rule, rank, locate);
    if (Array.isArray(rule) && rule.length === 2) {
      const [left, right]: unknown[] = rule;
      if (typeof left === 'string' && typeof right === 'string') return [left, right] as const;
    }
    throw malformed(locate(rank), rule);
  });
  return { pairs, locate };
}

function splitRule(line: string, rank: number, locate: (rank: number) => string): readonly [string, string] {
  const space = line.indexOf(' ');
  if (space <= 0 || space === line.length - 1 || line.includes(' ', space + 1))
    throw malformed(locate(rank), line);
  return [line.slice(0, space), line.slice(space + 1)];
}

function malformed(where: string, found: unknown): QwenAsrError {
  return new QwenAsrError(
    'model',
    `${where}: expected two pieces separated by one space, found ${describeValue(found)}`,
  );
}
