/** Above this many logical processors a computer most likely has two a core. */
const MOST_SINGLE_THREADED = 4;

/**
 * Participants that a pass should have in a browser, which tells logical processors and nothing about cores: all of up to
 * 4, above that half of them (hyper-threads of one core share the units that matrix products need).
 */
export function browserThreadCount(): number {
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  const logical = navigator?.hardwareConcurrency ?? 1;
  return logical <= MOST_SINGLE_THREADED ? logical : Math.max(MOST_SINGLE_THREADED, Math.floor(logical / 2));
}
