import { printableLine } from '../../printable.js';

/** How many are under way at a time, or how many are sent in a second. */
export type LoadLevel =
  | { readonly kind: 'closed'; readonly clients: number }
  | { readonly kind: 'open'; readonly ratePerSecond: number };

/** One level of load on an endpoint: a cell whose runs are requests, or segments of live sessions. */
export interface EndpointCellPlan {
  readonly kind: 'endpoint';
  /** Unique in the plan: `clients=4`, `rate=2.5`, or `base`. */
  readonly id: string;
  readonly protocol: 'requests' | 'realtime';
  readonly level: LoadLevel;
}

/** One measurement of an endpoint, decided before anything is sent. */
export interface EndpointPlan {
  /** Without the key: `http://127.0.0.1:8000/v1`. */
  readonly endpoint: string;
  /** What requests ask for as `model`; null: the first that the endpoint lists. */
  readonly model: string | null;
  readonly language: string | undefined;
  /** Recordings that requests take in turn, at least one. */
  readonly recordings: readonly string[];
  /** Seconds of silence instead of recordings; null with recordings. */
  readonly silenceSeconds: number | null;
  readonly levels: readonly EndpointCellPlan[];
  /** Load before the measured part of a level; its requests are warm-ups. */
  readonly rampMs: number;
  readonly durationMs: number;
  /** A level ends after so many measured requests; null: by its time alone. */
  readonly requests: number | null;
  /** An answer that takes longer is a failure. */
  readonly timeoutMs: number;
  /** p95 of the delay that live sessions are to hold. */
  readonly maxDelayMs: number;
  /** Ask for the text while it is recognised, so that the first text can be timed. */
  readonly streamed: boolean;
  /** Of arrivals. */
  readonly seed: number;
}

/** Says what would be measured: the levels, how long they take, and where. */
export function formatEndpointPlan(plan: EndpointPlan): string {
  const { endpoint, levels, recordings, rampMs, durationMs, requests } = plan;
  const count = `${levels.length} ${levels.length === 1 ? 'level' : 'levels'} of load on ${endpoint}`;
  const each = `${durationMs / 1000} s each, ${rampMs / 1000} s before it`;
  const most = requests === null ? '' : `, at most ${requests} requests`;
  const inAll = Math.ceil((levels.length * (rampMs + durationMs)) / 1000);
  const audio =
    recordings.length > 1
      ? `${recordings.length} recordings`
      : (recordings[0] ?? `${plan.silenceSeconds} s of silence`);
  const lines = levels.map((level) => `  ${levelName(level)}`);
  return `${[`${count}, ${each}${most}, about ${inAll} s in all: ${audio}`, ...lines].map(printableLine).join('\n')}\n`;
}

function levelName({ protocol, level }: EndpointCellPlan): string {
  if (level.kind === 'open') return `${level.ratePerSecond} requests a second`;
  const unit = protocol === 'realtime' ? 'session' : 'client';
  return `${level.clients} ${unit}${level.clients === 1 ? '' : 's'}`;
}
