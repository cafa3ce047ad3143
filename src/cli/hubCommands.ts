import { QwenAsrError } from '../error.js';
import { type CachedModel, cachedModels, removeModel, unfinishedPulls } from '../hub/cachedModels.js';
import { checkRevision, PUBLISHED_NAMES, repositoryOf } from '../hub/hubNames.js';
import { hubCacheFolder, readHubSettings } from '../hub/hubSettings.js';
import { type PullProgress, pullModel } from '../hub/pullModel.js';
import { printableLine } from '../printable.js';
import { padEnd, textWidth } from '../text/textWidth.js';
import { answersStandard, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { ProgressLine } from './terminalScreen.js';
import { clockTime } from './transcriptionReporter.js';
import { helpOf, nameList, optionList, paragraph, usageLines } from './usage.js';

/** Options of `qwen_asr pull`. */
export const PULL_OPTIONS = {
  revision: {
    kind: 'value',
    placeholder: 'REV',
    section: 'Options',
    help: ['Branch, tag or commit (default: main)'],
    read: checkRevision,
  },
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr pull`. */
const pullUsage = helpOf(
  usageLines('qwen_asr pull <model>... [options]'),
  paragraph(
    'Fetches models from the Hugging Face Hub into its cache, where other programs find them too. Going on after an interruption costs nothing; what came in is checked by its hash. <model> is owner/name of a repository, or',
  ),
  nameList(PUBLISHED_NAMES),
  optionList(PULL_OPTIONS, ['Options'], { column: 22, names: 'both' }),
  paragraph(
    'Environment: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME (where the cache is), HF_TOKEN, HF_TOKEN_PATH (access), HF_ENDPOINT (a mirror), HF_HUB_OFFLINE, HTTPS_PROXY, NO_PROXY.',
  ),
);

/** `qwen_asr pull NAME…`: models from the hub, ready for `-d NAME`. */
export async function pullCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(PULL_OPTIONS, context.args, Number.POSITIVE_INFINITY);
  if (answersStandard(values, pullUsage, context)) return EXIT.ok;
  if (positionals.length === 0) {
    throw new QwenAsrError('usage', 'pull: expected a model such as 0.6b, found none; -h explains');
  }
  const models = positionals.map((name) => ({ name, repository: repositoryOf(name) }));
  const settings = readHubSettings(process.env);
  for (const { name, repository } of models) {
    const progress = new ProgressLine(context);
    const rate = new TransferRate();
    try {
      const { path, totalBytes, fetchedBytes } = await pullModel(settings, {
        repository,
        ...(values.revision !== undefined && { revision: values.revision }),
        signal: context.signal,
        onProgress: (at) => progress.draw(progressText(name, at, rate.bytesPerSecond(at.receivedBytes))),
        onNote: (note) => {
          progress.clear();
          context.err(`note: ${printableLine(note)}\n`);
        },
      });
      progress.clear();
      const done = fetchedBytes === 0 ? 'is there' : `of ${decimalBytes(totalBytes)} fetched`;
      const size = decimalBytes(fetchedBytes === 0 ? totalBytes : fetchedBytes);
      context.out(`${name}: ${size} ${done}: ${printableLine(path)}\n`);
    } finally {
      progress.clear();
    }
  }
  return EXIT.ok;
}

function progressText(name: string, at: PullProgress, bytesPerSecond: number): string {
  const { fileName, doneBytes, totalBytes } = at;
  const left = bytesPerSecond > 0 ? clockTime(((totalBytes - doneBytes) / bytesPerSecond) * 1000) : null;
  const speed = left === null ? '' : `, ${decimalBytes(bytesPerSecond)}/s, ${left} left`;
  return printableLine(
    `${name}: ${decimalBytes(doneBytes)} of ${decimalBytes(totalBytes)}${speed}, ${fileName}`,
  );
}

/** How fast bytes came in lately. */
class TransferRate {
  readonly #samples: (readonly [atMs: number, bytes: number])[] = [];

  /** @param bytes that came in so far */
  bytesPerSecond(bytes: number): number {
    const nowMs = performance.now();
    const newest = this.#samples.at(-1);
    if (newest === undefined || nowMs - newest[0] > 200) this.#samples.push([nowMs, bytes]);
    while (this.#samples.length > 50) this.#samples.shift();
    const [oldestMs, oldestBytes] = this.#samples[0] ?? [nowMs, bytes];
    return nowMs > oldestMs ? ((bytes - oldestBytes) / (nowMs - oldestMs)) * 1000 : 0;
  }
}

/**
 * A number of bytes for people.
 *
 * @example
 * decimalBytes(1_876_091_704); // '1.88 GB'
 */
function decimalBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}

/** Options of `qwen_asr list`. */
export const LIST_OPTIONS = { ...standardOptions('Options') } as const satisfies OptionTable;

/** The help text of `qwen_asr list`. */
const listUsage = helpOf(
  usageLines('qwen_asr list'),
  paragraph(
    "Lists the Qwen3-ASR models in the hub's cache, whoever fetched them: what -d takes, size, revision, folder.",
  ),
  optionList(LIST_OPTIONS, ['Options'], { column: 22, names: 'both' }),
);

/** `qwen_asr list`: what `-d` may name. */
export async function listCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(LIST_OPTIONS, context.args);
  if (answersStandard(values, listUsage, context)) return EXIT.ok;
  const cache = hubCacheFolder(process.env);
  for (const { name, sizeBytes } of unfinishedPulls(cache)) {
    const advice = `\`qwen_asr pull ${name}\` goes on with it`;
    context.err(`note: ${name}: ${decimalBytes(sizeBytes)} of a pull that has not ended; ${advice}\n`);
  }
  const models = cachedModels(cache).filter(({ kind }) => kind !== 'other');
  if (models.length === 0) {
    context.err(`note: no models in ${printableLine(cache)}; \`qwen_asr pull 0.6b\` fetches one\n`);
    return EXIT.ok;
  }
  const rows = models.map(rowOf);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => textWidth(row[column] ?? ''))));
  for (const row of rows) {
    const columns = row.map((text, column) => padEnd(text, widths[column] ?? 0));
    context.out(`${printableLine(columns.join('  ').trimEnd())}\n`);
  }
  return EXIT.ok;
}

