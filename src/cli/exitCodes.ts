/** Exit codes of both commands; the table in README.md is the same. */
export const EXIT = {
  ok: 0,
  error: 1,
  /** A comparison that was asked for failed. */
  compare: 3,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
