import { type CachedModel, cachedModels } from '../hub/cachedModels.js';
import { hubCacheFolder } from '../hub/hubSettings.js';
import { printableLine } from '../printable.js';
import { answersStandard, formatOptions, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { decimalBytes } from './pullCommand.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';

/** Options of `qwen_asr list`. */
export const LIST_OPTIONS = { ...standardOptions('Options') } as const satisfies OptionTable;

/** The help text of `qwen_asr list`. */
export function listUsage(): string {
  const options = formatOptions(LIST_OPTIONS, ['Options'], { column: 22, names: 'both' });
  return `Usage: qwen_asr list

Lists the Qwen3-ASR models in the hub's cache, whoever fetched them: what -d takes, size, revision, folder.

${options}
`;
}

/** `qwen_asr list`: what `-d` may name. */
export async function listCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(LIST_OPTIONS, context.args);
  if (answersStandard(values, listUsage, context)) return EXIT.ok;
  const cache = hubCacheFolder(process.env);
  const models = cachedModels(cache).filter(({ kind }) => kind !== 'other');
  if (models.length === 0) {
    context.err(`note: no models in ${printableLine(cache)}; \`qwen_asr pull 0.6b\` fetches one\n`);
    return EXIT.ok;
  }
  const rows = models.map(rowOf);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    context.out(`${printableLine(cells.join('  ').trimEnd())}\n`);
  }
  return EXIT.ok;
}

function rowOf({ name, sizeBytes, commit, revisions, path, isComplete }: CachedModel): string[] {
  const revision = [...revisions, commit.slice(0, 8)].join(' ');
  return [name, decimalBytes(sizeBytes), revision, isComplete ? path : `${path} (incomplete)`];
}
