/** `ok`: verified. `note`: worth knowing. `warning`: works, but not as published. `error`: cannot work or is damaged. */
export type CheckSeverity = 'ok' | 'note' | 'warning' | 'error';

/** One line of a check. */
export interface CheckFinding {
  readonly severity: CheckSeverity;
  readonly message: string;
}

/** What checkModelDirectory found. */
export interface CheckReport {
  /** The directory. */
  readonly source: string;
  /** For example `Qwen3-ASR-0.6B`; null when the tensors are not those of a published model. */
  readonly published: string | null;
  readonly findings: readonly CheckFinding[];
  /** True when no finding is an error. */
  readonly passed: boolean;
}
