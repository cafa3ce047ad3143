import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatEvent, openJsonlFile } from '../../../src/bench/output/formatJson.js';
import { formatOfFile, openOutputs, planExports } from '../../../src/bench/output/outputs.js';
import { readResult } from '../../../src/bench/output/readResult.js';
import { ResultRecorder } from '../../../src/bench/record/resultRecorder.js';
import { benchmarkEvents, benchmarkResult, HEADER } from '../support/sampleResults.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-exports-'));
after(() => rmSync(scratch, { recursive: true }));
const fresh = (name: string): string => {
  const folder = mkdtempSync(join(scratch, 'case-'));
  return join(folder, name);
};

test('the extension decides the format', () => {
  const names = ['a.txt', 'b.md', 'c.csv', 'd.json', 'e.jsonl', 'f.HTML'];
  assert.deepEqual(names.map(formatOfFile), ['text', 'md', 'csv', 'json', 'jsonl', 'html']);
  for (const name of ['a', 'a.pdf', '.json/x']) {
    assert.throws(() => formatOfFile(name), {
      code: 'usage',
      message: /--export .* ends in \.txt, \.md, \.csv/,
    });
  }
});

test('what cannot be written is an error before anything is measured, and nothing is created or changed', () => {
  const folder = join(scratch, 'folder.json');
  mkdirSync(folder);
  writeFileSync(join(scratch, 'file'), 'x');
  const cases: readonly (readonly [path: string, reason: RegExp])[] = [
    [join(scratch, 'nowhere', 'a.json'), /a\.json: .* its directory does not exist$/],
    [folder, /folder\.json: .* it is a directory$/],
    [join(scratch, 'file', 'a.csv'), /a\.csv: .* its directory is no directory$/],
  ];
  for (const [path, message] of cases) {
    assert.throws(() => planExports([path]), { code: 'file', message });
  }
  const kept = fresh('kept.jsonl');
  writeFileSync(kept, 'old');
  openOutputs({ format: 'text', exports: [kept], out: () => {} });
  assert.equal(readFileSync(kept, 'utf8'), 'old');
});

test('a folder without permission is refused', (t) => {
  if (process.getuid?.() === 0 || process.platform === 'win32') {
    t.skip('permissions do not stop this user');
    return;
  }
  const path = fresh('a.json');
  chmodSync(join(path, '..'), 0o500);
  assert.throws(() => planExports([path]), { code: 'file', message: /no permission$/ });
});

test('a folder that only looks writable is refused', (t) => {
  if (process.platform !== 'linux') return t.skip('there is no /proc');
  assert.throws(() => planExports(['/proc/a.json']), { code: 'file', message: /^\/proc\/a\.json: / });
});

test('every export and standard output hold the same result', () => {
  const expected = benchmarkResult(4);
  const [json, jsonl] = [fresh('r.json'), fresh('r.jsonl')];
  let stdout = '';
  const outputs = openOutputs({
    format: 'jsonl',
    exports: [json, jsonl],
    out: (text) => {
      stdout += text;
    },
  });
  const recorder = new ResultRecorder(HEADER, outputs.sinks);
  for (const event of benchmarkEvents(4).slice(1)) {
    recorder.record(event);
    // Whatever happens to the process now, the event is in the file.
    assert.ok(readFileSync(jsonl, 'utf8').endsWith(formatEvent(event)));
    assert.ok(stdout.endsWith(formatEvent(event)));
    assert.ok(!existsSync(json));
  }
  outputs.finish(recorder.result());
  assert.deepEqual(readResult(json), expected);
  assert.deepEqual(readResult(jsonl), expected);
  assert.equal(stdout, readFileSync(jsonl, 'utf8'));
  assert.deepEqual(readdirSync(join(json, '..')), ['r.json']);
});

test('resuming cuts off a broken last line and goes on after it', () => {
  const path = fresh('resumed.jsonl');
  const events = benchmarkEvents(5);
  const broken = events.slice(0, 9).map(formatEvent).join('');
  writeFileSync(path, broken.slice(0, -7));
  const file = openJsonlFile(path, true);
  const recorder = new ResultRecorder(HEADER, [file.sink], events.slice(0, 8));
  for (const event of events.slice(8)) recorder.record(event);
  file.close();
  assert.deepEqual(readResult(path), benchmarkResult(5));
  assert.deepEqual(recorder.result(), benchmarkResult(5));
});

test('a process killed in the middle loses no run that it had finished', async () => {
  const path = fresh('killed.jsonl');
  const script = `
    import { openJsonlFile } from ${JSON.stringify(new URL('../../../src/bench/output/formatJson.js', import.meta.url).href)};
    import { benchmarkEvents } from ${JSON.stringify(new URL('../support/sampleResults.js', import.meta.url).href)};
    const { sink } = openJsonlFile(process.argv[1]);
    const events = benchmarkEvents(2000);
    let runs = 0;
    for (const event of events) {
      sink(event);
      if (event.event === 'run' && ++runs === 50) process.kill(process.pid, 'SIGKILL');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], { timeout: 60_000 });
  const signal = await new Promise((resolve) => child.on('close', (_, name) => resolve(name)));
  assert.equal(signal, 'SIGKILL');
  const { cells, complete } = readResult(path);
  assert.equal(complete, false);
  assert.equal(cells[0]?.runs.length, 50);
  assert.equal(cells[0]?.complete, false);
  assert.equal(cells[0]?.summary?.['total']?.runs, 50);
});
