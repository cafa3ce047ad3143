import { once } from 'node:events';
import { anyText, durationMs, wholeNumber } from '../bench/settings/optionValues.js';
import { QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import type { WorkerSettings } from '../serve/jobs/openWorker.js';
import { loadQueuePackages } from '../serve/jobs/queueRedis.js';
import { DEFAULT_QUEUE_SETTINGS, DEFAULT_SERVE_SETTINGS } from '../serve/serveSettings.js';
import { answersStandard, arithmeticOptions, loadOptionsOf, standardOptions } from './commonOptions.js';
import { type OptionTable, type OptionValues, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import {
  queueName,
  redisUrl,
  SERVED_LIMITS,
  SERVED_MODEL_OPTIONS,
  valueOption,
  withServedModel,
} from './servedModel.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

const QUEUE = 'Queue';
const LIMITS = 'Limits';

const DEFAULT_JOBS = 2;
const DEFAULT_LOCK_MS = 30_000;

/** Locks are renewed at half their time, by a process that computes. */
const SHORTEST_LOCK_MS = 500;

/** A job may take longer than anybody waits for an answer. */
const DEFAULT_TIMEOUT_MS = 12 * 3_600_000;

/** Options of `qwen_asr worker`. */
export const WORKER_OPTIONS = {
  ...SERVED_MODEL_OPTIONS,
  redis: valueOption(QUEUE, 'URL', redisUrl, 'Redis that holds the queue: redis://host:6379'),
  'queue-name': valueOption(QUEUE, 'NAME', queueName, 'Which queue (default: transcriptions)'),
  spool: valueOption(QUEUE, 'DIR', anyText, 'Folder that it shares with the servers'),
  jobs: valueOption(QUEUE, 'N', wholeNumber(1, 1000), `Jobs at a time (default: ${DEFAULT_JOBS})`),
  lock: valueOption(
    QUEUE,
    'TIME',
    lockMs,
    'After such a silence of a worker others take its jobs (default: 30s)',
  ),
  batch: SERVED_LIMITS.batch,
  'memory-mb': SERVED_LIMITS['memory-mb'],
  'max-duration': SERVED_LIMITS['max-duration'],
  timeout: valueOption(LIMITS, 'TIME', durationMs, 'A whole job (default: 12h)'),
  'drain-timeout': valueOption(LIMITS, 'TIME', durationMs, 'What runs when it is stopped (default: 30s)'),
  'no-ffmpeg': SERVED_LIMITS['no-ffmpeg'],
  tokens: SERVED_LIMITS.tokens,
  ...arithmeticOptions(LIMITS),
  ...standardOptions(LIMITS),
} as const satisfies OptionTable;

type Values = OptionValues<typeof WORKER_OPTIONS>;

/** The help text of `qwen_asr worker`. */
const workerUsage = helpOf(
  usageLines('qwen_asr worker -d <model_dir> --redis <url> --spool <dir> [options]'),
  paragraph(
    'Takes the jobs that servers put in a queue (qwen_asr serve --queue), on as many machines as you like. Stopped, it gives back what it cannot finish; killed, others take its jobs.',
  ),
  optionList(WORKER_OPTIONS, ['Model', QUEUE, LIMITS], { column: 26, names: 'both' }),
  examples(['qwen_asr worker -d 0.6b --redis redis://127.0.0.1:6379 --spool /srv/spool']),
);

/** `qwen_asr worker`: jobs of a queue, until a signal comes. */
export async function workerCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(WORKER_OPTIONS, context.args);
  if (answersStandard(values, workerUsage, context)) return EXIT.ok;
  const settings = settingsOf(values);
  await loadQueuePackages();
  return withServedModel('worker', values, loadOptionsOf(values), context, async ({ model, aligner }) => {
    const { signal, out, err } = context;
    const onNote = (note: string): void => err(`note: ${printableLine(note)}\n`);
    // The libraries of a queue are loaded by nothing else.
    const { openWorker } = await import('../serve/jobs/openWorker.js');
    const worker = await openWorker(model, settings, aligner, onNote);
    out(`${printableLine(`waiting for jobs of ${settings.name} at ${new URL(settings.url).host}`)}\n`);
    context.endsBySignal?.();
    if (!signal.aborted) await once(signal, 'abort');
    const late = await worker.drain();
    if (late > 0) onNote(`jobs given back after ${settings.drainTimeoutMs / 1000} s: ${late}`);
    return EXIT.ok;
  });
}

function settingsOf(values: Values): WorkerSettings {
  const { redis: url, spool: spoolFolder } = values;
  if (url === undefined) throw new QwenAsrError('usage', 'worker: expected --redis URL; -h explains');
  if (spoolFolder === undefined) throw new QwenAsrError('usage', 'worker: expected --spool DIR; -h explains');
  const defaults = DEFAULT_SERVE_SETTINGS;
  return {
    url,
    name: values['queue-name'] ?? DEFAULT_QUEUE_SETTINGS.name,
    spoolFolder,
    jobs: values.jobs ?? DEFAULT_JOBS,
    sequences: values.batch ?? defaults.sequences,
    memoryBytes: values['memory-mb'] === undefined ? defaults.memoryBytes : values['memory-mb'] * 1e6,
    lockMs: values.lock ?? DEFAULT_LOCK_MS,
    maxDurationMs: values['max-duration'] ?? defaults.maxDurationMs,
    totalTimeoutMs: values.timeout ?? DEFAULT_TIMEOUT_MS,
    drainTimeoutMs: values['drain-timeout'] ?? defaults.drainTimeoutMs,
    ffmpeg: values['no-ffmpeg'] !== true,
    exactTokens: values.tokens ?? null,
  };
}

function lockMs(text: string, option: string): number {
  const ms = durationMs(text, option);
  if (ms >= SHORTEST_LOCK_MS) return ms;
  throw new QwenAsrError('usage', `${option}: expected at least ${SHORTEST_LOCK_MS}ms, found ${text}`);
}
