import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian puts it; CHROMIUM names another one. */
const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Why the tests that need it are left out, or false. Where everything must run, they run and fail. */
export const noChromium =
  process.env['CI'] === 'true' || existsSync(EXECUTABLE)
    ? false
    : `${EXECUTABLE} is not installed (Debian: apt-get install chromium)`;

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // The microphone is a tone, and nobody is asked.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** The part of playwright-core that is used; its own types need all of the DOM's. */
export interface Page {
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
  goto(address: string): Promise<unknown>;
  click(selector: string): Promise<void>;
  focus(selector: string): Promise<void>;
  fill(selector: string, value: string): Promise<void>;
  check(selector: string): Promise<void>;
  selectOption(selector: string, value: string): Promise<unknown>;
  setInputFiles(selector: string, path: string): Promise<void>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  emulateMedia(options: { colorScheme: 'light' | 'dark' }): Promise<void>;
  screenshot(options: { path: string; fullPage: boolean }): Promise<unknown>;
  isVisible(selector: string): Promise<boolean>;
  textContent(selector: string): Promise<string | null>;
  waitForSelector(selector: string): Promise<unknown>;
  waitForEvent(event: 'download'): Promise<{ path(): Promise<string> }>;
  /** @param script an expression */
  evaluate(script: string): Promise<unknown>;
  keyboard: { press(key: string): Promise<void> };
  close(): Promise<void>;
}

interface BrowserContext {
  newPage(): Promise<Page>;
  setDefaultTimeout(timeoutMs: number): void;
  close(): Promise<void>;
}

interface Playwright {
  readonly chromium: {
    launchPersistentContext(
      profile: string,
      options: { executablePath: string; headless: boolean; args: readonly string[] },
    ): Promise<BrowserContext>;
  };
}

export interface Chromium {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

/**
 * A headless Chromium with an empty profile.
 *
 * @param speech a WAV that its microphone gives, once, from when it is opened; else it gives a tone
 */
export async function openChromium(speech?: string): Promise<Chromium> {
  const name: string = 'playwright-core';
  const { chromium } = (await import(name)) as Playwright;
  const profile = mkdtempSync(join(tmpdir(), 'qwen-asr-chromium-'));
  const microphone = speech === undefined ? [] : [`--use-file-for-fake-audio-capture=${speech}%noloop`];
  const options = { executablePath: EXECUTABLE, headless: true, args: [...ARGUMENTS, ...microphone] };
  const context = await chromium.launchPersistentContext(profile, options);
  context.setDefaultTimeout(60_000);
  return {
    newPage: () => context.newPage(),
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
