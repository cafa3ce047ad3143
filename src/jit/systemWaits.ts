/**
 * How generated code sleeps until a word of memory changes, and wakes who sleeps: by Linux' system call, or by functions
 * of the system, at their addresses in this process.
 */
export type SystemWaits =
  /** futex(2) with operations of one process. */
  | { readonly kind: 'futex' }
  /** WaitOnAddress and WakeByAddressAll, by the Microsoft calling convention. */
  | WaitFunctions<'windows'>
  /** os_sync_wait_on_address and os_sync_wake_by_address_all of macOS 14.4, by the platform's own calling convention. */
  | WaitFunctions<'osSync'>
  /** __ulock_wait and __ulock_wake of macOS before that. */
  | WaitFunctions<'ulock'>;

interface WaitFunctions<Kind extends string> {
  readonly kind: Kind;
  readonly wait: number;
  readonly wakeAll: number;
}

export const FUTEX: SystemWaits = { kind: 'futex' };

/** Operations of __ulock_wait and __ulock_wake (XNU's bsd/sys/ulock.h): on a word of 32 bits, and all its sleepers. */
export const UL_COMPARE_AND_WAIT = 1;
export const ULF_WAKE_ALL = 0x100;
