import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hashTokens } from '../../src/bench/schema/machineRecord.js';
import { readGolden } from '../support/golden.js';
import { noChromium } from './support/chromium.js';
import { benchmark, PageTest, waitForText } from './support/pageTest.js';

const CLIPS = [
  'demo/timer-en',
  'demo/light-en',
  'demo/weather-de',
  'demo/music-es',
  'demo/silence-3s',
  'demo/morning-en',
  'demo/travel-de',
  'demo/lamp-zh',
];

let pages: PageTest;

before(async () => {
  if (noChromium === false) pages = await PageTest.open();
});

after(() => pages?.close());

for (const isIsolated of [true, false]) {
  const how = isIsolated ? 'cross-origin isolated, on threads' : 'not isolated, on one thread';
  test(`${how}: every demo recording gives the tokens of the golden`, { skip: noChromium }, () =>
    pages.withPage(isIsolated, async (page) => {
      assert.equal(await page.isVisible('#isolation'), !isIsolated);
      assert.match(
        (await page.textContent('#model-status')) ?? '',
        isIsolated ? /threads\.$/ : /1 thread\.$/,
      );
      for (const clip of CLIPS) {
        const golden = readGolden(clip);
        await page.selectOption('#sample', golden.wav);
        await waitForText(page, '#audio-status', new RegExp(`^${golden.wav}: [\\d.]+ s$`));
        await page.click('#transcribe');
        await waitForText(page, '#text-status', / tokens in /);
        assert.equal(await page.textContent('#text'), golden.text, clip);
        const { result } = await benchmark(page, 2);
        const { runs } = result.cells[0]!;
        assert.equal(runs.length, 2);
        for (const { tokenIds, tokenHash, language, text } of runs) {
          assert.deepEqual(tokenIds, golden.tokens, clip);
          assert.equal(tokenHash, hashTokens(golden.tokens));
          assert.equal(language ?? '', golden.language);
          assert.equal(text, golden.text);
        }
      }
    }),
  );
}
