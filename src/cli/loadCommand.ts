import { readFileSync } from 'node:fs';
import { defaultBaselineDir, planBaseline, saveBaseline } from '../bench/compare/baselines.js';
import { runLoad } from '../bench/load/runLoad.js';
import { checkWritable, openOutputs } from '../bench/output/outputs.js';
import { type EndpointCellPlan, type EndpointPlan, formatEndpointPlan } from '../bench/plan/endpointPlan.js';
import { formatPlots, formatReport, formatText } from '../bench/render/text.js';
import { findReferences, type References } from '../bench/run/accuracy.js';
import type { BenchResult } from '../bench/schema/benchResult.js';
import { LOAD_DEFAULTS } from '../bench/settings/loadSettings.js';
import { LoadText } from '../bench/text/loadText.js';
import { fileError, QwenAsrError } from '../error.js';
import { printableDocument, printableText } from '../printable.js';
import { recordingsOf } from './benchCommand.js';
import { checkOutputs, exportedFiles, recordingFiles } from './checkOutputs.js';
import { answersStandard, version } from './commonOptions.js';
import { KEY_VARIABLE, LOAD_OPTIONS, type LoadValues, loadUsage } from './loadOptions.js';
import { parseOptions } from './options.js';
import { measureIntoFile } from './resumedFile.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { outputColumns, terminalStyle } from './terminalScreen.js';

/** `qwen_asr_bench serve URL`: measures a server under load. */
export async function loadCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(LOAD_OPTIONS, context.args, 1);
  if (answersStandard(values, loadUsage, context)) return EXIT.ok;
  const [address] = positionals;
  if (address === undefined) {
    throw new QwenAsrError('usage', 'serve: expected the URL of a server, found none; -h explains');
  }
  const plan = await planLoad(values, address);
  const references = values.ref === undefined ? new Map() : findReferences(values.ref, plan.recordings);
  const folder = values['baseline-dir'] ?? defaultBaselineDir();
  const baseline = values.save === undefined ? null : planBaseline(values.save, folder);
  checkFiles(values, plan, references, baseline);
  const format = values.json ? 'json' : (values.format ?? 'text');
  const outputs = openOutputs({ format, exports: values.export ?? [], out: context.out });
  // With another format stdout holds the data alone.
  const text = format === 'text' ? context.out : context.err;
  if (values['dry-run']) {
    text(formatEndpointPlan(plan));
    return EXIT.ok;
  }
  const outlives = [values.export, values.save, values.resume];
  if (outlives.some((value) => value !== undefined)) context.outliveReader?.();
  const result = await measureIntoFile(values.resume, outputs.sinks, async ({ finished, sinks }) => {
    const measured = await runLoad(plan, {
      ...{ commandLine: ['serve', ...context.args], version: version(), key: readKey(values['key-file']) },
      ...{ references, sinks, finished, signal: context.signal },
      watcher: new LoadText((line) => text(printableText(line))),
    });
    const done = (finished?.result.cells ?? []).filter(({ complete }) => complete).map(({ id }) => id);
    if (plan.levels.every(({ id }) => done.includes(id))) {
      const what = 'nothing was left to measure; these are the levels that are there';
      context.err(`note: --resume ${values.resume}: ${what}\n`);
    }
    return measured;
  });
  showResult(values, result, { ...context, out: text });
  outputs.finish(result);
  if (baseline !== null) saveBaseline(baseline, result);
  return exitCodeOf(result, context);
}

async function planLoad(values: LoadValues, address: string): Promise<EndpointPlan> {
  const { concurrency, rate } = values;
  if (concurrency !== undefined && rate !== undefined) {
    throw new QwenAsrError('usage', '--rate: expected clients (-c) or a rate, found both');
  }
  checkRealtime(values);
  const protocol = values.realtime ? 'realtime' : 'requests';
  const clients = concurrency ?? LOAD_DEFAULTS.clients;
  return {
    endpoint: endpointOf(address),
    model: values.model ?? null,
    language: values.language,
    recordings: values.input === undefined ? [] : await recordingsOf(values.input),
    silenceSeconds: values.input === undefined ? (values.seconds ?? 5) : null,
    levels: rate === undefined ? clientLevels(clients, protocol) : rateLevels(rate),
    rampMs: values.ramp ?? LOAD_DEFAULTS.rampMs,
    durationMs: values.duration ?? LOAD_DEFAULTS.durationMs,
    requests: values.runs ?? null,
    timeoutMs: values.timeout ?? LOAD_DEFAULTS.timeoutMs,
    streamed: values['no-stream'] !== true,
    seed: values.seed ?? LOAD_DEFAULTS.seed,
    maxDelayMs: values['max-delay'] ?? LOAD_DEFAULTS.maxDelayMs,
  };
}

