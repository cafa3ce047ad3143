import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkBenchResult } from '../../../src/bench/output/readResult.js';
import { formatHtml } from '../../../src/bench/render/html.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import { noChromium, openChromium } from '../../web/support/chromium.js';
import {
  benchmarkEvents,
  benchmarkResult,
  build,
  comparisonResult,
  sweepResult,
} from '../support/sampleResults.js';

const scratch = mkdtempSync(join(tmpdir(), 'qwen-asr-report-'));
after(() => rmSync(scratch, { recursive: true }));

const RESULTS: Readonly<Record<string, BenchResult>> = {
  benchmark: benchmarkResult(),
  sweep: sweepResult(),
  comparison: comparisonResult(),
  stopped: build(benchmarkEvents(3).slice(0, 5)),
  short: benchmarkResult(2),
  nothing: build([]),
};

test('the page names nothing outside itself, and data cannot become markup', () => {
  for (const [name, result] of Object.entries(RESULTS)) {
    const html = formatHtml([{ name: `${name}</title><script>`, result }]);
    const addresses = html.match(/\b(?:https?:)?\/\/[\w.]+/g) ?? [];
    assert.deepEqual(addresses, [], 'addresses');
    assert.ok(!/\b(?:src|href)=/.test(html.replace(/<script>[\s\S]*<\/script>/, '')));
    assert.match(html, /default-src &#39;none&#39;/);
    assert.equal(html.match(/<script/g)?.length, 2, 'scripts');
    assert.equal(html.match(/<\/script/g)?.length, 2, 'ends of scripts');
    assert.ok(!html.includes('<b>'));
  }
});

test('the embedded data is the result', () => {
  for (const result of Object.values(RESULTS)) {
    const html = formatHtml([{ name: 'x', result }]);
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
    assert.deepEqual(checkBenchResult(JSON.parse(data)[0], 'embedded'), result);
  }
});

test('every chart that the data supports is there, and none other', () => {
  const titles = (result: BenchResult) => {
    const html = formatHtml([{ name: 'x', result }]);
    return [...html.matchAll(/<h3>(.*?)<\/h3>/g)].map(([, title]) => title);
  };
  const common = ['Where the time goes', 'Distribution of the runs', 'Runs in their order'];
  assert.deepEqual(titles(benchmarkResult()), [...common, 'Roofline']);
  assert.deepEqual(titles(comparisonResult()), ['B against A', ...common]);
  assert.deepEqual(titles(sweepResult()), [
    'Time by threads',
    'Scaling over threads',
    'Time by seconds of audio',
    ...common.slice(0, 2),
    'What a run costs',
  ]);
  assert.deepEqual(titles(build([])), []);
});

test('every drawing has a label, finite coordinates and its data as a table', () => {
  for (const result of Object.values(RESULTS)) {
    const html = formatHtml([{ name: 'x', result }]);
    const drawings = html.match(/<svg [^>]*>/g) ?? [];
    for (const drawing of drawings) assert.match(drawing, /role="img" aria-label="[^"]{20,}"/);
    assert.ok(!/="[^"]*(?:NaN|Infinity|undefined)[^"]*"/.test(html));
    const figures = html.split('<figure>').slice(1);
    for (const figure of figures)
      assert.match(figure.split('</figure>')[0] ?? '', /<tbody><tr><th scope="row">/);
  }
});

test('words stand to the left and figures to the right, no metric is broken, and no line crosses a title', () => {
  const sweep = formatHtml([{ name: 'x', result: sweepResult() }]);
  assert.match(sweep, /<th scope="col">first_token ms<\/th>/);
  const comparison = formatHtml([{ name: 'x', result: comparisonResult() }]);
  assert.match(comparison, /<th scope="col" class="words">verdict<\/th>/);
  assert.match(comparison, /<td class="words">slower<\/td>/);
  assert.match(comparison, /<td>\+[23]\.\d %<\/td>/);
  // In both drawings of the forest plot each of the two pairs has its title on a ground of its own.
  const titles = comparison.match(
    /<rect class="blank"[^>]*><\/rect><text [^>]*class="strong">[^<]* against /g,
  );
  assert.equal(titles?.length, 4);
});

test('a browser shows it at any width, light and dark, without an error or a request', {
  skip: noChromium,
}, async () => {
  const browser = await openChromium();
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(error.message));
    for (const [name, result] of Object.entries(RESULTS)) {
      const path = join(scratch, `${name}.html`);
      writeFileSync(path, formatHtml([{ name, result }]));
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        for (const width of [360, 1280]) {
          await page.setViewportSize({ width, height: 800 });
          await page.goto(pathToFileURL(path).href);
          const where = `${name}, ${colorScheme}, ${width} px`;
          const facts = (await page.evaluate(FACTS)) as PageFacts;
          assert.ok(facts.pageWidth <= width, `${where}: ${facts.pageWidth} px wide`);
          assert.deepEqual(facts.requests, [], where);
          assert.deepEqual(facts.outside, [], `${where}: outside their drawing`);
          assert.deepEqual(facts.pale, [], `${where}: contrast below 4.5`);
          assert.equal(facts.hiddenDrawings, facts.drawings / 2, where);
        }
      }
    }
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
});

