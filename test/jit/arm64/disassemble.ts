import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const objdump = 'aarch64-linux-gnu-objdump';

/** Why nothing can be disassembled here, or false; for `skip`. */
export const disassemblerMissing =
  spawnSync(objdump, ['--version']).status !== 0 &&
  `${objdump} (binutils-aarch64-linux-gnu) is not installed`;

/** Text by offset, without comments. */
export function disassemble(code: Uint8Array): Map<number, string> {
  const folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, code);
    const options = ['-D', '-b', 'binary', '-m', 'aarch64', '-M', 'no-aliases', file];
    const result = spawnSync(objdump, options, { encoding: 'utf8', maxBuffer: 1 << 26 });
    assert.equal(result.status, 0, result.stderr);
    const lines = new Map<number, string>();
    for (const line of result.stdout.split('\n')) {
      const [offset, , ...parts] = line.split('\t');
      if (offset === undefined || parts.length === 0) continue;
      const text = parts.join(' ').replace(/\s*\/\/.*/, '');
      lines.set(Number.parseInt(offset, 16), text.trim().replace(/\s+/g, ' '));
    }
    return lines;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
