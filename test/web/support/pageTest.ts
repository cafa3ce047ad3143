import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseResult } from '../../../src/bench/output/readResult.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import { type BuiltPage, buildPage } from './buildPage.js';
import { type Chromium, openChromium, type Page } from './chromium.js';
import { serveFolder } from './serveFolder.js';

/** The built page and a browser for it. */
export class PageTest {
  readonly #built: BuiltPage;
  readonly #chromium: Chromium;

  private constructor(built: BuiltPage, chromium: Chromium) {
    this.#built = built;
    this.#chromium = chromium;
  }

  /** @param speech what the microphone gives, as for openChromium */
  static async open(speech?: string): Promise<PageTest> {
    return new PageTest(buildPage(), await openChromium(speech));
  }

  /** Opens the page with the demo model loaded; afterwards nothing may have been complained about. */
  withPage(isIsolated: boolean, work: (page: Page) => Promise<void>): Promise<void> {
    return this.#open(this.#built.folder, isIsolated, async (page) => {
      await page.waitForSelector('#transcribe:not([disabled])');
      await work(page);
    });
  }

  /** Opens the page in a browser whose WebAssembly refuses everything that came after its first version. */
  async withoutSimd(work: (page: Page) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-no-simd-'));
    try {
      cpSync(this.#built.folder, folder, { recursive: true });
      const assets = join(folder, 'assets');
      for (const name of readdirSync(assets).filter((name) => name.startsWith('engineWorker'))) {
        const program = readFileSync(join(assets, name), 'utf8');
        writeFileSync(join(assets, name), `WebAssembly.validate = () => false;\n${program}`);
      }
      await this.#open(folder, true, work);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Opens the page where models come from another hub. */
  async withHub(endpoints: readonly string[], work: (page: Page) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'qwen-asr-hub-page-'));
    try {
      cpSync(this.#built.folder, folder, { recursive: true });
      const index = join(folder, 'index.html');
      const page = readFileSync(index, 'utf8')
        .replace('content="https://huggingface.co/"', `content="${endpoints[0]}/"`)
        .replace("connect-src 'self'", `connect-src 'self' ${endpoints.join(' ')}`);
      writeFileSync(index, page);
      await this.#open(folder, true, work);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async #open(folder: string, isIsolated: boolean, work: (page: Page) => Promise<void>): Promise<void> {
    const server = await serveFolder(folder, isIsolated);
    const page = await this.#chromium.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    try {
      await page.goto(server.address);
      await work(page);
      assert.deepEqual(complaints, []);
    } finally {
      await page.close();
      await server.close();
    }
  }

  async close(): Promise<void> {
    await this.#chromium.close();
    this.#built.remove();
  }
}

/** Waits until an element's text matches; returns it. */
export async function waitForText(page: Page, selector: string, pattern: RegExp): Promise<string> {
  const deadlineMs = performance.now() + 60_000;
  for (;;) {
    const text = (await page.textContent(selector)) ?? '';
    if (pattern.test(text)) return text;
    if (performance.now() > deadlineMs) assert.match(text, pattern, selector);
    await setTimeout(10);
  }
}

/** Records for a moment with the page's microphone, and transcribes what was heard. */
export async function transcribeMicrophone(page: Page): Promise<void> {
  await page.click('#microphone');
  await waitForText(page, '#audio-status', /^Recording/);
  await setTimeout(600);
  await page.click('#microphone');
  await waitForText(page, '#audio-status', /^microphone: \d+\.\d s$/);
  await page.click('#transcribe');
  await waitForText(page, '#text-status', / tokens in /);
}

/** A download of the page. */
export interface Download {
  readonly text: string;
  readonly result: BenchResult;
}

/** Runs the benchmark and downloads its result, which must be one that qwen_asr_bench reads. */
export async function benchmark(page: Page, runs: number): Promise<Download> {
  await page.fill('#runs', String(runs));
  await page.click('#bench');
  await waitForText(page, '#bench-status', /are done/);
  return download(page);
}

/** Downloads the transcript in a format. */
export async function downloadTranscript(page: Page, format: string): Promise<string> {
  await page.selectOption('#save-format', format);
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
  return readFileSync(await file.path(), 'utf8');
}

export async function download(page: Page): Promise<Download> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  const text = readFileSync(await file.path(), 'utf8');
  return { text, result: parseResult(text, 'download') };
}
