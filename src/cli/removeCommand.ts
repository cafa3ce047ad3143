import { QwenAsrError } from '../error.js';
import { checkRevision, repositoryOf } from '../hub/hubNames.js';
import { hubCacheFolder } from '../hub/hubSettings.js';
import { removeModel } from '../hub/removeModel.js';
import { answersStandard, formatOptions, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { decimalBytes } from './pullCommand.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';

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
export function removeUsage(): string {
  const options = formatOptions(REMOVE_OPTIONS, ['Options'], { column: 22, names: 'both' });
  return `Usage: qwen_asr remove <model>... [options]

Removes models from the hub's cache; what other revisions use stays. \`qwen_asr list\` says what is there.

${options}
`;
}

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
