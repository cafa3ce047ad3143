import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { readGolden } from '../support/golden.js';
import { demoModelDir } from '../support/projectRoot.js';
import { noChromium } from './support/chromium.js';
import { benchmark, download, PageTest, waitForText } from './support/pageTest.js';

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
    await page.click('#microphone');
    await waitForText(page, '#audio-status', /^Recording/);
    await setTimeout(600);
    await page.click('#microphone');
    await waitForText(page, '#audio-status', /^microphone: \d+\.\d s$/);
    await page.click('#transcribe');
    await waitForText(page, '#text-status', / tokens in /);
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

test('it fits a phone, works by keyboard, and every control has a name', { skip: noChromium }, () =>
  pages.withPage(true, async (page) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await benchmark(page, 2);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360);
    await page.focus('#transcribe');
    await page.keyboard.press('Enter');
    await waitForText(page, '#text', /seven minutes\.$/);
    assert.equal(await page.textContent('#text-spoken'), 'Set a timer for seven minutes.');
    const unnamed =
      await page.evaluate(`[...document.querySelectorAll('button, input, select, audio, progress')]
      .filter((e) => !(e.labels?.length || e.textContent.trim() && e.matches('button') || e.ariaLabel))
      .map((e) => e.outerHTML)`);
    assert.deepEqual(unnamed, []);
  }),
);
