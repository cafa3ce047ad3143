import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { hashSamples } from '../../src/bench/environment/provenance.js';
import { benchResultSchema } from '../../src/bench/schema/benchResult.js';
import { hashMachine } from '../../src/bench/schema/machineRecord.js';
import { loadWav } from '../../src/index.js';
import { closeObjects, type Json } from '../bench/support/closeObjects.js';
import { demoModelDir } from '../support/projectRoot.js';
import { runCli } from '../support/runCli.js';
import { noChromium } from './support/chromium.js';
import { benchmark, PageTest } from './support/pageTest.js';

/* What the page downloads is what qwen_asr_bench writes. */

let pages: PageTest;

before(async () => {
  if (noChromium === false) pages = await PageTest.open();
});

after(() => pages?.close());

test(
  'the download is a benchmark result of version 1, and the table and the command line show it',
  {
    skip: noChromium,
  },
  () =>
    pages.withPage(true, async (page) => {
      const { text, result } = await benchmark(page, 3);
      const schema = JSON.parse(JSON.stringify(benchResultSchema)) as Json;
      const validate = new Ajv2020({ allErrors: true }).compile(closeObjects(schema) as object);
      assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors));

      const { runs, summary, settings } = result.cells[0]!;
      for (const { totalMs, phases } of runs) {
        const sum = Object.values(phases).reduce<number>((total, ms) => total + (ms ?? 0), 0);
        assert.ok(Math.abs(sum - totalMs) < 0.01, `phases sum to ${sum}, not ${totalMs}`);
      }
      const totals = runs.map(({ totalMs }) => totalMs).toSorted((a, b) => a - b);
      const mean = totals.reduce((sum, ms) => sum + ms, 0) / totals.length;
      const expected = `total${[totals[0]!, mean, totals.at(-1)!].map((ms) => ms.toFixed(1)).join('')}ms`;
      assert.equal(await page.textContent('#table tr'), expected);
      assert.equal(summary?.['total']?.median, totals[1]);
      const { backend, isa, precision, segmentSeconds } = settings;
      assert.deepEqual([backend, isa, precision, segmentSeconds], ['wasm', 'relaxed-simd', 'f32', null]);

      const { machine, audio, notes } = result;
      assert.match(machine.node, /^Chromium \d+$/);
      assert.deepEqual([machine.platform, machine.architecture], [process.platform, process.arch]);
      assert.equal(machine.hash, hashMachine(machine));
      const { samples } = await loadWav(join(demoModelDir, 'samples', 'timer-en.wav'));
      assert.equal(audio[0]?.hash, hashSamples(samples));
      assert.match(notes.join(), /^measured in a browser: Mozilla/);

      const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-download-'));
      try {
        const file = join(folder, 'page.json');
        writeFileSync(file, text);
        const report = await runCli('qwen_asr_bench', ['report', file]);
        assert.deepEqual([report.code, report.stderr], [0, '']);
        assert.match(report.stdout, /^tool +qwen-asr web page \d/m);
        assert.match(report.stdout, new RegExp(`^total(?: ms)? +${totals[1]!.toPrecision(4)}`, 'm'));
        const compared = await runCli('qwen_asr_bench', ['compare', file, file]);
        assert.equal(compared.code, 0, compared.stderr);
        assert.match(compared.stdout, /^the tokens are the same$/m);
        const html = join(folder, 'page.html');
        assert.equal((await runCli('qwen_asr_bench', ['report', file, '--export', html])).code, 0);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
);
