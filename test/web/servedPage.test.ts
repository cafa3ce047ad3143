import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { loadWav } from '../../src/index.js';
import type { ServeSettings } from '../../src/serve/serveSettings.js';
import { sampleBytes, sampleForm, wavOfSamples } from '../serve/support/sampleForm.js';
import { startServer, type TestServer } from '../serve/support/startServer.js';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { wavOf16Bit } from '../support/wavWriter.js';
import { type Chromium, noChromium, openChromium, type Page } from './support/chromium.js';
import { waitForText } from './support/pageTest.js';

/* The page that a server gives out, in a browser. */

const KEY = 'a-key-of-the-test';
const WEATHER = join(demoModelDir, 'samples', 'weather-de.wav');
const WEATHER_TEXT = readGolden('demo/weather-de').text;
const SPOKEN_TEXT = readGolden('demo/morning-en').text;
/** Before and after the speech that the microphone gives. */
const SILENCE_MS = 1500;

let chromium: Chromium;
let speechMs: number;
const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-served-'));

before(async () => {
  if (noChromium !== false) return;
  const { samples, durationMs } = await loadWav(join(demoModelDir, 'samples', 'morning-en.wav'));
  speechMs = durationMs;
  const silence: number[] = new Array(16 * SILENCE_MS).fill(0);
  const codes = Array.from(samples, (sample) => Math.round(32_767 * sample));
  const speech = join(folder, 'speech.wav');
  writeFileSync(speech, wavOf16Bit([...silence, ...codes, ...silence]));
  chromium = await openChromium(speech);
});

after(async () => {
  await chromium?.close();
  rmSync(folder, { recursive: true });
});

/** Runs a test with a server of its own; afterwards the page may have complained of nothing else than `expected`. */
function withPage(
  name: string,
  settings: Partial<ServeSettings>,
  work: (page: Page, server: TestServer) => Promise<void>,
  expected: RegExp = /^$/,
): void {
  test(name, { skip: noChromium }, async () => {
    const server = await startServer(settings);
    const page = await chromium.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    try {
      await page.goto(`${server.address}/`);
      await page.waitForSelector('#live:not([disabled])');
      await work(page, server);
      assert.deepEqual(
        complaints.filter((complaint) => !expected.test(complaint)),
        [],
      );
    } finally {
      await page.close();
      await server.stop();
    }
  });
}

async function transcribe(page: Page): Promise<void> {
  await page.waitForSelector('#transcribe:not([disabled])');
  await page.click('#transcribe');
  await waitForText(page, '#status', / in \d+\.\d s$/);
}

async function download(page: Page): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
  return readFileSync(await file.path(), 'utf8');
}

withPage('a recording in every format, on the page and as a file', {}, async (page, server) => {
  assert.ok(!(await page.isVisible('#key-section')), 'a server without keys asks for none');
  await page.setInputFiles('#file', WEATHER);
  await page.selectOption('#language', 'German');
  await transcribe(page);
  assert.equal(await page.textContent('#text'), WEATHER_TEXT);
  assert.equal(await page.textContent('#spoken'), WEATHER_TEXT);
  assert.equal(await page.textContent('#save'), 'Download weather-de.txt');
  assert.equal(await download(page), `${WEATHER_TEXT}\n`);
  for (const format of ['srt', 'vtt', 'json']) {
    await page.selectOption('#format', format);
    await transcribe(page);
    const shown = await page.textContent('#text');
    const file = await download(page);
    assert.equal(shown, file);
    const fields =
      format === 'json'
        ? { response_format: 'verbose_json', 'timestamp_granularities[]': 'segment' }
        : { response_format: format };
    const body = sampleForm({ language: 'German', ...fields }, sampleBytes('weather-de'));
    const answer = await fetch(`${server.address}/v1/audio/transcriptions`, { method: 'POST', body });
    const expected = await answer.text();
    if (format === 'json') assert.deepEqual(JSON.parse(file), JSON.parse(expected));
    else assert.equal(file, expected);
  }
});

withPage(
  'a recording that is dropped; one that is none; and one that is stopped',
  {},
  async (page) => {
    const drop = (name: string, bytes: Uint8Array): Promise<unknown> =>
      page.evaluate(`{
        const bytes = Uint8Array.from(atob('${Buffer.from(bytes).toString('base64')}'), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], '${name}'));
        document.querySelector('#text').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true }));
      }`);
    await drop('timer.wav', sampleBytes('timer-en'));
    await waitForText(page, '#status', /^timer\.wav: 0\.1 MB$/);
    await transcribe(page);
    assert.equal(await page.textContent('#text'), readGolden('demo/timer-en').text);

    await drop('words.txt', Buffer.from('These are words, not sounds.'));
    await page.click('#transcribe');
    await waitForText(page, '#status', /^words\.txt: .*expected/);
    assert.ok(await page.isVisible('#status.error'));
    assert.ok(!(await page.isVisible('#save')), 'nothing is offered');

    const speech = (await loadWav(WEATHER)).samples;
    const minutes = new Float32Array(60 * speech.length);
    for (let i = 0; i < 60; i++) minutes.set(speech, i * speech.length);
    const long = join(folder, 'long.wav');
    writeFileSync(long, wavOfSamples(minutes));
    await page.setInputFiles('#file', long);
    await page.click('#transcribe');
    await waitForText(page, '#text', /\S/);
    assert.equal(await page.evaluate('document.activeElement.id'), 'stop');
    await page.click('#stop');
    await waitForText(page, '#status', /^Stopped\.$/);
    assert.equal(await page.evaluate('document.activeElement.id'), 'transcribe');
  },
  /status of 400/,
);

