import { QwenAsrError } from '../error.js';
import { checkRevision, PUBLISHED_NAMES, repositoryOf } from '../hub/hubNames.js';
import { readHubSettings } from '../hub/hubSettings.js';
import { type PullProgress, pullModel } from '../hub/pullModel.js';
import { printableLine } from '../printable.js';
import { answersStandard, formatOptions, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { ProgressLine } from './terminalScreen.js';
import { clockTime } from './transcriptionReporter.js';

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
export function pullUsage(): string {
  const options = formatOptions(PULL_OPTIONS, ['Options'], { column: 22, names: 'both' });
  const names = [...PUBLISHED_NAMES].map(([name, repository]) => `  ${name.padEnd(20)}${repository}`);
  return `Usage: qwen_asr pull <model>... [options]

Fetches models from the Hugging Face Hub into its cache, where other programs find them too. Going on after an
interruption costs nothing; what came in is checked by its hash. <model> is owner/name of a repository, or

${names.join('\n')}

${options}

Environment: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME (where the cache is), HF_TOKEN, HF_TOKEN_PATH (access),
HF_ENDPOINT (a mirror), HF_HUB_OFFLINE, HTTPS_PROXY, NO_PROXY.
`;
}

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
export function decimalBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${Math.ceil(bytes / 1e3)} kB`;
}
