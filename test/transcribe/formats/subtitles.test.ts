import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  SUBTITLE_LIMITS,
  type SubtitleCue,
  SubtitleCues,
} from '../../../src/transcribe/formats/subtitleCues.js';
import { transcriptWriter } from '../../../src/transcribe/formats/transcriptFormat.js';
import type { TimedWord, TranscriptSegment } from '../../../src/transcribe/types.js';
import { Random } from '../../support/random.js';
import { recordingOf, segmentSaying } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-subtitles-'));
after(() => rmSync(folder, { recursive: true }));

/** The W3C's validator, in JavaScript of its own: anything but the specification is in `errors`. */
interface VttParser {
  parse(text: string): {
    readonly errors: readonly { readonly message: string }[];
    readonly cues: readonly { readonly startTime: number; readonly endTime: number; readonly text: string }[];
  };
}
const { WebVTTParser } = createRequire(import.meta.url)('webvtt-parser') as {
  WebVTTParser: new () => VttParser;
};

const WORDS = {
  English:
    'the a of with yesterday conversation we should remember that everything uncharacteristically 1984 Dr. & <i> Mr. x >',
  German:
    'und der Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikant wir haben heute Straße über 3. Mai z. B.',
  Spanish: 'el la ¿qué «cosa» niño mañana desde también (siempre) años',
  Chinese: '今 天 天气 很 好 我们 一起 去 公园 散步 吧 2024年 iPhone',
} as const;
type Language = keyof typeof WORDS;

/** Segments of made-up sentences, spoken at 8 to 24 columns a second with pauses; their words have times, or not. */
function madeUp(seed: number): TranscriptSegment[] {
  const random = new Random(seed);
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length - 1)]!;
  const language = pick(Object.keys(WORDS) as Language[]);
  const hasWords = seed % 3 !== 0;
  const vocabulary = WORDS[language].split(' ');
  const isChinese = language === 'Chinese';
  const segments: TranscriptSegment[] = [];
  let nowMs = random.integer(0, 3000);
  for (let index = 0; index < random.integer(1, 12); index++) {
    const startMs = nowMs;
    let text = '';
    const words: TimedWord[] = [];
    const sentences = random.integer(0, 4);
    for (let sentence = 0; sentence < sentences; sentence++) {
      const length = random.integer(1, random.integer(0, 4) === 0 ? 45 : 14);
      const columnMs = 1000 / random.integer(8, 24);
      for (let i = 0; i < length; i++) {
        const word = pick(vocabulary);
        if (!isChinese && text !== '') text += ' ';
        const lengthMs = word.length * (isChinese ? 2 : 1) * columnMs;
        const span = { textStart: text.length, textEnd: text.length + word.length };
        words.push({ text: word, startMs: nowMs, endMs: nowMs + lengthMs, ...span });
        nowMs += lengthMs + columnMs;
        if (random.integer(0, 12) === 0) nowMs += random.integer(100, 5000);
        text += word;
        if (i === length - 1) text += pick(isChinese ? ['。', '？', '！'] : ['.', '?', '!', '…', '."']);
        else if (random.integer(0, 6) === 0) text += pick(isChinese ? ['，', '、'] : [',', ';', ' –']);
      }
      nowMs += random.integer(0, 1200);
    }
    nowMs += random.integer(0, 2000);
    const endMs = Math.max(nowMs, startMs + 500);
    nowMs = endMs;
    segments.push(segmentSaying(text, { index, startMs, endMs, language, ...(hasWords && { words }) }));
  }
  return segments;
}

function cuesOf(segments: readonly TranscriptSegment[]): SubtitleCue[] {
  const cues = new SubtitleCues();
  return [...segments.flatMap((segment) => cues.add(segment)), ...cues.finish()];
}

function write(format: 'srt' | 'vtt' | 'tsv' | 'lrc', segments: readonly TranscriptSegment[]): string {
  const writer = transcriptWriter(format, { input: 'talk.wav', logProbabilities: false });
  const pieces = segments.map((segment) => writer.segment(segment));
  return [writer.begin(), ...pieces, writer.end(recordingOf(segments))].join('');
}

