/** Above this many logical processors a computer most likely has two a core. */
const MOST_SINGLE_THREADED = 4;

/**
 * Participants that a pass should have in a browser, which tells logical processors and nothing about cores: all of up to
 * 4, above that half of them (hyper-threads of one core share the units that matrix products need).
 */
export function browserThreadCount(): number {
  const logical = logicalProcessors();
  return logical <= MOST_SINGLE_THREADED ? logical : Math.max(MOST_SINGLE_THREADED, Math.floor(logical / 2));
}

/** Most participants in a browser, as `mostWasmThreads` in Node. */
export function mostBrowserThreads(): number {
  return Math.max(4, 2 * logicalProcessors());
}

function logicalProcessors(): number {
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  return navigator?.hardwareConcurrency ?? 1;
}