/** Sessions that speak know no requests, and silence has no end of speech. */
function checkRealtime(values: LoadValues): void {
  if (!values.realtime) {
    if (values['max-delay'] === undefined) return;
    throw new QwenAsrError('usage', '--max-delay: expected live sessions (--realtime), found requests');
  }
  for (const [option, value] of [
    ['--rate', values.rate],
    ['-n', values.runs],
    ['--no-stream', values['no-stream']],
  ] as const) {
    if (value === undefined) continue;
    throw new QwenAsrError('usage', `${option}: expected requests, found live sessions (--realtime)`);
  }
  if (values.input !== undefined) return;
  throw new QwenAsrError('usage', '--realtime: expected recordings to speak (-i), found silence');
}

function clientLevels(counts: readonly number[], protocol: EndpointCellPlan['protocol']): EndpointCellPlan[] {
  return counts.map((clients) => ({
    ...{ kind: 'endpoint', protocol, id: counts.length > 1 ? `c=${clients}` : 'base' },
    level: { kind: 'closed', clients },
  }));
}

function rateLevels(rates: readonly number[]): EndpointCellPlan[] {
  return rates.map((ratePerSecond) => ({
    ...{ kind: 'endpoint', protocol: 'requests', id: rates.length > 1 ? `rate=${ratePerSecond}` : 'base' },
    level: { kind: 'open', ratePerSecond },
  }));
}

/**
 * The endpoint of an address, `/v1` unless it has a path.
 *
 * @throws QwenAsrError `usage`
 */
function endpointOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new QwenAsrError(
      'usage',
      `serve: expected a URL such as http://127.0.0.1:8000, found ${JSON.stringify(address)}`,
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new QwenAsrError(
      'usage',
      `serve: expected a URL without a key (${KEY_VARIABLE}, --key-file), found one`,
    );
  }
  const path = url.pathname.replace(/\/+$/, '');
  return `${url.origin}${path === '' ? '/v1' : path}`;
}

/** Never echoed: neither the file's line nor the variable is in any output. */
function readKey(path: string | undefined): string | null {
  const key = path === undefined ? process.env[KEY_VARIABLE] : firstLine(path);
  if (path !== undefined && (key ?? '') === '') {
    throw new QwenAsrError('usage', `--key-file ${path}: expected a key in the first line, found none`);
  }
  if (key !== undefined && /[^\x21-\x7e]/.test(key)) {
    throw new QwenAsrError('usage', 'key: expected printable ASCII without blanks, found other characters');
  }
  return key === undefined || key === '' ? null : key;
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').split('\n', 1)[0]!.trim();
  } catch (cause) {
    throw fileError(path, cause);
  }
}

function checkFiles(
  { export: exports = [], resume }: LoadValues,
  { recordings }: EndpointPlan,
  references: References,
  baseline: string | null,
): void {
  if (resume !== undefined) checkWritable(resume);
  checkOutputs(
    [
      ...exportedFiles(exports.map((path) => ({ path }))),
      ...(resume === undefined ? [] : [{ path: resume, label: `--resume ${resume}` }]),
      ...(baseline === null ? [] : [{ path: baseline, label: `the baseline ${baseline}` }]),
    ],
    [
      ...recordingFiles(recordings),
      ...[...references.values()].map(({ path }) => ({ path, label: `the reference ${path}` })),
    ],
  );
}

function showResult(values: LoadValues, result: BenchResult, context: CommandContext): void {
  const { out, err, signal } = context;
  const columns = outputColumns(context);
  const printable = printableDocument(result);
  out(formatReport(printable, true, columns));
  if (values.details) out(`\n${formatText(printable, columns)}`);
  if (values.plot) out(formatPlots(printable, terminalStyle(context)));
  for (const { message } of printable.errors) err(`error: ${message}\n`);
  if (!signal.aborted) return;
  err(`note: ${signal.reason instanceof QwenAsrError ? signal.reason.message : 'stopped'} before the end\n`);
}

/** That a server says it is busy is an answer to a load; an interruption has a code of its own, which the caller sets. */
function exitCodeOf({ cells, errors }: BenchResult, { signal, err }: CommandContext): ExitCode {
  if (signal.aborted) return EXIT.ok;
  const failed = cells.reduce((sum, { load }) => {
    const { busy = 0, ...others } = load?.failures ?? {};
    return Object.values(others).reduce((count, one) => count + one, sum);
  }, 0);
  if (failed > 0) err(`error: ${failed} requests were not answered\n`);
  return failed > 0 || errors.length > 0 ? EXIT.error : EXIT.ok;
}
