import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Assembler } from '../../../src/jit/x64/assembler.js';
import { instructionTable } from '../../../src/jit/x64/table.js';
import { projectRoot } from '../../support/projectRoot.js';
import { parseIntel } from './parseIntel.js';

const rows = readFileSync(join(projectRoot, 'test', 'jit', 'x64', 'encodings.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [bytes: string, text: string]);

test('the bytes are those of GNU as', () => {
  const wrong: string[] = [];
  for (const [bytes, text] of rows) {
    const { mnemonic, operands } = parseIntel(text);
    const assembler = new Assembler({ name: 'encodings' });
    assembler.emit(mnemonic, ...operands);
    const found = Buffer.from(assembler.finish()).toString('hex');
    if (found !== bytes) wrong.push(`${text}: expected ${bytes}, found ${found}`);
  }
  assert.deepEqual(wrong, []);
});

test('the committed table has every instruction but jumps to labels', () => {
  const covered = new Set<string>(rows.map(([, text]) => parseIntel(text).mnemonic));
  const missing = Object.keys(instructionTable).filter((name) => !covered.has(name));
  assert.deepEqual(
    missing.filter((name) => !/^j/.test(name)),
    [],
  );
  assert.ok(rows.length > 200, `${rows.length} rows`);
});
