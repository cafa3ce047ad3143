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
  ['bench', 'hub', 'serve'],
  ['cli'],
];

/** Whatever else is under src must run in a browser. */
const MAY_USE_NODE = /^(runtime|hub|bench|serve|cli)\//;
const FILE_ACCESS = new Set([
  'audio/ffmpegDecoder.ts',
  'audio/fileSource.ts',
  'audio/openAudio.ts',
  'audio/packageWasm.ts', // only when it runs in Node
  'model/fileLock.ts',
  'model/modelDirectory.ts',
  'model/replaceFile.ts',
  'model/writeQuantized.ts',
  'model/writeWhole.ts',
]);
/** What every file may import: it imports nothing but one another. */
const ANYWHERE = new Set(['error.ts', 'printable.ts']);
/** Fetching alone may load what talks HTTP. */
const HTTP_ACCESS = 'hub/hubClient.ts';
/** The libraries of a queue, installed by whoever wants one. */
const QUEUE_PACKAGES = /^(bullmq|ioredis)$/;
/** The libraries of a server. Only it loads them, and the command line loads it only to serve. */
const SERVER_PACKAGES = /^(hono|@hono\/|@fastify\/busboy|ws|prom-client)\b/;
/** The other side of its WebSockets, loaded to measure live sessions. */
const SOCKET_CLIENT = 'bench/load/realtimeClient.ts';
const NATIVE_ACCESS = /^runtime\/system\//;

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
  if (target === 'koffi') return NATIVE_ACCESS.test(path) ? null : 'only runtime/system may call native code';
  if (target === 'undici') return path === HTTP_ACCESS ? null : `only ${HTTP_ACCESS} may fetch`;
  if (QUEUE_PACKAGES.test(target)) return path.startsWith('serve/jobs/') ? null : 'only a queue may load it';
  if (target === 'ws' && path === SOCKET_CLIENT) return null;
  if (SERVER_PACKAGES.test(target)) return path.startsWith('serve/') ? null : 'only a server may load it';
  if (!target.startsWith('node:') && !builtinModules.includes(target)) return null;
  return MAY_USE_NODE.test(path) || FILE_ACCESS.has(path) ? null : 'this file must run in a browser';
}

/** Every source file and its text; paths relative to src. */
function sourceFiles(): ReadonlyMap<string, string> {
  const src = join(projectRoot, 'src');
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  assert.ok(paths.length > 50, `found only ${paths.length} source files`);
  return new Map(paths.map((path) => [path.replaceAll('\\', '/'), readFileSync(join(src, path), 'utf8')]));
}

test('imports run one way, and Node stays at the edges', () => {
  const found = [...sourceFiles()].flatMap(([path, source]) => violations(path, source));
  assert.deepEqual(found, []);
});

/** Packages that are loaded with a compiled file, whatever it is used for: those of static imports, which types are none of. */
function loadedPackages(entry: string): ReadonlySet<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const statements = /^(?:import|export)\s*(?:[\w$*{},\s]+?\bfrom\s*)?['"]([^'"]+)['"]/gm;
    for (const [, target = ''] of readFileSync(path, 'utf8').matchAll(statements)) {
      if (target.startsWith('.')) visit(join(path, '..', target));
      else packages.add(target);
    }
  };
  visit(join(projectRoot, 'dist', 'src', entry));
  return packages;
}

test('the libraries of servers and queues are loaded by those who serve alone', () => {
  const isServers = (name: string): boolean => SERVER_PACKAGES.test(name) || QUEUE_PACKAGES.test(name);
  for (const entry of ['index.js', 'cli/asrCommand.js', 'cli/benchProgram.js']) {
    assert.deepEqual([...loadedPackages(entry)].filter(isServers), [], entry);
  }
  const served = loadedPackages('serve/openServer.js');
  assert.ok(served.has('hono') && served.has('ws'));
  assert.deepEqual(
    [...served].filter((name) => QUEUE_PACKAGES.test(name)),
    [],
  );
});

/** What a file imports of the project's own files. */
function importedFiles(path: string, files: ReadonlyMap<string, string>): string[] {
  return importsOf(files.get(path) ?? '')
    .filter((target) => target.startsWith('.'))
    .map((target) => posix.join(posix.dirname(path), target).replace(/\.js$/, '.ts'))
    .filter((target) => files.has(target));
}

/** Files that cannot be read one after the other: each list is a circle of imports, of types too. */
function importCircles(files: ReadonlyMap<string, string>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const first = trail.indexOf(path);
    if (first >= 0) circles.push([...trail.slice(first), path]);
    if (first >= 0 || done.has(path)) return;
    for (const target of importedFiles(path, files)) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
  return circles;
}

test('no file imports what imports it', () => {
  const circles = importCircles(sourceFiles());
  assert.deepEqual(circles, []);
  const circle = new Map([
    ['a/a.ts', "import type { B } from './b.js';"],
    ['a/b.ts', "export { C } from '../c/c.js';"],
    ['c/c.ts', "import { A } from '../a/a.js';"],
    ['d.ts', "import { A } from './a/a.js';"],
  ]);
  assert.deepEqual(importCircles(circle), [['a/a.ts', 'a/b.ts', 'c/c.ts', 'a/a.ts']]);
});