/** Columns by the East Asian Width of the characters used here. */
function columnsOf(line: string): number {
  return Array.from(line).reduce((sum, c) => sum + (/[\u2e80-\u9fff\uff00-\uff60]/u.test(c) ? 2 : 1), 0);
}

const TRANSCRIPTS = Array.from({ length: 100 }, (_, i) => madeUp(i + 1));

test('limits hold for 100 transcripts, and no word is lost', () => {
  const { columns, lines: mostLines, minMs, maxMs, columnsPerSecond, leadMs, lagMs } = SUBTITLE_LIMITS;
  assert.deepEqual([columns, mostLines, minMs, maxMs, columnsPerSecond], [42, 2, 1000, 7000, 17]);
  let [hurried, all] = [0, 0];
  for (const [i, segments] of TRANSCRIPTS.entries()) {
    const cues = cuesOf(segments);
    const plain = (text: string) => text.replace(/\s/g, '');
    assert.equal(
      plain(cues.flatMap(({ lines }) => lines).join('')),
      plain(segments.map(({ text }) => text).join('')),
      `transcript ${i}`,
    );
    let endedMs = 0;
    for (const { startMs, endMs, lines, spokenStartMs, spokenEndMs } of cues) {
      const what = `transcript ${i}, ${startMs}: ${lines.join(' | ')}`;
      assert.ok(lines.length >= 1 && lines.length <= mostLines, what);
      for (const line of lines) assert.ok(line !== '' && columnsOf(line) <= columns, what);
      assert.ok(endMs - startMs >= minMs && endMs - startMs <= maxMs, `${what}: ${endMs - startMs} ms`);
      assert.ok(startMs >= endedMs, `${what}: overlaps`);
      assert.ok(startMs > spokenStartMs - leadMs - 1, `${what}: too soon`);
      const isBehind = startMs > spokenStartMs + 1;
      assert.ok(startMs < spokenStartMs + lagMs + minMs, `${what}: ${startMs - spokenStartMs} ms behind`);
      const width = lines.reduce((sum, line) => sum + columnsOf(line), 0);
      const isTooFast = width > ((endMs - startMs) / 1000) * columnsPerSecond + 0.5;
      // Where speech itself was faster: the cue is behind, or its end is, as far as cues may be.
      if (isTooFast) assert.ok(isBehind || endMs - spokenEndMs > lagMs / 2, `${what}: ${endMs - startMs} ms`);
      hurried += isTooFast ? 1 : 0;
      all++;
      endedMs = endMs;
    }
  }
  assert.ok(all > 1000, `${all} cues`);
  assert.ok(hurried < 0.1 * all, `${hurried} of ${all} cues are faster than people read`);
});

test('no cue is faster than people read where speech is not', () => {
  for (const segments of TRANSCRIPTS) {
    // The same words at three quarters of the speed: at most 18 columns a second with their spaces, and pauses.
    const slower = segments.map((segment) => ({
      ...segment,
      startMs: 1.5 * segment.startMs,
      endMs: 1.5 * segment.endMs,
      ...(segment.words && {
        words: segment.words.map((word) => ({
          ...word,
          startMs: 1.5 * word.startMs,
          endMs: 1.5 * word.endMs,
        })),
      }),
    }));
    for (const { startMs, endMs, lines } of cuesOf(slower)) {
      const width = lines.reduce((sum, line) => sum + columnsOf(line), 0);
      assert.ok(
        width <= ((endMs - startMs) / 1000) * 17 + 0.5,
        `${endMs - startMs} ms: ${lines.join(' | ')}`,
      );
    }
  }
});

test('100 WebVTT files are what the W3C says, and their text is what was said', () => {
  for (const segments of TRANSCRIPTS) {
    const { errors, cues } = new WebVTTParser().parse(write('vtt', segments));
    assert.deepEqual(errors, []);
    const unescaped = (text: string) =>
      text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
    assert.deepEqual(
      cues.map(({ startTime, endTime, text }) => [
        Math.round(1000 * startTime),
        Math.round(1000 * endTime),
        unescaped(text),
      ]),
      cuesOf(segments).map(({ startMs, endMs, lines }) => [startMs, endMs, lines.join('\n')]),
    );
  }
});

