import { PHASES, type PhaseName, type PhaseTimes } from '../phases.js';
import { SHA256 } from './machineRecord.js';
import {
  amount,
  count,
  defined,
  enumOf,
  flag,
  list,
  named,
  number,
  optional,
  orNull,
  record,
  recordOf,
  type Shape,
  text,
  type ValueOf,
} from './shape.js';
import { streamRecord } from './streamRecord.js';

/*
 * One run as the result format stores it. The rule of the whole format: a field that could not be measured is null,
 * never missing and never a guess; times are milliseconds with all their digits, sizes are bytes.
 */

/** A time for each phase of the table; which files of before leave out, the table knows too. */
const phasesRecord = recordOf<PhaseTimes>(
  'phases',
  'The parts of a run; those that are not null sum to totalMs.',
  Object.fromEntries(
    PHASES.map((phase) => {
      const ms = orNull(
        amount('once' in phase ? `${phase.title}; null when it was done once, before the runs` : phase.title),
      );
      return [`${phase.id}Ms`, 'later' in phase ? optional(ms) : ms];
    }),
  ),
);

const interferenceRecord = record('interference', 'What else happened on the machine while the run was on.', {
  stealMs: orNull(amount('CPU time that the hypervisor gave to others, summed over the CPUs')),
  cpuPressure: orNull(
    amount('share of the run in which some task waited for a CPU (Linux pressure stall information)', {
      maximum: 1,
    }),
  ),
  otherCpuMs: orNull(amount('CPU time that other processes used')),
  voluntarySwitches: orNull(count('times that a thread of the process waited for something')),
  involuntarySwitches: orNull(count('times that one was preempted')),
  load1: orNull(amount('load average over one minute, at the end of the run')),
  noisy: flag(),
  reasons: list(text(), 'why, a short phrase each: `steal 3.1 %`; empty for a quiet run'),
});

/** What else happened on the machine while the run was on. */
export interface Interference extends ValueOf<typeof interferenceRecord> {}

/** Peak resident set size while each phase was on; `run` is the peak of the whole run. A phase may be left out. */
export type PeakMemory = { readonly [Phase in PhaseName | 'run']?: number | null };

export const memoryRecord: Shape<PeakMemory> = defined(
  'memory',
  named(orNull(amount()), 'Peak resident bytes by phase name; run: of the whole run.'),
);

const segmentRecord = record('segment', 'A part of the audio that was transcribed by itself.', {
  startMs: amount(),
  endMs: amount(),
  heardMs: amount(
    'what the model heard: less where silence was left out, more where a margin was put; 0: skipped',
  ),
  tokens: count(),
  promptTokens: count(),
  audioTokens: count(),
  text: optional(text('what was recognised; absent in older files')),
  language: optional(orNull(text('absent in older files'))),
});

/** A part of the audio that was transcribed by itself. */
export interface SegmentRecord extends ValueOf<typeof segmentRecord> {}

/** ISO 8601 in UTC. */
export const UTC_TIME = { pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$' } as const;

/** How a request can fail. A new kind has its entry here and its words in the text. */
export const FAILURES = {
  connection: 'no connection',
  timeout: 'timed out',
  busy: 'busy (429, 503)',
  rejected: 'rejected (4xx)',
  server_error: 'server error (5xx)',
  malformed: 'no answer of the API',
  stream_error: 'error in a stream',
  cut: 'cut off',
} as const;

/** Names of {@link FAILURES}. */
export type FailureKind = keyof typeof FAILURES;

const requestRecord = record(
  'request',
  'A request to a server, as its client saw it. Times count from the beginning of the level.',
  {
    client: orNull(count('from 0; null in an open loop')),
    recording: count('index in the recordings of the audio; 0 for a single one'),
    audioMs: amount(),
    intendedMs: number(
      'when it was to be sent; in a live session when its last speech was spoken. totalMs counts from here, firstTokenMs too, but in a live session from the beginning of the recording',
    ),
    sentMs: number('when it was sent'),
    failure: orNull(enumOf(Object.keys(FAILURES) as FailureKind[], 'null: it was answered')),
    status: orNull(count('of HTTP')),
    detail: orNull(text('what a failure said of itself, in a line')),
  },
);
/** A request to a server, as its client saw it. */
export interface RequestRecord extends ValueOf<typeof requestRecord> {}

export const runRecord = record('run', 'One run, raw.', {
  startedAt: text('UTC', UTC_TIME),
  totalMs: amount('wall time of the whole call; of an external command as it prints it, else its wall time'),
  commandMs: orNull(
    amount(
      'wall time of a process that starts, loads the model, transcribes and ends: of an external command, and of this engine beside one that prints no other figure',
    ),
  ),
  encodeMs: orNull(amount("mel + conv stem + encoder layers, as the text output's `encode`")),
  decodeMs: orNull(amount("prefill + decode steps, as the text output's `decode`")),
  phases: phasesRecord,
  decodeStepsMs: list(amount(), 'one for each decode step after prefill; empty when none was timed'),
  decodeStepRows: optional(
    orNull(
      list(
        count(undefined, { minimum: 1 }),
        'how many segments each decode step gave a token to; null: one each',
      ),
    ),
  ),
  firstTokenMs: orNull(
    amount(
      'from the call until the first token was known; of segments, that of the first which is not skipped',
    ),
  ),
  tokens: orNull(count('generated, special ones included')),
  textTokens: orNull(count("tokens of the text: the text output's `tokens`")),
  promptTokens: orNull(count()),
  audioTokens: orNull(count("audio embeddings: the text output's `seq_len`")),
  /** `hashTokens` of the generated ids. */
  tokenHash: orNull(text('SHA-256 of the decimal token ids joined with commas', SHA256)),
  tokenIds: orNull(list(count())),
  text: orNull(text()),
  language: orNull(text()),
  truncated: orNull(flag('the token budget ended the run')),
  bytesReadPerToken: orNull(
    amount('weight and cache bytes that the decode steps read, divided by the tokens they gave'),
  ),
  interference: orNull(interferenceRecord),
  memory: orNull(memoryRecord),
  round: orNull(count('from 0; in a paired measurement, runs of both sides with the same round are a pair')),
  segments: optional(orNull(list(segmentRecord, 'what the audio was cut into; null when it was not'))),
  request: optional(orNull(requestRecord)),
  stream: optional(orNull(streamRecord)),
});

/** One run. Only `startedAt` and `totalMs` are always there. */
export interface RunRecord extends ValueOf<typeof runRecord> {}

/** Whether a run has failed: a request that was not answered. */
export function hasFailed({ request }: RunRecord): boolean {
  return request != null && request.failure !== null;
}

/** Whether nothing is known of a run but the time of its whole process, with starting and loading. */
export function isWholeProcess({ commandMs, totalMs }: Pick<RunRecord, 'commandMs' | 'totalMs'>): boolean {
  return commandMs !== null && commandMs === totalMs;
}
