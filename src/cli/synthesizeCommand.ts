import { QwenAsrError } from '../error.js';
import { writeSynthetic } from '../model/synthesizeModel.js';
import { parseSyntheticSeed, parseSyntheticSize } from '../model/syntheticName.js';
import { printableLine } from '../printable.js';
import { answersStandard, formatOptions, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { ProgressLine } from './terminalScreen.js';

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
export function synthesizeUsage(): string {
  const options = formatOptions(SYNTHESIZE_OPTIONS, ['Options'], { column: 22, names: 'both' });
  return `Usage: qwen_asr synthesize <size> <dir> [options]

Writes a model directory of random weights to <dir>. <size> is 0.6b or 1.7b (the published shapes, 1.9 and 4.7 GB)
or tiny (0.1 GB). Its text is meaningless; its speed is that of the published model.

${options}
`;
}

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

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
