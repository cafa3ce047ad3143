import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { FIFTEEN, speakSentences } from '../support/sentences.js';
import { wavOf16Bit } from '../support/wavWriter.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-stopped-'));
after(() => rmSync(scratch, { recursive: true }));

const short = join(scratch, 'short.wav');
const long = join(scratch, 'long.wav');
let texts: readonly string[];

/** How often the long recording says its fifteen sentences: for longer than anybody waits. */
const ROUNDS = 5;

/** A sentence, and five minutes. */
before(async () => {
  const sentences = await speakSentences(FIFTEEN);
  texts = sentences.texts;
  const pcm = Int16Array.from(sentences.samples, (value) => Math.round(value * 32_768));
  const minutes = Array.from({ length: ROUNDS }, () => Array.from(pcm)).flat();
  copyFileSync(join(demoModelDir, 'samples', 'timer-en.wav'), short);
  writeFileSync(long, wavOf16Bit(minutes));
});

const args = ['-d', 'models/demo', '--segment', '4', '--batch', '1'];

/** Runs the command and interrupts it once its output says so. */
const interrupt = (extra: readonly string[], when: (stdout: string) => boolean) => {
  let sent = false;
  return runCli('qwen_asr', [...args, ...extra], {
    onOutput: (stdout, child) => {
      if (sent || !when(stdout)) return;
      sent = true;
      child.kill('SIGINT');
    },
  });
};

test('Ctrl-C in the middle of a long recording: what was finished stands there, in a whole line', async () => {
  const { code, stdout, stderr } = await interrupt(['-i', long], (text) => text.includes(texts[3]!));
  assert.deepEqual([code, stderr], [130, '']);
  const all = Array.from({ length: ROUNDS }, () => texts.join(' ')).join(' ');
  assert.ok(stdout.endsWith('\n') && all.startsWith(stdout.trimEnd()), stdout);
  assert.ok(stdout.length < all.length);
});

test('Ctrl-C with -o jsonl: every line is whole', async () => {
  const seen = (text: string): boolean => text.split('\n').length > 5;
  const { code, stdout, stderr } = await interrupt(['-i', long, '-o', 'jsonl'], seen);
  assert.deepEqual([code, stderr], [130, '']);
  const lines = stdout.split('\n');
  assert.equal(lines.pop(), '');
  for (const [i, line] of lines.entries()) {
    const { type, index, text } = JSON.parse(line);
    assert.deepEqual([type, index, text], ['segment', i, texts[i % texts.length]]);
  }
});

test('Ctrl-C with -o json: the finished recordings are a whole document', async () => {
  const { code, stdout } = await interrupt(['-i', short, '-i', long, '-o', 'json'], (text) =>
    text.includes('"segments"'),
  );
  assert.equal(code, 130);
  const documents = JSON.parse(stdout);
  assert.deepEqual(
    documents.map(({ text }: { text: string }) => text),
    [texts[0]],
  );
});

test('Ctrl-C with --output-dir: the files of finished recordings, and no half ones', async () => {
  const folder = join(scratch, 'out');
  const { code, stderr } = await interrupt(
    ['-i', short, '-i', long, '-o', 'srt', '--output-dir', folder],
    (text) => text.includes('short.srt'),
  );
  assert.deepEqual([code, stderr], [130, '']);
  assert.deepEqual(readdirSync(folder), ['short.srt']);
  assert.equal(
    readFileSync(join(folder, 'short.srt'), 'utf8'),
    `1\n00:00:00,000 --> 00:00:02,295\n${texts[0]}\n\n`,
  );
});
