import {
  type EarlyEnd,
  type EndedRequest,
  type LevelRun,
  type Outcome,
  runLevel,
} from '../../../src/bench/load/runLevel.js';
import { recordRequest } from '../../../src/bench/load/runLoad.js';
import type { LoadLevel } from '../../../src/bench/plan/endpointPlan.js';
import type { BenchEvent } from '../../../src/bench/record/benchEvent.js';
import type { BenchResult } from '../../../src/bench/schema/benchResult.js';
import { build, cellStart } from './sampleResults.js';
import { VirtualClock } from './virtualClock.js';

/** A server whose times are known: so many workers, each with the same time for every request. */
export interface SimulatedServer {
  readonly workers: number;
  readonly serviceMs: number;
  /** Nothing begins in it. */
  readonly stall?: { readonly startMs: number; readonly endMs: number };
}

export interface SimulatedLevel {
  readonly ended: readonly EndedRequest[];
  readonly end: EarlyEnd;
}

/** Puts a level of load on a simulated server, in virtual time. */
export async function simulateLevel(
  { workers, serviceMs, stall }: SimulatedServer,
  level: LoadLevel,
  options: Partial<Pick<LevelRun, 'seed' | 'rampMs' | 'durationMs' | 'requests' | 'signal' | 'send'>> = {},
): Promise<SimulatedLevel> {
  const clock = new VirtualClock();
  const ended: EndedRequest[] = [];
  /** When each worker is free again. */
  const freeMs = Array.from({ length: workers }, () => 0);
  const send = async (): Promise<Outcome> => {
    const sentMs = clock.nowMs();
    const worker = freeMs.indexOf(Math.min(...freeMs));
    let beginMs = Math.max(sentMs, freeMs[worker]!);
    if (stall !== undefined && beginMs >= stall.startMs && beginMs < stall.endMs) beginMs = stall.endMs;
    freeMs[worker] = beginMs + serviceMs;
    await clock.sleep(beginMs + serviceMs - sentMs);
    return { failure: null, text: 'a', language: null, firstTextMs: beginMs + serviceMs / 2 - sentMs };
  };
  const end = await clock.drive(
    runLevel({
      ...{ level, seed: 1, rampMs: 0, durationMs: 10_000, requests: null, send, clock },
      signal: new AbortController().signal,
      ...options,
      onRequest: (request) => ended.push(request),
    }),
  );
  return { ended, end };
}

/** How a result's levels were measured. */
interface LevelOptions {
  readonly rampMs?: number;
  readonly durationMs?: number;
  readonly audioMs?: number;
  readonly protocol?: 'requests' | 'realtime';
  readonly maxDelayMs?: number;
}

/** Levels as a result, their requests of so much audio each. */
export function loadResult(
  levels: readonly { readonly level: LoadLevel; readonly ended: readonly EndedRequest[] }[],
  options: LevelOptions = {},
): BenchResult {
  const events = levels.flatMap(({ level, ended }) => levelEvents(level, ended, options));
  const audio = { id: 'a0', path: 'clip.wav', durationMs: options.audioMs ?? 1000, hash: 'b'.repeat(64) };
  return build([{ event: 'audio', audio }, ...events, { event: 'end', complete: true, accuracy: null }], {
    kind: levels.length > 1 ? 'sweep' : 'benchmark',
    commandLine: ['serve', 'http://127.0.0.1:9'],
  });
}

function levelEvents(
  level: LoadLevel,
  ended: readonly EndedRequest[],
  { rampMs = 0, durationMs = 10_000, audioMs = 1000, protocol = 'requests', maxDelayMs }: LevelOptions,
): BenchEvent[] {
  const [clients, ratePerSecond] =
    level.kind === 'closed' ? [level.clients, null] : [null, level.ratePerSecond];
  const id = clients === null ? `rate=${ratePerSecond}` : `c=${clients}`;
  const start = cellStart(id, {
    ...{ mode: 'command', model: null, threads: null, backend: null, isa: null, precision: null, runs: 0 },
    ...{ warmup: 0, endpoint: 'http://127.0.0.1:9/v1', protocol, requestModel: 'm' },
    maxDelayMs: maxDelayMs ?? null,
    ...{ clients, ratePerSecond, rampMs, durationMs, timeoutMs: 1000, seed: 1, streamed: true },
  });
  return [
    { event: 'cell', cell: { ...start, frames: null, work: [] } },
    ...ended.map(
      (request): BenchEvent => ({
        event: request.intendedMs < rampMs ? 'warmup' : 'run',
        cell: id,
        run: recordRequest(request, { recording: 0, audioMs, startedAt: 0 }),
      }),
    ),
    {
      event: 'cellEnd',
      cell: id,
      outcome: { steady: null, drift: null, accuracy: null, complete: true, error: null, notes: [] },
    },
  ];
}
