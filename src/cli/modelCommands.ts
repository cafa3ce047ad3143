import { anyText } from '../bench/settings/optionValues.js';
import { QwenAsrError } from '../error.js';
import { writeSynthetic } from '../model/synthesizeModel.js';
import { parseSyntheticSeed, parseSyntheticSize } from '../model/syntheticName.js';
import { writeQuantized } from '../model/writeQuantized.js';
import { AFFINE_GROUPS } from '../ops/affineGroups.js';
import { printableLine } from '../printable.js';
import { checkModelDirectory } from '../transcribe/checkModelDirectory.js';
import { chosenModel } from './chosenModel.js';
import { answersStandard, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { ProgressLine } from './terminalScreen.js';
import { helpOf, optionList, paragraph, usageLines } from './usage.js';

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
export const checkUsage = helpOf(
  usageLines('qwen_asr check -d <model_dir>'),
  paragraph(
    'Verifies files, names, shapes, token ids and that every weight is finite, and names the published model.',
  ),
  optionList(CHECK_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' }),
);

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

const oneNumberOf =
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
    read: oneNumberOf([8, 4] as const),
  },
  group: {
    kind: 'value',
    placeholder: 'N',
    section: 'Options',
    help: ['Weights that share a scale: 32, 64 or 128 (default: 64)'],
    read: oneNumberOf(AFFINE_GROUPS),
  },
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr quantize`. */
const quantizeUsage = helpOf(
  usageLines('qwen_asr quantize -d <model_dir> <out_dir> [options]'),
  paragraph("Writes the model to <out_dir> with 8 or 4 bits a weight, in the layout of MLX's converters."),
  optionList(QUANTIZE_OPTIONS, ['Required', 'Options'], { column: 22, names: 'both' }),
);

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
        progress.draw(`${sizeText(done.writtenBytes)} of ${sizeText(done.totalBytes)} written`),
    });
    progress.clear();
    for (const name of ragged) context.err(`note: ${name} keeps its type: no group divides its rows\n`);
    context.out(`${output}: ${sizeText(totalBytes)} written\n`);
  } finally {
    progress.clear();
  }
  return EXIT.ok;
}

const seed = (text: string, option: string): number => {
  try {
    return parseSyntheticSeed(text);
  } catch {
    const expected = `expected a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
    throw new QwenAsrError('usage', `${option}: ${expected}, found ${JSON.stringify(text)}`);
  }
};

/** Options of `qwen_asr synthesize`. */
export const SYNTHESIZE_OPTIONS = {
  seed: {
    kind: 'value',
    placeholder: 'N',
    section: 'Options',
    help: ['Seed of the random weights (default: 1)'],
    read: seed,
  },
  ...standardOptions('Options'),
} as const satisfies OptionTable;

/** The help text of `qwen_asr synthesize`. */
export const synthesizeUsage = helpOf(
  usageLines('qwen_asr synthesize <size> <dir> [options]'),
  paragraph(
    'Writes a model directory of random weights to <dir>. <size> is 0.6b or 1.7b (the published shapes, 1.9 and 4.7 GB) or tiny (0.1 GB). Its text is meaningless; its speed is that of the published model.',
  ),
  optionList(SYNTHESIZE_OPTIONS, ['Options'], { column: 22, names: 'both' }),
);

/** `qwen_asr synthesize SIZE DIR`: random weights as a model directory. */
export async function synthesizeCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(SYNTHESIZE_OPTIONS, context.args, 2);
  if (answersStandard(values, synthesizeUsage, context)) return EXIT.ok;
  const [size, directory] = positionals;
  if (size === undefined || directory === undefined) {
    const expected = 'expected a size (0.6b, 1.7b or tiny) and a directory';
    const found = size === undefined ? 'neither' : `${size} alone`;
    throw new QwenAsrError('usage', `synthesize: ${expected}, found ${found}; -h explains`);
  }
  const progress = new ProgressLine(context);
  let bytes = 0;
  try {
    await writeSynthetic({
      size: parseSyntheticSize(size),
      seed: values.seed ?? 1,
      directory,
      signal: context.signal,
      onProgress: ({ writtenBytes, totalBytes }) => {
        bytes = totalBytes;
        progress.draw(`${gigabytes(writtenBytes)} of ${gigabytes(totalBytes)} written`);
      },
    });
  } finally {
    progress.clear();
  }
  context.out(`${printableLine(directory)}: ${gigabytes(bytes)} written\n`);
  return EXIT.ok;
}

/** A quantized model may be small. */
function sizeText(bytes: number): string {
  return gigabytes(bytes, bytes < 1e8 ? 4 : 2);
}

/** @param digits behind the point */
function gigabytes(bytes: number, digits = 2): string {
  return `${(bytes / 1e9).toFixed(digits)} GB`;
}
