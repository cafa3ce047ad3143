/**
 * How generated code sleeps until a word of memory changes, and wakes who sleeps: by Linux' system call, or by functions
 * of the system, at their addresses in this process.
 */
export type SystemWaits =
  /** futex(2) with operations of one process. */
  | { readonly kind: 'futex' }
  /** WaitOnAddress and WakeByAddressAll, by the Microsoft calling convention. */
  | WaitFunctions<'windows'>
  /** __ulock_wait and __ulock_wake of libSystem, by the platform's own calling convention. */
  | WaitFunctions<'macos'>;

interface WaitFunctions<Kind extends string> {
  readonly kind: Kind;
  readonly wait: number;
  readonly wakeAll: number;
}

export const FUTEX: SystemWaits = { kind: 'futex' };
