import type { EndpointCellPlan, EndpointPlan } from '../plan/endpointPlan.js';
import { decimalNumber, durationMs, wholeNumber } from './optionValues.js';
import type { CellContext, Setting, SettingValue } from './setting.js';

/** More would be a test of the client. */
const MAX_CLIENTS = 4096;
const MAX_RATE = 10_000;

/** The values of `qwen_asr_bench serve` that were not given. */
export const LOAD_DEFAULTS = {
  clients: [1, 2, 4, 8],
  durationMs: 30_000,
  rampMs: 5000,
  timeoutMs: 120_000,
  seed: 1,
  maxDelayMs: 2000,
} as const;

/** A value of cells that measure an endpoint; others have null. */
function ofEndpoint(of: (plan: EndpointPlan, cell: EndpointCellPlan) => SettingValue) {
  return ({ endpoint, cell }: CellContext): SettingValue =>
    endpoint === undefined || cell.kind !== 'endpoint' ? null : of(endpoint, cell);
}

/** What an endpoint is measured with: entries of the table of settings (`settings.ts`). */
export const LOAD_SETTINGS = {
  endpoint: {
    key: 'endpoint',
    older: null,
    stored: ofEndpoint(({ endpoint }) => endpoint),
    describe: ({ endpoint }) => endpoint ?? null,
  },
  protocol: {
    key: 'protocol',
    older: null,
    stored: ofEndpoint((_, { protocol }) => protocol),
    compared: true,
  },
  'request-model': {
    key: 'requestModel',
    older: null,
    stored: ofEndpoint(({ model }) => model),
    describe: ({ requestModel }) => (requestModel == null ? null : `model ${requestModel}`),
  },
  concurrency: {
    key: 'clients',
    option: {
      short: 'c',
      placeholder: 'N',
      section: 'Load',
      help: [
        `Clients that each wait for their answer before they send again (default: ${LOAD_DEFAULTS.clients.join(',')})`,
      ],
      read: wholeNumber(1, MAX_CLIENTS),
      several: 'numbers',
    },
    older: null,
    stored: ofEndpoint((_, { level }) => (level.kind === 'closed' ? level.clients : null)),
    compared: true,
    axis: {
      name: 'clients',
      numeric: true,
      show: (value) => counted(Number(value), 'client'),
    },
    describe: ({ clients, protocol }) =>
      clients == null ? null : counted(clients, protocol === 'realtime' ? 'session' : 'client'),
  },
  rate: {
    key: 'ratePerSecond',
    option: {
      placeholder: 'N',
      section: 'Load',
      help: ['Requests a second instead, sent whether others were answered or not (Poisson arrivals)'],
      read: decimalNumber(0.001, MAX_RATE, 'requests a second'),
      several: 'numbers',
    },
    older: null,
    stored: ofEndpoint((_, { level }) => (level.kind === 'open' ? level.ratePerSecond : null)),
    compared: true,
    axis: { name: 'rate', numeric: true, title: 'requests a second', show: (value) => `${value}/s` },
    describe: ({ ratePerSecond }) => (ratePerSecond == null ? null : `${ratePerSecond} requests a second`),
  },
  duration: {
    key: 'durationMs',
    option: {
      placeholder: 'TIME',
      section: 'Load',
      help: ['Measured part of every level (default: 30s)'],
      read: durationMs,
      several: 'once',
    },
    older: null,
    stored: ofEndpoint((plan) => plan.durationMs),
  },
  ramp: {
    key: 'rampMs',
    option: {
      placeholder: 'TIME',
      section: 'Load',
      help: ['Load before it, whose requests do not count (default: 5s)'],
      read: durationMs,
      several: 'once',
    },
    older: null,
    stored: ofEndpoint((plan) => plan.rampMs),
  },
  timeout: {
    key: 'timeoutMs',
    option: {
      placeholder: 'TIME',
      section: 'Load',
      help: ['What takes longer has failed (default: 120s)'],
      read: durationMs,
      several: 'once',
    },
    older: null,
    stored: ofEndpoint((plan) => plan.timeoutMs),
  },
  seed: {
    key: 'seed',
    option: {
      placeholder: 'N',
      section: 'Load',
      help: ['Of the arrivals: the same seed sends at the same times (default: 1)'],
      read: wholeNumber(0),
      several: 'once',
    },
    older: null,
    stored: ofEndpoint((plan, { level }) => (level.kind === 'open' ? plan.seed : null)),
  },
  'max-delay': {
    key: 'maxDelayMs',
    option: {
      placeholder: 'TIME',
      section: 'Load',
      help: ['p95 of the delay that live sessions are to hold (default: 2s)'],
      read: durationMs,
      several: 'once',
    },
    older: null,
    stored: ofEndpoint((plan, { protocol }) => (protocol === 'realtime' ? plan.maxDelayMs : null)),
  },
  'no-stream': {
    key: 'streamed',
    option: {
      placeholder: '',
      section: 'Load',
      help: ['Ask for whole answers: no time to the first text'],
      read: durationMs,
      several: 'never',
    },
    older: null,
    stored: ofEndpoint((plan, { protocol }) => (protocol === 'realtime' ? null : plan.streamed)),
    compared: true,
  },
} as const satisfies Readonly<Record<string, Setting>>;

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
