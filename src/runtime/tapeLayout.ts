/*
 * How a tape and what its participants share lie in kernel memory; the offsets are bytes.
 *
 * A tape is an array of entries, each a kernel call repeated over tiles. All participants walk all entries in order and
 * claim tiles with an atomic counter, so any number of participants, unequal cores and late sleepers are fine. An entry
 * starts when `completed`, the count of finished tiles of the whole pass, has reached what it requires; consecutive
 * entries that require the same count are a group: they do not depend on each other, and so overlap.
 */

/** One entry; the counter has a cache line of its own. */
export const ENTRY = {
  kernel: 0,
  args: 8,
  tiles: 16,
  requires: 24,
  /** What `completed` is before the last tile of the entry's group is finished. */
  last: 32,
  /** Least time of a tile that was seen, in 16ths of ticks, in the last entry of a group; of all passes over the tape. */
  fastest: 40,
  claimed: 64,
  byteLength: 128,
} as const;

/** What all participants share; words written in a pass have cache lines of their own. */
export const CONTROL = {
  /** Changes when a pass begins, when more participants are wanted, and when workers shall leave; they sleep on it. */
  epoch: 0,
  /** 1 when workers shall leave. */
  exit: 4,
  /** 1 when the pass can no longer be joined. */
  closed: 8,
  /** 1 when the remaining tiles shall be skipped. */
  abort: 12,
  tape: 16,
  entryCount: 24,
  /** The kernel that adapts `wanted`. */
  adapt: 32,
  /** Workers inside the pass. */
  inside: 64,
  /** Tiles finished in this pass. */
  completed: 128,
  /** Participants that sleep until a group is finished, or until the workers are out. */
  asleep: 192,
  /** Participants that shall take part; those from this index on stay out. */
  wanted: 196,
  /** Workers that sleep inside `join` until they are wanted or the pass is closed. */
  parked: 200,
  /** What the groups of this window would have taken one participant, and what they took; see `walkerKernel`. */
  aloneTicks: 256,
  elapsedTicks: 260,
  /** What `adaptKernel` remembers from window to window; like the two before, only the first participant uses it. */
  trial: 264,
  speedBefore: 268,
  restDown: 272,
  restUp: 276,
  patience: 280,
  /** Participants that there are. */
  threadCount: 284,
  byteLength: 320,
} as const;

/** What a participant is started with, and on a line of its own what it keeps about the current group. */
export const SELF = {
  control: 0,
  scratch: 8,
  walker: 16,
  /** 0 for the first participant. */
  index: 24,
  /** When it began, its tiles so far, and how many of them were this participant's. */
  groupStart: 64,
  groupTiles: 68,
  ownTiles: 72,
  byteLength: 128,
} as const;

/** `completed` and `inside` after a participant has failed: nobody waits for anything any more. */
export const RELEASED = { completed: 2 ** 30, inside: -(2 ** 30) } as const;

/** `fastest` before anybody has seen a tile of the group. */
export const UNKNOWN_TICKS = 2 ** 30;

/** The clock and differences of its times count modulo 2^31. */
export const CLOCK_MASK = 0x7fffffff;
