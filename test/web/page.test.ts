import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { noChromium } from './support/chromium.js';
import { benchmark, download, PageTest, transcribeMicrophone, waitForText } from './support/pageTest.js';

let pages: PageTest;

before(async () => {
  if (noChromium === false) pages = await PageTest.open();
});

after(() => pages?.close());

test('a model folder and a file of the visitor', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await page.check('input[name="model"][value="folder"]');
    await page.setInputFiles('#folder', demoModelDir);
    await page.fill('#threads', '1');
    await page.click('#load');
    await waitForText(page, '#model-status', /^Loaded: demo .* 1 thread\.$/);
    await page.setInputFiles('#file', join(demoModelDir, 'samples', 'weather-de.wav'));
    await waitForText(page, '#audio-status', /^weather-de\.wav: \d/);
    await page.selectOption('#language', 'German');
    await page.click('#transcribe');
    await waitForText(page, '#text-status', / tokens in /);
    assert.equal(await page.textContent('#text'), readGolden('demo/weather-de').text);
  }),
);

test('what cannot be used is said, and the page goes on', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await page.setInputFiles('#file', join(demoModelDir, 'config.json'));
    await waitForText(page, '#audio-status', /^config\.json: expected a recording/);
    assert.ok(await page.isVisible('#audio-status.error'));
    assert.ok(!(await page.isVisible('audio')), 'nothing is offered to be played');
    await page.check('input[name="model"][value="folder"]');
    await page.setInputFiles('#folder', join(demoModelDir, 'samples'));
    await page.click('#load');
    await waitForText(page, '#model-status', /^Not loaded: samples: expected .*safetensors/);
    await page.check('input[name="model"][value="demo"]');
    await page.click('#load');
    await page.selectOption('#sample', 'light-en.wav');
    await page.waitForSelector('#transcribe:not([disabled])');
    await page.click('#transcribe');
    await waitForText(page, '#text', /^Turn on the kitchen light\.$/);
  }),
);

test('the microphone is recorded and decoded by the browser', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await transcribeMicrophone(page);
  }),
);

test('a benchmark can be stopped, and shows what was measured', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await page.fill('#runs', '1000');
    await page.click('#bench');
    await page.waitForSelector('#table tr');
    await page.click('#stop-bench');
    await waitForText(page, '#bench-status', /^Stopped after \d+ runs\.$/);
    const { complete, cells } = (await download(page)).result;
    assert.deepEqual([complete, cells[0]?.complete, cells[0]?.settings.runs], [false, false, 1000]);
    assert.ok(cells[0]!.runs.length < 1000);
    await page.waitForSelector('#transcribe:not([disabled])');
  }),
);

/** Where the keyboard is: an id, or what else tells. */
const FOCUSED =
  'document.activeElement.id || document.activeElement.className || document.activeElement.name || document.activeElement.localName';

test('a browser without 128-bit vectors: the page says so, and stays usable', { skip: noChromium }, () =>
  pages.withoutSimd(async (page) => {
    await waitForText(page, '#model-status', /^Not loaded: WebAssembly: .* no 128-bit vectors/);
    assert.ok(await page.isVisible('#model-status.error'));
    await waitForText(page, '#audio-status', /^timer-en\.wav: 2\.3 s$/);
    assert.ok(await page.isVisible('#transcribe[disabled]'));
    assert.ok(await page.isVisible('#load:not([disabled])'));
  }),
);

test('without a mouse: everything can be reached, in the order of the page', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    const order: string[] = [];
    for (let i = 0; i < 40 && order.at(-1) !== 'download'; i++) {
      await page.keyboard.press('Tab');
      const focused = (await page.evaluate(FOCUSED)) as string;
      if (focused !== order.at(-1)) order.push(focused);
      if (focused !== 'bench') continue;
      await page.keyboard.press('Enter');
      await waitForText(page, '#bench-status', /are done/);
      assert.equal(await page.evaluate(FOCUSED), 'bench');
    }
    assert.deepEqual(order, [
      ...['skip', 'model', 'threads', 'load', 'aligner', 'sample', 'file', 'microphone', 'audio'],
      ...['language', 'transcribe', 'live', 'runs', 'bench', 'download'],
    ]);
  }),
);

test('it fits a phone, works by keyboard, and every control has a name', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await benchmark(page, 2);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    await page.focus('#transcribe');
    await page.keyboard.press('Enter');
    await waitForText(page, '#text-status', / tokens in /);
    assert.equal(await page.textContent('#text'), 'Set a timer for seven minutes.');
    // The button was switched off meanwhile: the keyboard was on Stop, and is back.
    assert.equal(await page.evaluate('document.activeElement.id'), 'transcribe');
    assert.equal(await page.textContent('#text-spoken'), 'Set a timer for seven minutes.');
    const unnamed =
      await page.evaluate(`[...document.querySelectorAll('button, input, select, audio, progress')]
      .filter((e) => !(e.labels?.length || e.textContent.trim() && e.matches('button') || e.ariaLabel))
      .map((e) => e.outerHTML)`);
    assert.deepEqual(unnamed, []);
  }),
);
