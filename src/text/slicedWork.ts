/** Work in slices of a few milliseconds: it yields wherever a pause does no harm. */
export type SlicedWork<Result> = Generator<undefined, Result, undefined>;

/** Entries handled between two pauses: about a millisecond of parsing or of filling maps. */
export const ENTRIES_PER_SLICE = 1024;

/** The result, all slices at once. */
export function finishWork<Result>(work: SlicedWork<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