withPage('the microphone live: text while it is spoken, and its file', {}, async (page) => {
  await page.selectOption('#format', 'vtt');
  await page.click('#live');
  await waitForText(page, '#status', /^Listening/);
  assert.equal(await page.evaluate(`document.querySelector('#live').ariaPressed`), 'true');
  await setTimeout(SILENCE_MS + speechMs + 200);
  // Before the pause that would end the segment.
  await page.click('#live');
  await waitForText(page, '#status', /^microphone: transcribed$/);
  const spokenText = (await page.textContent('#text')) ?? '';
  assert.ok(spokenText.endsWith(SPOKEN_TEXT), spokenText);
  const file = await download(page);
  const cues = file.split(/^.* --> .*$/m).slice(1);
  assert.match(file, /^WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\n/);
  assert.equal(cues.map((cue) => cue.trim().replace(/\s+/g, ' ')).join(' '), SPOKEN_TEXT);
});

withPage(
  'a key is asked for where one is needed, for requests and sessions',
  { keys: [KEY] },
  async (page) => {
    await page.setInputFiles('#file', WEATHER);
    await page.click('#transcribe');
    await waitForText(page, '#status', /expected an API key .* found none/);
    assert.equal(await page.evaluate('document.activeElement.id'), 'key');
    await page.fill('#key', 'another');
    await page.click('#live');
    await waitForText(page, '#status', /expected an API key .* one that is not known/);
    await page.fill('#key', 'a/key=');
    await page.click('#live');
    await waitForText(page, '#status', /^browsers cannot send this key to live sessions: /);
    await page.fill('#key', KEY);
    await transcribe(page);
    assert.equal(await page.textContent('#text'), WEATHER_TEXT);
    await page.click('#live');
    await waitForText(page, '#status', /^Listening/);
    await page.click('#live');
    await waitForText(page, '#status', /^microphone: /);
  },
  /status of 401/,
);

withPage(
  'no session is left: the page says so, and goes on',
  { realtime: { sessions: 0, pingMs: 20_000, waitingBytes: 2 ** 22 } },
  async (page) => {
    await page.click('#live');
    await waitForText(page, '#status', /^the server takes no more sessions now$/);
    await page.setInputFiles('#file', WEATHER);
    await transcribe(page);
  },
  /WebSocket connection .* failed/,
);

withPage('it fits a phone, works by keyboard, and every control has a name', {}, async (page) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.setInputFiles('#file', WEATHER);
  await page.focus('#file');
  const order = ['file'];
  for (let i = 0; i < 20 && order.at(-1) !== 'transcribe'; i++) {
    await page.keyboard.press('Tab');
    const focused = String(
      await page.evaluate('document.activeElement.id || document.activeElement.localName'),
    );
    if (focused !== order.at(-1)) order.push(focused);
  }
  assert.deepEqual(order, ['file', 'audio', 'language', 'format', 'prompt', 'transcribe']);
  await page.keyboard.press('Enter');
  await waitForText(page, '#status', / in \d+\.\d s$/);
  assert.equal(await page.textContent('#text'), WEATHER_TEXT);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
  const unnamed =
    await page.evaluate(`[...document.querySelectorAll('button, input, select, audio, progress')]
      .filter((e) => !(e.labels?.length || e.textContent.trim() && e.matches('button') || e.ariaLabel))
      .map((e) => e.outerHTML)`);
  assert.deepEqual(unnamed, []);
});

test('the page may do nothing with other places, and nothing in it comes from any', async () => {
  const server = await startServer({ keys: [KEY] });
  try {
    const page = await fetch(`${server.address}/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none';/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    const document = await page.text();
    const links = [...document.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link = '']) => link);
    assert.deepEqual(links, ['data:,', './page/style.css', '#main', './page/main.js']);
    for (const path of ['page/style.css', 'page/main.js', 'page/microphoneProcessor.js']) {
      const answer = await fetch(`${server.address}/${path}`);
      assert.equal(answer.status, 200, path);
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      assert.doesNotMatch(await answer.text(), /\bhttps?:\/\/|url\(/);
    }
    assert.equal((await fetch(`${server.address}/page/index.html`)).status, 401);
    assert.equal((await fetch(`${server.address}/page/..%2f..%2fpackage.json`)).status, 401);
  } finally {
    await server.stop();
  }
});
