import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from './support/projectRoot.js';

/** Imports run from a later row to an earlier one; folders of one row never import each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['jit'],
  ['kernels', 'runtime'],
  ['ops'],
  ['model'],
  ['audio', 'encoder', 'decoder', 'text'],
  ['transcribe'],
  ['index.ts', 'browser.ts'],
  ['bench', 'hub'],
  ['cli'],
];

/** Whatever else is under src must run in a browser. */
const MAY_USE_NODE = /^(runtime|hub|bench|cli)\//;
const FILE_ACCESS = new Set([
  'audio/ffmpegDecoder.ts',
  'audio/fileSource.ts',
  'audio/loadWav.ts',
  'audio/packageWasm.ts', // only when it runs in Node
  'audio/spool.ts',
  'model/fileBytes.ts',
  'model/fileLock.ts',
  'model/makeFolder.ts',
  'model/makeTemporaryFolder.ts',
  'model/modelDirectory.ts',
  'model/replaceFile.ts',
  'model/weightBytes.ts',
  'model/writeQuantized.ts',
  'model/modelOutput.ts',
]);
/** What every file may import: it imports nothing but one another. */
const ANYWHERE = new Set(['error.ts', 'printable.ts']);
/** Fetching alone may load what talks HTTP. */
const HTTP_ACCESS = 'hub/hubClient.ts';
const NATIVE_ACCESS = 'runtime/native.ts';

/** What is wrong with the imports of one file; `path` is relative to src. */
function violations(path: string, source: string): string[] {
  return importsOf(source).flatMap((target) => {
    const complaint = target.startsWith('.')
      ? complaintAboutFile(path, posix.join(posix.dirname(path), target))
      : complaintAboutPackage(path, target);
    return complaint === null ? [] : [`src/${path} imports ${target}: ${complaint}`];
  });
}

/** Module names of import and re-export statements, and of import() and require() calls; not of doc examples. */
function importsOf(source: string): string[] {
  const statements = /^(?:import|export)\b[^;'"]*?(?:\bfrom\s*)?['"]([^'"]+)['"]/gm;
  const calls = /^(?!\s*(?:\*|\/\/)).*\b(?:import|require)\(\s*['"]([^'"]+)['"]/gm;
  return [...source.matchAll(statements), ...source.matchAll(calls)].map((match) => match[1]!);
}

function complaintAboutFile(path: string, target: string): string | null {
  const [from, to] = [path.split('/')[0]!, target.split('/')[0]!.replace(/\.js$/, '.ts')];
  if (from === to || ANYWHERE.has(to)) return null;
  const [fromLayer, toLayer] = [layerOf(from), layerOf(to)];
  if (fromLayer < 0 || toLayer < 0) return 'one of them is in no layer';
  return toLayer < fromLayer ? null : `${from} may not import ${to}`;
}

function layerOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}

function complaintAboutPackage(path: string, target: string): string | null {
  if (target === 'koffi') return path === NATIVE_ACCESS ? null : `only ${NATIVE_ACCESS} may call native code`;
  if (target === 'undici') return path === HTTP_ACCESS ? null : `only ${HTTP_ACCESS} may fetch`;
  if (!target.startsWith('node:') && !builtinModules.includes(target)) return null;
  return MAY_USE_NODE.test(path) || FILE_ACCESS.has(path) ? null : 'this file must run in a browser';
}

test('imports run one way, and Node stays at the edges', () => {
  const src = join(projectRoot, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  assert.ok(files.length > 50, `found only ${files.length} source files`);
  const found = files.flatMap((file) =>
    violations(file.replaceAll('\\', '/'), readFileSync(join(src, file), 'utf8')),
  );
  assert.deepEqual(found, []);
});

test('the check finds what it is there for', () => {
  const count = (path: string, source: string) => violations(path, source).length;
  assert.equal(count('encoder/a.ts', "import type { B } from '../decoder/b.js';"), 1);
  assert.equal(count('encoder/a.ts', "import {\n  B,\n} from '../audio/b.js';\nimport '../text/c.js';"), 2);
  assert.equal(count('ops/reference/a.ts', "export { b } from '../../model/b.js';"), 1);
  assert.equal(count('kernels/a.ts', "import { b } from '../runtime/b.js';"), 1);
  assert.equal(count('transcribe/a.ts', "import { loadModel } from '../index.js';"), 1);
  assert.equal(count('ops/a.ts', "import { readFile } from 'node:fs/promises';"), 1);
  assert.equal(count('transcribe/a.ts', "  const fs = await import('fs');"), 1);
  assert.equal(count('runtime/threads.ts', "import koffi from 'koffi';"), 1);
  assert.equal(count('runtime/threads.ts', "const koffi = require('koffi');"), 1);
  assert.equal(count('cli/a.ts', "import { request } from 'undici';"), 1);
  assert.equal(count('transcribe/a.ts', "import { readModel } from '../hub/a.js';"), 1);
  assert.equal(count('utils/a.ts', "import { b } from '../model/b.js';"), 1);
});

test('the check lets through what is right', () => {
  const allowed: readonly (readonly [path: string, source: string])[] = [
    ['encoder/a.ts', "import { b } from './b.js';\nimport { c } from '../ops/operators.js';"],
    ['ops/reference/a.ts', "import { QwenAsrError } from '../../error.js';"],
    ['index.ts', "export { loadModel } from './transcribe/loadModel.js';"],
    ['cli/a.ts', "import { run } from '../bench/run.js';\nimport { join } from 'node:path';"],
    ['model/fileBytes.ts', "import { open } from 'node:fs/promises';"],
    ['runtime/native.ts', "import koffi from 'koffi';"],
    ['model/a.ts', "/**\n * import { a } from '../cli/a.js';\n * await import('node:fs')\n */"],
  ];
  for (const [path, source] of allowed) assert.deepEqual(violations(path, source), []);
});
