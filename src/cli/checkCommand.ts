import { anyText } from '../bench/optionValues.js';
import { QwenAsrError } from '../error.js';
import { printableLine } from '../printable.js';
import { checkModelDirectory } from '../transcribe/checkModelDirectory.js';
import { chosenModel } from './chosenModel.js';
import { answersStandard, formatOptions, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';

/** Options of `qwen_asr check`. */
export const CHECK_OPTIONS = {
  model: {
    kind: 'value',
    short: 'd',
    placeholder: 'DIR',
    section: 'Required',
    help: ['Model directory (*.safetensors + vocab.json)'],
    read: anyText,
  },
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr check`. */
export function checkUsage(): string {
  const options = formatOptions(CHECK_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' });
  return `Usage: qwen_asr check -d <model_dir>

Verifies files, names, shapes, token ids and that every weight is finite, and names the published model.

${options}
`;
}

/** `qwen_asr check -d DIR`: is this a model directory that works, and which one? */
export async function checkCommand(context: CommandContext): Promise<ExitCode> {
  const { values } = parseOptions(CHECK_OPTIONS, context.args);
  if (answersStandard(values, checkUsage, context)) return EXIT.ok;
  const model = chosenModel(values.model);
  if (model === null) {
    throw new QwenAsrError('usage', 'check: -d: expected a model directory, found none; -h explains');
  }
  context.outliveReader?.();
  const report = await checkModelDirectory(model, undefined, context.signal);
  for (const { severity, message } of report.findings)
    context.out(`${severity}: ${printableLine(message)}\n`);
  const kind = report.published ?? 'not a published model';
  context.out(`${printableLine(report.source)}: ${report.passed ? 'usable' : 'not usable'} (${kind})\n`);
  return report.passed ? EXIT.ok : EXIT.error;
}
