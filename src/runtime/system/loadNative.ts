import { openDarwin } from './darwin.js';
import { openLinux } from './linux.js';
import type { Koffi, Native } from './native.js';
import { openWindows } from './windows.js';

/** Platforms whose system calls are known, as `process.platform process.arch`. */
const SYSTEMS: Readonly<Record<string, (koffi: Koffi) => Native>> = {
  'linux x64': openLinux,
  'linux arm64': openLinux,
  'win32 x64': openWindows,
  'darwin x64': openDarwin,
  'darwin arm64': openDarwin,
};

/** Why machine code is not used on this system unless it is asked for by name; null where it is. */
export function machineCodeOff(platform: NodeJS.Platform = process.platform): string | null {
  return platform === 'darwin' ? 'nobody has run it on macOS yet (--backend native tries it)' : null;
}

let cached: Promise<Native | string> | undefined;

/**
 * Loads the operating-system calls, by the optional package koffi.
 *
 * @returns the calls, or one line that says why there are none here (another platform, koffi not installed).
 */
export function loadNative(): Promise<Native | string> {
  cached ??= openNative(importKoffi);
  return cached;
}

/** {@link loadNative} with the import that may fail. */
export async function openNative(importer: () => Promise<Koffi>): Promise<Native | string> {
  const open = SYSTEMS[`${process.platform} ${process.arch}`];
  if (open === undefined) {
    return `machine code runs on ${Object.keys(SYSTEMS).join(', ')}, this is ${process.platform} ${process.arch}`;
  }
  let koffi: Koffi;
  try {
    koffi = await importer();
  } catch (cause) {
    return `the optional package koffi cannot be loaded (${firstLine(cause)})`;
  }
  try {
    const native = open(koffi);
    return refusesViews(native) ?? native;
  } catch (cause) {
    return `this system lacks what machine code needs (${firstLine(cause)})`;
  }
}

function firstLine(cause: unknown): string {
  return cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
}

/** Electron allows no arrays over memory that is not V8's. @returns one line that says so, or null */
function refusesViews(native: Native): string | null {
  const page = native.reserve(native.pageBytes);
  try {
    const words = new Uint8Array(native.view(page, native.pageBytes));
    return words.length === native.pageBytes ? null : 'this runtime shows no memory of the system';
  } catch (cause) {
    return `this runtime allows no arrays over the system's memory, as Electron (${firstLine(cause)})`;
  } finally {
    native.release(page, native.pageBytes);
  }
}

async function importKoffi(): Promise<Koffi> {
  return (await import('koffi')).default;
}
