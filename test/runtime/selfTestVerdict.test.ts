import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { selfTestVerdict } from '../../src/runtime/selfTestVerdict.js';
import { temporaryDirectory } from '../model/support/temporaryDirectory.js';

test('a self-test runs once, and again when it is asked to', async (t) => {
  const folder = temporaryDirectory(t);
  const [path, file] = [join(folder, 'program.mjs'), join(folder, 'kept', 'self-test.json')];
  writeFileSync(
    path,
    `import { appendFileSync } from 'node:fs';
     appendFileSync(${JSON.stringify(join(folder, 'runs'))}, '.');
     console.log('passed');`,
  );
  const program = pathToFileURL(path);
  assert.equal(await selfTestVerdict({ program, file }), null);
  assert.equal(await selfTestVerdict({ program, file }), null);
  assert.equal(readFileSync(join(folder, 'runs'), 'utf8'), '.');
  assert.equal(await selfTestVerdict({ program, file, again: true }), null);
  assert.equal(readFileSync(join(folder, 'runs'), 'utf8'), '..');
  writeFileSync(file, '{ "damaged');
  assert.equal(await selfTestVerdict({ program, file }), null);
  assert.equal(readFileSync(join(folder, 'runs'), 'utf8'), '...');
});

for (const [end, program, verdict] of [
  ['a wrong result', "console.log('rmsNorm computes something else')", /^rmsNorm computes something else$/],
  [
    'a crash',
    "process.kill(process.pid, 'SIGSEGV'); setTimeout(() => {}, 60_000)",
    /^it ended with (SIGSEGV|code \d+)$/,
  ],
  ['an error', 'null.nothing', /^it ended with code 1$/],
  ['silence', '', /^it ended with code 0$/],
] as const) {
  test(`${end} is a verdict, which is kept`, async (t) => {
    const folder = temporaryDirectory(t);
    const [path, file] = [join(folder, 'program.mjs'), join(folder, 'self-test.json')];
    writeFileSync(path, program);
    assert.match(String(await selfTestVerdict({ program: pathToFileURL(path), file })), verdict);
    writeFileSync(path, "console.log('passed')");
    assert.match(String(await selfTestVerdict({ program: pathToFileURL(path), file })), verdict);
  });
}

for (const [end, program, verdict] of [
  ['time that ran out', 'setInterval(() => {}, 1000)', /^it did not end within 1 s$/],
  [
    'code that hears nothing',
    "process.on('SIGTERM', () => {}); for (;;) Math.random()",
    /^it did not end within 1 s$/,
  ],
  // Windows knows no signals.
  ...(process.platform === 'win32'
    ? []
    : ([
        ['a signal of somebody else', "process.kill(process.pid, 'SIGKILL')", /^it ended with SIGKILL$/],
      ] as const)),
] as const) {
  test(`${end} is no verdict for ever: it is tried again twice, then no more until it is asked for`, async (t) => {
    const folder = temporaryDirectory(t);
    const [path, file, runs] = ['program.mjs', 'self-test.json', 'runs'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    const write = (text: string): void =>
      writeFileSync(
        path,
        `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(runs)}, '.'); ${text}`,
      );
    write(program);
    const options = { program: pathToFileURL(path), file };
    for (const expected of ['.', '..', '...', '...']) {
      assert.match(String(await selfTestVerdict({ ...options, limitMs: 1000 })), verdict);
      assert.equal(readFileSync(runs, 'utf8'), expected);
    }
    write("console.log('passed')");
    assert.equal(await selfTestVerdict({ ...options, again: true }), null);
    assert.equal(await selfTestVerdict(options), null);
    assert.equal(readFileSync(runs, 'utf8'), '....');
  });
}

test('a machine that was busy once is tried at the next start, and its verdict is kept then', async (t) => {
  const folder = temporaryDirectory(t);
  const [path, file] = [join(folder, 'program.mjs'), join(folder, 'self-test.json')];
  const options = { program: pathToFileURL(path), file };
  writeFileSync(path, 'setInterval(() => {}, 1000)');
  assert.match(String(await selfTestVerdict({ ...options, limitMs: 1000 })), /1 s/);
  writeFileSync(path, "console.log('passed')");
  assert.equal(await selfTestVerdict(options), null);
  writeFileSync(path, 'setInterval(() => {}, 1000)');
  assert.equal(await selfTestVerdict(options), null);
});

test('another copy of Node is tried by itself: it may be allowed less', async (t) => {
  const folder = temporaryDirectory(t);
  const [path, file] = [join(folder, 'program.mjs'), join(folder, 'self-test.json')];
  writeFileSync(path, "console.log('passed')");
  const options = { program: pathToFileURL(path), file };
  assert.equal(await selfTestVerdict(options), null);
  const { execPath } = process;
  t.after(() => {
    process.execPath = execPath;
  });
  process.execPath = join(folder, 'missing');
  assert.match(String(await selfTestVerdict(options)), /^it cannot be started \(spawn .*ENOENT\)$/);
  process.execPath = execPath;
  assert.equal(await selfTestVerdict(options), null);
});

test('where nothing can be kept it runs every time', async (t) => {
  const folder = temporaryDirectory(t);
  const path = join(folder, 'program.mjs');
  writeFileSync(path, "console.log('passed')");
  const options = { program: pathToFileURL(path), file: join(path, 'self-test.json') };
  assert.equal(await selfTestVerdict(options), null);
  writeFileSync(path, "console.log('wrong')");
  assert.equal(await selfTestVerdict(options), 'wrong');
  assert.ok(!existsSync(options.file));
});

test('a program that is its own Node does not start itself for ever', async (t) => {
  const folder = temporaryDirectory(t);
  const path = join(folder, 'program.mjs');
  // As a program would whose self-test began by loading a model.
  writeFileSync(
    path,
    `import { selfTestVerdict } from ${JSON.stringify(new URL('../../src/runtime/selfTestVerdict.js', import.meta.url))};
     const program = new URL(import.meta.url);
     console.log(process.env.ELECTRON_RUN_AS_NODE, await selfTestVerdict({ program, file: ${JSON.stringify(path)} }));`,
  );
  const options = { program: pathToFileURL(path), file: join(folder, 'self-test.json') };
  assert.equal(await selfTestVerdict(options), '1 this is the process of a self-test');
});
