import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LocalHub } from '../hub/support/localHub.js';
import { demoModelDir } from '../support/projectRoot.js';
import { noChromium } from './support/chromium.js';
import { PageTest, waitForText } from './support/pageTest.js';

let pages: PageTest;
let hub: LocalHub;

before(async () => {
  if (noChromium !== false) return;
  pages = await PageTest.open();
  hub = await LocalHub.start();
  const names = readdirSync(demoModelDir).filter((name) => /\.(json|txt|safetensors)$/.test(name));
  hub.publish(
    'Qwen/Qwen3-ASR-0.6B',
    Object.fromEntries(names.map((name) => [name, readFileSync(join(demoModelDir, name))])),
  );
});

after(async () => {
  await pages?.close();
  hub?.stop();
});

test(
  'a model of the hub: nothing before consent, stopped, gone on with, checked, loaded, removed',
  {
    skip: noChromium,
  },
  () =>
    pages.withHub([hub.endpoint, hub.cdn], async (page) => {
      await page.waitForSelector('#transcribe:not([disabled])');
      await page.check('input[name="model"][value="hub"]');
      assert.equal(hub.requests.length, 0, 'the hub was asked');

      await page.click('#load');
      await waitForText(page, '#model-status', /Qwen\/Qwen3-ASR-0\.6B: not in this browser's storage$/);
      assert.equal(hub.requests.length, 0, 'the hub was asked');

      await page.click('#look-up');
      await waitForText(page, '#hub-status', /^Qwen\/Qwen3-ASR-0\.6B: 10\.5 MB\.$/);
      assert.equal(hub.requests.length, 1);
      assert.equal(await page.textContent('#fetch'), 'Fetch 10.5 MB');

      // The weights stop in the middle, for good as far as the page can tell.
      let cut = true;
      hub.onCdn = (request, response) => {
        if (!cut || request.headers.range !== undefined) return false;
        const weights = readFileSync(join(demoModelDir, 'model.safetensors'));
        response.writeHead(200, { 'content-length': weights.length });
        response.write(weights.subarray(0, 4_000_000));
        return true;
      };
      await page.click('#fetch');
      await waitForText(page, '#hub-status', /^Fetching Qwen\/Qwen3-ASR-0\.6B: [34]\.\d MB of 10\.5 MB$/);
      await page.click('#stop-fetch');
      await waitForText(page, '#hub-status', /^Not fetched: fetching was stopped; it can go on later$/);
      cut = false;

      await page.click('#look-up');
      await waitForText(page, '#hub-status', /10\.5 MB, \d\.\d MB of it in this browser\.$/);
      hub.requests.length = 0;
      await page.click('#fetch');
      await waitForText(page, '#hub-status', /is in this browser; Load takes it from there\.$/);
      const [weights, ...others] = hub.downloads;
      assert.deepEqual(others, []);
      assert.match(weights?.headers.range ?? '', /^bytes=[1-9]\d{5,}-$/);

      hub.requests.length = 0;
      await page.click('#load');
      await waitForText(page, '#model-status', /^Loaded: /);
      await page.click('#transcribe');
      await waitForText(page, '#text-status', / tokens in /);
      assert.equal(await page.textContent('#text'), 'Set a timer for seven minutes.');
      assert.equal(hub.requests.length, 0, 'the hub was asked');

      await page.click('#forget');
      await waitForText(page, '#hub-status', /is not in this browser\.$/);
      await page.click('#load');
      await waitForText(page, '#model-status', /not in this browser's storage$/);
    }),
);

test('other bytes than the hub promises are an error, and are not kept', { skip: noChromium }, () =>
  pages.withHub([hub.endpoint, hub.cdn], async (page) => {
    await page.waitForSelector('#transcribe:not([disabled])');
    await page.check('input[name="model"][value="hub"]');
    hub.onCdn = (_, response) => {
      const weights = readFileSync(join(demoModelDir, 'model.safetensors'));
      weights[5_000_000]! ^= 1;
      response.writeHead(200, { 'content-length': weights.length }).end(weights);
      return true;
    };
    await page.click('#look-up');
    await page.click('#fetch');
    await waitForText(
      page,
      '#hub-status',
      /^Not fetched: .*model\.safetensors: expected \d+ bytes with the hub's hash/,
    );
    hub.onCdn = () => false;
    await page.click('#load');
    await waitForText(page, '#model-status', /not in this browser's storage$/);
    await page.click('#fetch');
    await waitForText(page, '#hub-status', /is in this browser/);
    await page.click('#forget');
    await waitForText(page, '#hub-status', /is not in this browser\.$/);
  }),
);
