import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { basename, resolve, sep } from 'node:path';
import { anyText, durationMs, wholeNumber } from '../bench/settings/optionValues.js';
import { fileError, QwenAsrError } from '../error.js';
import { repositoryOfFolder } from '../hub/hubNames.js';
import { printableLine } from '../printable.js';
import { loadQueuePackages } from '../serve/jobs/queueRedis.js';
import {
  DEFAULT_QUEUE_SETTINGS,
  DEFAULT_SERVE_SETTINGS,
  type QueueSettings,
  type ServeSettings,
} from '../serve/serveSettings.js';
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

const MODEL = 'Model';
const ACCESS = 'Who may';
const LIMITS = 'Limits';
const QUEUE = 'Queue';

/** What clients of the API call the model that they want, unless `--alias` says otherwise. */
const DEFAULT_ALIASES = ['whisper-1', 'gpt-4o-transcribe'];

/** Where keys are, when no file holds them: one, or several between commas. */
const KEYS_VARIABLE = 'QWEN_ASR_API_KEYS';

/** Options of `qwen_asr serve`. */
export const SERVE_OPTIONS = {
  ...SERVED_MODEL_OPTIONS,
  alias: {
    ...valueOption(
      MODEL,
      'NAME',
      anyText,
      'Another name of the model; several times',
      `(default: ${DEFAULT_ALIASES.join(', ')})`,
    ),
    repeatable: true,
  },
  host: valueOption(ACCESS, 'ADDRESS', anyText, 'Address to listen on (default: 127.0.0.1)'),
  port: valueOption(ACCESS, 'N', wholeNumber(0, 65_535), 'Port (default: 8000; 0: any free one)'),
  'tls-cert': valueOption(ACCESS, 'FILE', anyText, 'Certificate (PEM): https and wss'),
  'tls-key': valueOption(ACCESS, 'FILE', anyText, 'Its key (PEM)'),
  'key-file': valueOption(
    ACCESS,
    'FILE',
    anyText,
    'API keys, one a line',
    `(default: those of ${KEYS_VARIABLE})`,
  ),
  'no-auth': { kind: 'switch', section: ACCESS, help: ['No key, even beyond this machine'] },
  'allow-host': {
    ...valueOption(ACCESS, 'NAME', anyText, 'A name that the server is reached by; several times'),
    repeatable: true,
  },
  'allow-origin': {
    ...valueOption(
      ACCESS,
      'ORIGIN',
      anyText,
      'A site whose pages may use it: https://example.org; several times',
    ),
    repeatable: true,
  },
  batch: SERVED_LIMITS.batch,
  'memory-mb': SERVED_LIMITS['memory-mb'],
  'max-waiting': valueOption(
    LIMITS,
    'N',
    wholeNumber(0, 100_000),
    'Requests that may wait beyond those (default: 64)',
  ),
  'max-sessions': valueOption(LIMITS, 'N', wholeNumber(0, 10_000), 'Live sessions at a time (default: 16)'),
  'max-mb': valueOption(LIMITS, 'N', wholeNumber(1, 1_000_000), 'Megabytes of one upload (default: 512)'),
  'max-duration': SERVED_LIMITS['max-duration'],
  spool: valueOption(LIMITS, 'DIR', anyText, 'Where uploads lie (default: the temporary folder)'),
  'spool-mb': valueOption(
    LIMITS,
    'N',
    wholeNumber(1, 100_000_000),
    'Megabytes of all uploads (default: 4096)',
  ),
  'no-ffmpeg': SERVED_LIMITS['no-ffmpeg'],
  'idle-timeout': valueOption(LIMITS, 'TIME', durationMs, 'Silence of a client that uploads (default: 30s)'),
  timeout: valueOption(LIMITS, 'TIME', durationMs, 'A whole request (default: 60m)'),
  'drain-timeout': valueOption(
    LIMITS,
    'TIME',
    durationMs,
    'What runs when the server is stopped (default: 30s)',
  ),
  queue: valueOption(
    QUEUE,
    'URL',
    redisUrl,
    'Redis that hands long recordings to workers: redis://host:6379',
  ),
  'queue-name': valueOption(QUEUE, 'NAME', queueName, 'Which queue (default: transcriptions)'),
  'queue-from': valueOption(QUEUE, 'TIME', durationMs, 'Recordings from so long on go there (default: 10m)'),
  keep: valueOption(
    QUEUE,
    'TIME',
    durationMs,
    'Results of jobs, and jobs that failed, are kept (default: 24h)',
  ),
  attempts: valueOption(QUEUE, 'N', wholeNumber(1, 100), 'Attempts at a job (default: 3)'),
  tokens: SERVED_LIMITS.tokens,
  ...arithmeticOptions(LIMITS),
  ...standardOptions(LIMITS),
} as const satisfies OptionTable;

type Values = OptionValues<typeof SERVE_OPTIONS>;

/** The help text of `qwen_asr serve`. */
const serveUsage = helpOf(
  usageLines('qwen_asr serve -d <model_dir> [options]'),
  paragraph(
    'Answers as the OpenAI API does: POST /v1/audio/transcriptions and /v1/chat/completions, GET /v1/models; /inference as whisper.cpp; a page at /, /health, and /metrics for Prometheus.',
  ),
  optionList(SERVE_OPTIONS, [MODEL, ACCESS, LIMITS, QUEUE], { column: 26, names: 'both' }),
  examples(
    ['qwen_asr serve -d 0.6b'],
    ['curl http://127.0.0.1:8000/v1/audio/transcriptions -F file=@talk.mp3 -F model=whisper-1'],
  ),
);