function rowOf({ name, sizeBytes, commit, revisions, path, isComplete }: CachedModel): string[] {
  const revision = [...revisions, commit.slice(0, 8)].join(' ');
  return [name, decimalBytes(sizeBytes), revision, isComplete ? path : `${path} (incomplete)`];
}

/** Options of `qwen_asr remove`. */
export const REMOVE_OPTIONS = {
  revision: {
    kind: 'value',
    placeholder: 'REV',
    section: 'Options',
    help: ['Branch, tag or commit (default: main, or the only one)'],
    read: checkRevision,
  },
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr remove`. */
const removeUsage = helpOf(
  usageLines('qwen_asr remove <model>... [options]'),
  paragraph(
    "Removes models from the hub's cache, or what interrupted pulls left of them; what other revisions use stays. `qwen_asr list` says what is there.",
  ),
  optionList(REMOVE_OPTIONS, ['Options'], { column: 22, names: 'both' }),
);

/** `qwen_asr remove NAME…`: gives the space of models back. */
export async function removeCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(REMOVE_OPTIONS, context.args, Number.POSITIVE_INFINITY);
  if (answersStandard(values, removeUsage, context)) return EXIT.ok;
  if (positionals.length === 0) {
    throw new QwenAsrError('usage', 'remove: expected a model such as 0.6b, found none; -h explains');
  }
  const models = positionals.map((name) => ({ name, repository: repositoryOf(name) }));
  const cache = hubCacheFolder(process.env);
  for (const { name, repository } of models) {
    const { freedBytes, left } = removeModel(cache, repository, values.revision);
    const others = left.map(({ commit, revisions }) => revisions[0] ?? commit);
    const rest = others.length === 0 ? '' : `; still there: ${others.join(', ')} (--revision)`;
    context.out(`${name}: ${decimalBytes(freedBytes)} removed${rest}\n`);
  }
  return EXIT.ok;
}