const noFfmpeg = spawnSync('ffmpeg', ['-version']).error !== undefined && 'ffmpeg is not installed';

for (const format of ['srt', 'vtt'] as const) {
  test(`ffmpeg reads 100 ${format} files as they were meant`, { skip: noFfmpeg }, () => {
    // In SubRip players take `<i>` for markup, and there is no way to say otherwise.
    const transcripts = TRANSCRIPTS.filter((segments) => segments.some(({ text }) => text !== '')).map(
      (segments) => (format === 'vtt' ? segments : segments.map(withoutAngles)),
    );
    const inputs = transcripts.flatMap((segments, i) => {
      writeFileSync(join(folder, `${i}.${format}`), write(format, segments));
      return ['-i', `${i}.${format}`];
    });
    const outputs = transcripts.flatMap((_, i) => ['-map', `${i}:0`, `read-${i}.srt`]);
    const args = ['-v', 'warning', '-xerror', '-y', ...inputs, ...outputs];
    const run = spawnSync('ffmpeg', args, { cwd: folder, encoding: 'utf8', timeout: 120_000 });
    assert.deepEqual([run.status, run.stderr], [0, '']);
    for (const [i, segments] of transcripts.entries()) {
      const read = readFileSync(join(folder, `read-${i}.srt`), 'utf8')
        .replaceAll('\r', '')
        .trimEnd()
        .split('\n\n');
      const expected = write('srt', segments).trimEnd().split('\n\n');
      assert.deepEqual(read, expected, `transcript ${i}`);
    }
  });
}

function withoutAngles(segment: TranscriptSegment): TranscriptSegment {
  return { ...segment, text: segment.text.replace(/[<>]/g, '#') };
}

test('sentences and pauses split cues, and lines break after punctuation', () => {
  const text =
    'Good morning. The train to Berlin leaves at ten, and it is seven now. We should hurry. Dr. Smith is coming too.';
  const [first, ...more] = cuesOf([segmentSaying(text, { endMs: 12_000 })]);
  assert.deepEqual(first?.lines, ['Good morning.']);
  assert.deepEqual(
    more.map(({ lines }) => lines),
    [
      ['The train to Berlin leaves at ten,', 'and it is seven now.'],
      ['We should hurry.'],
      ['Dr. Smith is coming too.'],
    ],
  );
});

test('words decide where the pieces of a segment are', () => {
  const text = 'One, two!';
  const words = [
    { text: 'One', startMs: 1000, endMs: 1400, textStart: 0, textEnd: 3 },
    { text: 'two', startMs: 5000, endMs: 5300, textStart: 5, textEnd: 8 },
  ];
  const cues = cuesOf([segmentSaying(text, { endMs: 30_000, words })]);
  assert.deepEqual(
    cues.map(({ startMs, endMs, lines }) => [startMs, endMs, ...lines]),
    [
      [1000, 2000, 'One,'],
      [5000, 6000, 'two!'],
    ],
  );
});

test('tsv has the times of speech in whole milliseconds, lrc a line when it is said and none in a pause', () => {
  const segments = [
    segmentSaying('Good morning.', { startMs: 1000.4, endMs: 2000.6 }),
    segmentSaying('', { index: 1 }),
    segmentSaying('Guten\tTag.', { index: 2, startMs: 3_661_000, endMs: 3_662_000 }),
  ];
  assert.equal(
    write('tsv', segments),
    'start\tend\ttext\n1000\t2001\tGood morning.\n3661000\t3662000\tGuten Tag.\n',
  );
  assert.equal(
    write('lrc', segments),
    '[00:01.00]Good morning.\n[00:02.00]\n[61:01.00]Guten Tag.\n[61:02.00]\n',
  );
});

test('what goes by faster than anybody reads stays within a second of the speech', () => {
  const text = Array.from({ length: 400 }, (_, i) => `word${i}`).join(' ');
  const cues = cuesOf([segmentSaying(text, { endMs: 60_000 })]);
  assert.ok(cues.length > 20);
  for (const { startMs, spokenStartMs, endMs } of cues) {
    assert.ok(Math.abs(startMs - spokenStartMs) <= 1001, `${startMs} ${spokenStartMs}`);
    assert.ok(endMs <= 66_000);
  }
});
