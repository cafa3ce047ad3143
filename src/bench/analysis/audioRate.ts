import type { CellRecord } from '../schema/benchResult.js';
import { hasFailed, type RequestRecord, type RunRecord } from '../schema/runRecord.js';

type LoadedCell = Pick<CellRecord, 'runs' | 'warmups' | 'settings'>;

/** The measured part of a level: from the end of the ramp to the planned end, or until nothing was under way any more. */
export interface LoadWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** A run that is a request, from when it was to be sent until it ended. */
export interface Request {
  readonly run: RunRecord;
  readonly request: RequestRecord;
  readonly endMs: number;
}

/** The requests among runs. */
export function requestsOf(runs: readonly RunRecord[]): Request[] {
  return runs.flatMap((run) => {
    const { request } = run;
    return request == null ? [] : [{ run, request, endMs: request.intendedMs + run.totalMs }];
  });
}

/** The measured part of a level; null for other cells, and where nothing was sent in it. */
export function loadWindow({ runs, settings }: LoadedCell): LoadWindow | null {
  const { rampMs, durationMs } = settings;
  const requests = requestsOf(runs);
  if (rampMs == null || durationMs == null || requests.length === 0) return null;
  const lastMs = requests.reduce((last, { endMs }) => Math.max(last, endMs), 0);
  return { startMs: rampMs, endMs: Math.min(rampMs + durationMs, Math.max(lastMs, rampMs + 1)) };
}

/**
 * Seconds of audio that were answered in a second of a part of a level. Requests of the ramp count as far as they were
 * answered in it.
 *
 * In a closed loop so many requests are always under way, and the audio of each counts evenly from its sending to its
 * end: that is their number × audio ÷ time of an answer (Little 1961), and answers that come in bursts do not make it
 * depend on which burst is the last. In an open loop requests may wait far longer than anybody works on them, so their
 * audio counts where they end.
 *
 * @example
 * audioRate(cell, { startMs: 5000, endMs: 35_000 }); // 5.1: seconds of audio a second
 */
export function audioRate({ runs, warmups, settings }: LoadedCell, { startMs, endMs }: LoadWindow): number {
  const isClosed = settings.clients != null;
  const audioMs = requestsOf([...warmups, ...runs]).reduce((sum, { run, request, endMs: answeredMs }) => {
    if (hasFailed(run)) return sum;
    if (!isClosed) return sum + (answeredMs > startMs && answeredMs <= endMs ? request.audioMs : 0);
    const shared = Math.min(answeredMs, endMs) - Math.max(request.sentMs, startMs);
    const tookMs = Math.max(answeredMs - request.sentMs, Number.MIN_VALUE);
    return sum + request.audioMs * Math.max(0, shared / tookMs);
  }, 0);
  return audioMs / (endMs - startMs);
}

/** So many answers a slice at least: fewer would say more of when they happened to end. */
const LEAST_ANSWERS = 10;
const MOST_SLICES = 10;

/**
 * The same over equal parts of the measured part, up to ten: values of which statistics can be made (batch means, Law
 * and Carson 1979). Null where nothing was answered, and for live sessions, whose pace is that of the speech.
 */
export function audioRates(cell: LoadedCell): number[] | null {
  const window = loadWindow(cell);
  const answered = cell.runs.filter((run) => !hasFailed(run)).length;
  if (window === null || answered === 0 || cell.settings.protocol === 'realtime') return null;
  const slices = Math.min(Math.max(Math.floor(answered / LEAST_ANSWERS), 1), MOST_SLICES);
  const lengthMs = (window.endMs - window.startMs) / slices;
  return Array.from({ length: slices }, (_, slice) => {
    const startMs = window.startMs + slice * lengthMs;
    return audioRate(cell, { startMs, endMs: startMs + lengthMs });
  });
}