/**
 * Exported classes, functions and types that share their name. The reference backend's are apart: they say in plain
 * loops what the kernels of the same names compute. So are the kernel language's targets from one another: each lowers
 * the operations of the same names.
 */
function sharedNames(files: ReadonlyMap<string, string>): string[] {
  const places = new Map<string, string[]>();
  for (const [path, source] of files) {
    if (path.startsWith('ops/reference/')) continue;
    const names = source.matchAll(
      /^export (?:abstract |async )*(?:class|function\*?|interface|type) (\w+)/gm,
    );
    for (const name of new Set(Array.from(names, ([, name = '']) => name))) {
      places.set(name, [...(places.get(name) ?? []), path]);
    }
  }
  return [...places]
    .filter(([, paths]) => paths.length > 1 && !areOfDifferentTargets(paths))
    .map(([name, paths]) => `${name}: ${paths.join(', ')}`);
}

function areOfDifferentTargets(paths: readonly string[]): boolean {
  const targets = paths.map((path) => /^jit\/\w+\//.exec(path)?.[0]);
  return !targets.includes(undefined) && new Set(targets).size === paths.length;
}

test('an exported class, function or type has a name of its own', () => {
  assert.deepEqual(sharedNames(sourceFiles()), []);
  const twice = new Map([
    ['a.ts', 'export class A {}'],
    ['b.ts', 'export async function A() {}\nexport async function A(b?: 1) {}'],
    ['c.ts', 'export interface B {}'],
    ['d.ts', 'export type B = 1;'],
    ['ops/reference/c.ts', 'export function A() {}'],
    ['jit/x64/e.ts', 'export function lower() {}\nexport type C = 1;'],
    ['jit/wasm/e.ts', 'export function lower() {}'],
    ['jit/x64/f.ts', 'export type C = 1;'],
  ]);
  assert.deepEqual(sharedNames(twice), ['A: a.ts, b.ts', 'B: c.ts, d.ts', 'C: jit/x64/e.ts, jit/x64/f.ts']);
});

/** A file of fewer lines that a single other one imports is part of that one. */
const LEAST_LINES = 40;

/** Shorter ones that are right by themselves, and why. */
const SHORT_FILES: ReadonlyMap<string, string> = new Map([
  ['cli/asrCommand.ts', 'imported when signals are caught already'],
  ['cli/benchProgram.ts', 'imported when signals are caught already'],
  ['kernels/matrix/formats/pairDot.ts', 'a weight format is a file'],
  ['kernels/matrix/formats/widenDot.ts', 'a weight format is a file'],
  ['serve/openai/modelRoutes.ts', 'a route of the server is a file'],
  ['serve/whisper/inferenceRoute.ts', 'a route of the server is a file'],
]);

/** Files that are so short that the one that imports them should hold them. */
function splinters(files: ReadonlyMap<string, string>): string[] {
  const importers = new Map<string, Set<string>>();
  for (const path of files.keys()) {
    for (const target of importedFiles(path, files)) {
      importers.set(target, (importers.get(target) ?? new Set()).add(path));
    }
  }
  const lineCount = (path: string): number => files.get(path)!.split('\n').length - 1;
  return [...importers]
    .filter(([path, { size }]) => size === 1 && lineCount(path) < LEAST_LINES)
    .map(([path]) => path);
}

test('a file that one other imports has enough in it to stand alone', () => {
  const found = splinters(sourceFiles());
  assert.deepEqual(found.toSorted(), [...SHORT_FILES.keys()].toSorted());
  const files = new Map([
    ['a.ts', "import { b } from './b.js';\nimport { c } from './c.js';\nimport { d } from './d.js';\n"],
    ['b.ts', 'export const b = 1;\n'],
    ['c.ts', 'export const c = 1;\n'.repeat(LEAST_LINES)],
    ['d.ts', 'export const d = 1;\n'],
    ['e.ts', "import { d } from './d.js';\n"],
  ]);
  assert.deepEqual(splinters(files), ['b.ts']);
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
  assert.equal(count('cli/a.ts', "import { Hono } from 'hono';"), 1);
  assert.equal(count('serve/a.ts', "import { Queue } from 'bullmq';"), 1);
  assert.equal(count('serve/a.ts', "import { readModel } from '../hub/a.js';"), 1);
  assert.equal(count('transcribe/a.ts', "import { readModel } from '../hub/a.js';"), 1);
  assert.equal(count('utils/a.ts', "import { b } from '../model/b.js';"), 1);
});

test('the check lets through what is right', () => {
  const allowed: readonly (readonly [path: string, source: string])[] = [
    ['encoder/a.ts', "import { b } from './b.js';\nimport { c } from '../ops/operators.js';"],
    ['ops/reference/a.ts', "import { QwenAsrError } from '../../error.js';"],
    ['index.ts', "export { loadModel } from './transcribe/loadModel.js';"],
    ['cli/a.ts', "import { run } from '../bench/run.js';\nimport { join } from 'node:path';"],
    ['runtime/system/a.ts', "import koffi from 'koffi';"],
    ['model/a.ts', "/**\n * import { a } from '../cli/a.js';\n * await import('node:fs')\n */"],
  ];
  for (const [path, source] of allowed) assert.deepEqual(violations(path, source), []);
});
