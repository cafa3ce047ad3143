import type { PhaseName, PhaseTimes } from '../phases.js';

/*
 * One run as the result format stores it. The rule of the whole format: a field that could not be measured is null,
 * never missing and never a guess; times are milliseconds with all their digits, sizes are bytes.
 */

/** What else happened on the machine while the run was on. */
export interface Interference {
  /** CPU time that the hypervisor gave to others, summed over the CPUs. */
  readonly stealMs: number | null;
  /** Share of the run, 0 … 1, in which some task waited for a CPU (Linux pressure stall information). */
  readonly cpuPressure: number | null;
  /** CPU time that other processes used. */
  readonly otherCpuMs: number | null;
  /** Times that a thread of the process waited for something, and that one was preempted. */
  readonly voluntarySwitches: number | null;
  readonly involuntarySwitches: number | null;
  /** Load average over one minute, at the end of the run. */
  readonly load1: number | null;
  readonly noisy: boolean;
  /** Why, a short phrase each: `steal 3.1 %`; empty for a quiet run. */
  readonly reasons: readonly string[];
}

/** Peak resident set size while each phase was on; `run` is the peak of the whole run. A phase may be left out. */
export type PeakMemory = { readonly [Phase in PhaseName | 'run']?: number | null };

/** One run. Only `startedAt` and `totalMs` are always there. */
export interface RunRecord {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Wall time of the whole call: transcribe(), encode(); of an external command as it prints it, else its wall time. */
  readonly totalMs: number;
  /**
   * Wall time of a process that starts, loads the model, transcribes and ends: of an external command, and of this
   * engine where it is compared with one that tells no other figure. Null where none was started.
   */
  readonly commandMs: number | null;
  /** Mel, conv stem and encoder layers, as the text output's `encode`; of an external command as it prints them. */
  readonly encodeMs: number | null;
  /** Prefill and decode steps, as the text output's `decode`. */
  readonly decodeMs: number | null;
  readonly phases: PhaseTimes;
  /** One entry for each decode step after prefill; empty when none was timed. */
  readonly decodeStepsMs: readonly number[];
  /** How many segments each of them gave a token to; null when nothing was cut: one each. Older files have none. */
  readonly decodeStepRows?: readonly number[] | null;
  /** From the call until the first token was known; of segments, that of the first which is not skipped. */
  readonly firstTokenMs: number | null;
  /** Generated tokens, special and end tokens included. */
  readonly tokens: number | null;
  /** Tokens of the text: the text output's `tokens`. */
  readonly textTokens: number | null;
  readonly promptTokens: number | null;
  /** Audio embeddings: the text output's `seq_len`. */
  readonly audioTokens: number | null;
  /** `hashTokens` of the generated ids. */
  readonly tokenHash: string | null;
  readonly tokenIds: readonly number[] | null;
  readonly text: string | null;
  readonly language: string | null;
  /** The token budget ended the run. */
  readonly truncated: boolean | null;
  /** Weight and cache bytes that the decode steps read, divided by the tokens they gave. */
  readonly bytesReadPerToken: number | null;
  /** Null where nothing of it can be read. */
  readonly interference: Interference | null;
  readonly memory: PeakMemory | null;
  /** 0-based round of an interleaved measurement: runs of both sides with the same round are a pair. Else null. */
  readonly round: number | null;
  /** What the audio was cut into, in order; null when it was not cut. Older files have none. */
  readonly segments?: readonly SegmentRecord[] | null;
}

/** Whether nothing is known of a run but the time of its whole process, with starting and loading. */
export function isWholeProcess({ commandMs, totalMs }: Pick<RunRecord, 'commandMs' | 'totalMs'>): boolean {
  return commandMs !== null && commandMs === totalMs;
}

/** A part of the audio that was transcribed by itself. */
export interface SegmentRecord {
  readonly startMs: number;
  readonly endMs: number;
  /** What the model heard: less where silence was left out, more where a margin was put; 0: skipped. */
  readonly heardMs: number;
  /** As in the run. */
  readonly tokens: number;
  readonly promptTokens: number;
  readonly audioTokens: number;
  /** What was recognised, and the language of it; null without one. Older files have neither. */
  readonly text?: string;
  readonly language?: string | null;
}