test('the button hands out the result', { skip: noChromium }, async () => {
  const browser = await openChromium();
  try {
    const page = await browser.newPage();
    const path = join(scratch, 'download.html');
    writeFileSync(path, formatHtml([{ name: 'x', result: benchmarkResult(3) }]));
    await page.goto(pathToFileURL(path).href);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('[data-download]')]);
    const saved: unknown = JSON.parse(readFileSync(await download.path(), 'utf8'));
    assert.deepEqual(checkBenchResult(saved, 'download'), benchmarkResult(3));
  } finally {
    await browser.close();
  }
});

interface PageFacts {
  readonly pageWidth: number;
  readonly requests: readonly string[];
  readonly drawings: number;
  readonly hiddenDrawings: number;
  /** Texts that reach beyond the page. */
  readonly outside: readonly string[];
  /** Texts that are hard to read on the page's background (WCAG 2.2, 1.4.3). */
  readonly pale: readonly string[];
}

/** Evaluated in the page. */
const FACTS = `(() => {
  const drawings = [...document.querySelectorAll('svg')];
  const channels = (color) => color.match(/[\\d.]+/g).slice(0, 3).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = (color) => channels(color).reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const shown = (element) => element.getClientRects().length > 0 && element.textContent.trim() !== '';
  const page = getComputedStyle(document.body).backgroundColor;
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (!/, 0\\)$|transparent/.test(color)) return color;
    }
    return page;
  };
  const words = [...document.querySelectorAll('h1,h2,h3,p,dt,dd,li,th,td,summary,blockquote,button')].filter(shown);
  const labels = [...document.querySelectorAll('svg text')].filter(shown);
  const onPhases = labels.filter((label) => label.classList.contains('on-phase'));
  const box = (label) => label.parentElement.querySelector('rect');
  return {
    pageWidth: document.documentElement.scrollWidth,
    requests: performance.getEntriesByType('resource').map(({ name }) => name),
    drawings: drawings.length,
    hiddenDrawings: drawings.filter((svg) => svg.getClientRects().length === 0).length,
    outside: labels.filter((label) => {
      const { left, right } = label.getBoundingClientRect();
      return left < -1 || right > document.documentElement.clientWidth + 1;
    }).map((label) => label.textContent),
    pale: [
      ...words.filter((one) => contrast(getComputedStyle(one).color, ground(one)) < 4.5),
      ...labels.filter((one) => !onPhases.includes(one) && contrast(getComputedStyle(one).fill, page) < 4.5),
      ...onPhases.filter((one) => contrast(getComputedStyle(one).fill, getComputedStyle(box(one)).fill) < 4.5),
    ].map((one) => one.textContent.slice(0, 40)),
  };
})()`;