/** `qwen_asr serve -d DIR`: one model for many clients, until a signal comes. */
export async function serveCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(SERVE_OPTIONS, context.args);
  if (answersStandard(values, serveUsage, context)) return EXIT.ok;
  // What is wrong with the command line is told before the model is loaded.
  const settings = settingsOf(values);
  checkExposure(settings, values['no-auth'] === true);
  if (settings.queue !== null) await loadQueuePackages();
  return withServedModel('serve', values, loadOptionsOf(values), context, async (served) => {
    const { signal, out, err } = context;
    const { model, aligner, source } = served;
    const modelNames = [...new Set([...namesOf(source), ...(values.alias ?? DEFAULT_ALIASES)])];
    const onNote = (note: string): void => err(`note: ${printableLine(note)}\n`);
    // The libraries of a server are loaded by nothing else.
    const { openServer } = await import('../serve/openServer.js');
    const server = await openServer(model, { ...settings, modelNames }, { aligner, onNote });
    out(`${printableLine(`${modelNames[0]} at ${server.address}`)}\n`);
    context.endsBySignal?.();
    if (!signal.aborted) await once(signal, 'abort');
    const ended = await server.drain();
    if (ended > 0) onNote(`${ended} requests were ended after ${settings.drainTimeoutMs / 1000} s`);
    return EXIT.ok;
  });
}

function settingsOf(values: Values): Omit<ServeSettings, 'modelNames'> {
  const defaults = DEFAULT_SERVE_SETTINGS;
  const megabytes = <Bytes extends number | null>(count: number | undefined, bytes: Bytes) =>
    count === undefined ? bytes : count * 1e6;
  return {
    host: values.host ?? defaults.host,
    port: values.port ?? defaults.port,
    tls: tlsOf(values),
    keys: readKeys(values['key-file']),
    hosts: values['allow-host'] ?? [],
    origins: values['allow-origin'] ?? [],
    sequences: values.batch ?? defaults.sequences,
    memoryBytes: megabytes(values['memory-mb'], defaults.memoryBytes),
    maxWaiting: values['max-waiting'] ?? defaults.maxWaiting,
    maxBytes: megabytes(values['max-mb'], defaults.maxBytes),
    maxDurationMs: values['max-duration'] ?? defaults.maxDurationMs,
    spoolBytes: megabytes(values['spool-mb'], defaults.spoolBytes),
    spoolFolder: values.spool ?? null,
    queue: queueOf(values),
    ffmpeg: values['no-ffmpeg'] !== true,
    idleTimeoutMs: values['idle-timeout'] ?? defaults.idleTimeoutMs,
    totalTimeoutMs: values.timeout ?? defaults.totalTimeoutMs,
    realtime: { ...defaults.realtime, sessions: values['max-sessions'] ?? defaults.realtime.sessions },
    drainTimeoutMs: values['drain-timeout'] ?? defaults.drainTimeoutMs,
    exactTokens: values.tokens ?? null,
  };
}

function queueOf(values: Values): QueueSettings | null {
  const { queue: url, spool } = values;
  if (url === undefined) return null;
  if (spool === undefined) {
    throw new QwenAsrError('usage', '--queue: expected --spool DIR, a folder that the workers share');
  }
  const defaults = DEFAULT_QUEUE_SETTINGS;
  return {
    url,
    name: values['queue-name'] ?? defaults.name,
    fromMs: values['queue-from'] ?? defaults.fromMs,
    keepMs: values.keep ?? defaults.keepMs,
    attempts: values.attempts ?? defaults.attempts,
  };
}

function tlsOf(values: Values): ServeSettings['tls'] {
  const [certPath, keyPath] = [values['tls-cert'], values['tls-key']];
  if (certPath === undefined && keyPath === undefined) return null;
  if (certPath !== undefined && keyPath !== undefined) return { certPath, keyPath };
  throw new QwenAsrError('usage', '--tls-cert and --tls-key: expected both, found one');
}

/** The hub's id of a model of its cache, else the folder's name. */
function namesOf(source: string): string[] {
  const repository = resolve(source)
    .split(sep)
    .map((folder) => (folder.startsWith('models--') ? repositoryOfFolder(folder) : null))
    .find((name) => name !== null);
  return repository === undefined ? [basename(source)] : [repository, repository.split('/')[1]!];
}

function readKeys(path: string | undefined): string[] {
  const keys = path === undefined ? (process.env[KEYS_VARIABLE] ?? '').split(',') : readLines(path);
  const found = keys.map((key) => key.trim()).filter((key) => key !== '' && !key.startsWith('#'));
  if (path !== undefined && found.length === 0) {
    throw new QwenAsrError('usage', `--key-file ${path}: expected a key in a line, found none`);
  }
  return found;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Beyond this machine anybody could use it. */
function checkExposure({ host, keys }: Pick<ServeSettings, 'host' | 'keys'>, noAuth: boolean): void {
  const isLoopback = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (isLoopback || keys.length > 0 || noAuth) return;
  const advice = `a key for an address beyond this machine (--key-file or ${KEYS_VARIABLE}), or --no-auth`;
  throw new QwenAsrError('usage', `--host ${host}: expected ${advice}`);
}
