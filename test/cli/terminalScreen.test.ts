import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TerminalScreen } from '../../src/cli/terminalScreen.js';
import { fitWidth } from '../../src/text/textWidth.js';
import { demoModelDir, projectRoot } from '../support/projectRoot.js';
import { Random } from '../support/random.js';
import { CLI_ENTRIES } from '../support/runCli.js';
import { speakSentences } from '../support/sentences.js';
import { wavOf16Bit } from '../support/wavWriter.js';
import { emulateTerminal } from './support/emulateTerminal.js';

const COLUMNS = 20;

function openScreen(columns = COLUMNS) {
  let output = '';
  const screen = new TerminalScreen(
    (text) => {
      output += text;
    },
    () => columns,
  );
  return { screen, shown: () => emulateTerminal(output, columns) };
}

test('the status stands below the text, and the text goes on where it ended', () => {
  const { screen, shown } = openScreen();
  screen.draw('0 %');
  assert.deepEqual(shown(), ['0 %']);
  screen.print('Set a timer');
  assert.deepEqual(shown(), ['Set a timer', '0 %']);
  screen.print(' for seven minutes.');
  assert.deepEqual(shown(), ['Set a timer for seve', 'n minutes.', '0 %']);
  screen.clear();
  assert.deepEqual(shown(), ['Set a timer for seve', 'n minutes.', '']);
  screen.print('\n');
  screen.draw('a status that is too long for a line');
  assert.deepEqual(shown(), ['Set a timer for seve', 'n minutes.', 'a status that is t…']);
});

test('whatever the text, it stands there as if there had been no status', () => {
  const random = new Random(5);
  const characters = [...'abc   \n日本語é', 'e\u0301', '🙂', '\t'.repeat(0)];
  for (let round = 0; round < 500; round++) {
    const columns = random.integer(4, 30);
    const { screen, shown } = openScreen(columns);
    let text = '';
    for (let step = random.integer(1, 30); step > 0; step--) {
      const piece = Array.from(
        { length: random.integer(1, 12) },
        () => characters[random.integer(0, characters.length - 1)],
      );
      text += piece.join('');
      screen.print(piece.join(''));
      screen.clear(); // forgets the time of the last drawing
      screen.draw(`step ${step}`);
    }
    screen.clear();
    const plain = emulateTerminal(text, columns);
    const found = shown();
    while (found.length > plain.length && found.at(-1) === '') found.pop();
    assert.deepEqual(found, plain, JSON.stringify({ columns, text }));
  }
});

test('a line is cut where a terminal would break it', () => {
  assert.equal(fitWidth('abcdef', 6), 'abcdef');
  assert.equal(fitWidth('abcdefg', 6), 'abcde…');
  assert.equal(fitWidth('日本語日本語', 6), '日本…');
});

const noScript =
  spawnSync('script', ['--version']).status === 0 ? false : 'the program script is not installed';

test('on a terminal a long recording shows its text, and below it the time left', {
  skip: noScript,
}, async () => {
  const { samples, texts } = await speakSentences([0, 1, 2, 3, 0, 1, 2, 3, 0, 1]);
  const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-screen-'));
  const path = join(folder, 'long.wav');
  writeFileSync(path, wavOf16Bit([...samples].map((value) => Math.round(value * 32_768))));
  const command = `'${process.execPath}' '${CLI_ENTRIES.qwen_asr}' -d '${demoModelDir}' -i '${path}' --segment 4 --batch 1`;
  const output = await typescriptOf(command);
  rmSync(folder, { recursive: true });
  assert.match(output, /0:00 of 0:40/);
  assert.match(output, /\d:\d\d of 0:40, \d+\.\dx real time, 0:\d\d left/);
  const lines = emulateTerminal(output, 80).filter((line) => line !== '');
  assert.deepEqual(lines, emulateTerminal(texts.join(' '), 80));
});

/** What a command writes to a terminal, as that sees it. */
function typescriptOf(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: projectRoot,
      env: { ...process.env, CI: '', TERM: 'xterm' },
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 180_000,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject).on('close', () => resolve(output));
  });
}
