import { anyText } from '../bench/optionValues.js';
import { QwenAsrError } from '../error.js';
import { writeQuantized } from '../model/writeQuantized.js';
import { AFFINE_GROUPS } from '../ops/affineGroups.js';
import { chosenModel } from './chosenModel.js';
import { answersStandard, formatOptions, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { ProgressLine } from './terminalScreen.js';

const oneOf =
  <T extends number>(choices: readonly T[]) =>
  (text: string, option: string): T => {
    const choice = choices.find((value) => String(value) === text);
    if (choice !== undefined) return choice;
    throw new QwenAsrError(
      'usage',
      `${option}: expected ${choices.join(' or ')}, found ${JSON.stringify(text)}`,
    );
  };

/** Options of `qwen_asr quantize`. */
export const QUANTIZE_OPTIONS = {
  model: {
    kind: 'value',
    short: 'd',
    placeholder: 'DIR',
    section: 'Required',
    help: ['Model directory to read'],
    read: anyText,
  },
  bits: {
    kind: 'value',
    placeholder: '8|4',
    section: 'Options',
    help: ['Bits of a weight (default: 8); with 4, encoder and embedding keep 8'],
    read: oneOf([8, 4] as const),
  },
  group: {
    kind: 'value',
    placeholder: 'N',
    section: 'Options',
    help: ['Weights that share a scale: 32, 64 or 128 (default: 64)'],
    read: oneOf(AFFINE_GROUPS),
  },
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr quantize`. */
export function quantizeUsage(): string {
  const options = formatOptions(QUANTIZE_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' });
  return `Usage: qwen_asr quantize -d <model_dir> <out_dir> [options]

Writes the model to <out_dir> with 8 or 4 bits a weight, in the layout of MLX's converters.

${options}
`;
}

/** `qwen_asr quantize -d IN OUT`: a model directory of half or a quarter of the size. */
export async function quantizeCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(QUANTIZE_OPTIONS, context.args, 1);
  if (answersStandard(values, quantizeUsage, context)) return EXIT.ok;
  const [output] = positionals;
  if (values.model === undefined || output === undefined) {
    const missing =
      values.model === undefined ? '-d: expected a model directory' : 'expected a directory to write';
    throw new QwenAsrError('usage', `quantize: ${missing}, found none; -h explains`);
  }
  const progress = new ProgressLine(context);
  try {
    const { totalBytes, ragged } = await writeQuantized({
      input: chosenModel(values.model) ?? values.model,
      output,
      bits: values.bits ?? 8,
      groupSize: values.group ?? 64,
      signal: context.signal,
      onProgress: (done) =>
        progress.draw(`${gigabytes(done.writtenBytes)} of ${gigabytes(done.totalBytes)} written`),
    });
    progress.clear();
    for (const name of ragged) context.err(`note: ${name} keeps its type: no group divides its rows\n`);
    context.out(`${output}: ${gigabytes(totalBytes)} written\n`);
  } finally {
    progress.clear();
  }
  return EXIT.ok;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e8 ? 4 : 2)} GB`;
}
