import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadNative } from '../../../src/runtime/system/loadNative.js';
import { temporaryDirectory } from '../../model/support/temporaryDirectory.js';
import { Random } from '../../support/random.js';
import { compiledTargets } from './support/compiledBackends.js';

const PAGE_BYTES = 4096;

/** The demo model's vocabulary: its last tile of columns is ragged. */
const SHAPES = [
  [1967, 256],
  [128, 128],
  [17, 32],
  [48, 416],
] as const;

/**
 * Weights are used where the file's mapping has them, and the last one ends with the file, perhaps with its page: a
 * kernel that reads on dies. Here the mapping goes on for a page where the file does not (SIGBUS, which fails this
 * whole file).
 */
for (const target of await compiledTargets()) {
  test(`no operator on ${target.name} reads past the end of a mapped file`, {
    skip: target.missing,
  }, async (t) => {
    const native = await loadNative();
    if (typeof native === 'string') throw new Error(native);
    const path = join(temporaryDirectory(t), 'weights');
    const random = new Random(61);
    for (const [n, k] of SHAPES) {
      const byteLength = 2 * n * k;
      const fileBytes = Math.ceil(byteLength / PAGE_BYTES) * PAGE_BYTES;
      const values = Uint16Array.from({ length: fileBytes / 2 }, () => 0x3f00 + random.integer(0, 127));
      writeFileSync(path, values);
      const descriptor = openSync(path, 'r');
      const file = native.mapFile(descriptor, fileBytes + PAGE_BYTES, path)!;
      closeSync(descriptor);
      const backend = target.create(2);
      const bytes = new Uint8Array(file.buffer, fileBytes - byteLength, byteLength);
      const weight = backend.weight({ name: 'last', shape: [n, k], dtype: 'bf16', bytes });
      const scope = backend.createScope('end');
      for (const m of [1, 5, 6, 40]) {
        const x = scope.tensor('x', [m, k], 'operand');
        x.write(random.floats(m * k));
        const [wide, operand] = [scope.tensor('y', [m, n], 'f32'), scope.tensor('y', [m, n], 'operand')];
        const [best, logSumExp] = [scope.tensor('b', [m], 'f32'), scope.tensor('l', [m], 'f32')];
        const ids = scope.tensor('ids', [m], 'i32');
        const rows = scope.tensor('rows', [m, k], 'f32');
        const last = scope.tensor('last', [m], 'i32');
        last.write(new Int32Array(m).fill(n - 1));
        const pass = backend.plan('end', (ops) => {
          ops.linear({ x, weight, y: wide });
          ops.swiglu({ x, gate: weight, up: weight, y: operand });
          ops.argmaxLinear({ x, weight, ids, best, logSumExp });
          ops.embed({ ids: last, table: weight, y: rows });
        });
        await pass.run();
      }
      await backend.close();
      file.unmap();
    }
  });
}
