import { defaultBaselineDir, openResult, resultPath } from '../bench/compare/baselines.js';
import { compareResults, type ResultComparison } from '../bench/compare/compareResults.js';
import { parseFailCondition } from '../bench/compare/failCondition.js';
import {
  formatComparisonMarkdown,
  formatComparisonText,
  mergeResults,
} from '../bench/compare/formatComparison.js';
import { ASPECTS } from '../bench/compare/pairCells.js';
import { formatJson } from '../bench/output/formatJson.js';
import { planExports, writeExport, writeText } from '../bench/output/outputs.js';
import { anyText, listOf, oneOf } from '../bench/settings/optionValues.js';
import { DEFAULT_ALLOWANCE_PERCENT } from '../bench/statistics/compareIndependent.js';
import { QwenAsrError } from '../error.js';
import { printableDocument } from '../printable.js';
import { DEFAULT_COLUMNS } from '../text/textWidth.js';
import { checkOutputs, exportedFiles, resultFiles } from './checkOutputs.js';
import { answersStandard, baselineDirOption, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { outputColumns } from './terminalScreen.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

const OPTIONS = 'Options';

/** Options of `qwen_asr_bench compare`. */
export const COMPARE_OPTIONS = {
  with: {
    kind: 'switch',
    section: OPTIONS,
    help: ['Results before it are sessions of A, results after it sessions of B'],
  },
  allowance: {
    kind: 'value',
    placeholder: 'PERCENT',
    section: OPTIONS,
    help: [
      `What sessions deviate by (standard deviation) where there is one a side and nothing measures it (default: ${DEFAULT_ALLOWANCE_PERCENT}%); 0% takes its runs for all there is to know`,
    ],
    read: percentage,
  },
  'fail-if': {
    kind: 'value',
    placeholder: 'CONDITION',
    section: OPTIONS,
    help: [
      "Exit with 3 when it holds, e.g. 'encode>+5%'; repeatable. It holds when the whole 95 % interval is beyond the threshold (corrected for the number of cells and conditions), with ! ('encode>+5%!') when the estimate is. Percentage points for error rates: wer>+0.5pp.",
    ],
    read: parseFailCondition,
    repeatable: true,
  },
  across: {
    kind: 'value',
    placeholder: 'LIST',
    section: OPTIONS,
    help: ['Compare although these differ: machines, models, audio, settings'],
    read: listOf(oneOf(ASPECTS)),
  },
  'allow-token-changes': {
    kind: 'switch',
    section: OPTIONS,
    help: ['Different tokens are reported but do not fail'],
  },
  ...baselineDirOption(OPTIONS),
  format: {
    kind: 'value',
    short: 'o',
    placeholder: 'FORMAT',
    section: OPTIONS,
    help: ['text (default), md for a CI summary, or json'],
    read: oneOf(['text', 'md', 'json']),
  },
  export: {
    kind: 'value',
    placeholder: 'FILE',
    section: OPTIONS,
    help: ['Write FILE too, as its extension says: .md .txt .json .jsonl .csv .html; repeatable'],
    read: anyText,
    repeatable: true,
  },
  ...standardOptions(OPTIONS),
} as const satisfies OptionTable;

/**
 * `2%`, or `2`.
 *
 * @throws QwenAsrError `usage`
 */
function percentage(text: string, option: string): number {
  const [, digits = ''] = /^(\d+(?:\.\d+)?)%?$/.exec(text.trim()) ?? [];
  const percent = digits === '' ? Number.NaN : Number(digits);
  if (percent < 100) return percent;
  throw new QwenAsrError(
    'usage',
    `${option}: expected a percentage from 0 to below 100, found ${JSON.stringify(text)}`,
  );
}

/** The help text of `qwen_asr_bench compare`. */
const compareUsage = helpOf(
  usageLines('qwen_asr_bench compare A B [options]', 'qwen_asr_bench compare A... --with B... [options]'),
  paragraph(
    'Compares the benchmark results B with A: files that --export wrote (.json, .jsonl) or names that --save gave. Two measurements of one build differ by more than their runs do, so a verdict on a build takes several sessions a side.',
  ),
  optionList(COMPARE_OPTIONS, [OPTIONS], { column: 26, names: 'both' }),
  paragraph(
    'Different machines, models, audio or settings are refused unless --across names them. When the tokens changed the comparison fails, except on random weights and under --tokens. Exit code 3: a condition holds, or the tokens changed.',
  ),
  examples(
    ['qwen_asr_bench -d MODEL -i clip.wav -n 20 --save before'],
    ['qwen_asr_bench compare before after.json'],
    [
      "qwen_asr_bench compare a1.json a2.json a3.json --with b1.json b2.json b3.json --fail-if 'total>+3%' -o md",
    ],
  ),
);

/** `qwen_asr_bench compare A B`, `compare A... --with B...`: is B slower, and does that matter? */
export async function compareCommand(context: CommandContext): Promise<ExitCode> {
  const parsed = parseOptions(COMPARE_OPTIONS, context.args, Number.POSITIVE_INFINITY);
  const { values, positionals } = parsed;
  if (answersStandard(values, compareUsage, context)) return EXIT.ok;
  const [namesA, namesB] = sidesOf(positionals, parsed.positionalsBefore.get('with'));
  context.outliveReader?.();
  const exports = planExports(values.export ?? []);
  const folder = values['baseline-dir'] ?? defaultBaselineDir();
  const names = [...namesA, ...namesB];
  checkOutputs(exportedFiles(exports), resultFiles(names.map((name) => resultPath(name, folder))));
  const open = (name: string) => openResult(name, folder);
  const comparison = compareResults(namesA.map(open), namesB.map(open), {
    across: new Set(values.across ?? []),
    failIf: values['fail-if'] ?? [],
    allowTokenChanges: values['allow-token-changes'] === true,
    ...(values.allowance === undefined ? {} : { allowancePercent: values.allowance }),
  });
  const document = mergeResults(comparison, ['compare', ...context.args]);
  context.out(
    values.format === 'json'
      ? formatJson(document)
      : formatShort(comparison, values.format ?? 'text', outputColumns(context) ?? DEFAULT_COLUMNS),
  );
  for (const file of exports) {
    if (file.format === 'text' || file.format === 'md') {
      writeText(file.path, formatShort(comparison, file.format));
    } else writeExport(file, document);
  }
  return comparison.failures.length === 0 ? EXIT.ok : EXIT.compare;
}

/**
 * The names of each side.
 *
 * @param split how many belong to A; undefined without `--with`
 * @throws QwenAsrError `usage` unless each side has one
 */
function sidesOf(
  names: readonly string[],
  split: number | undefined,
): readonly [a: readonly string[], b: readonly string[]] {
  if (split === undefined && names.length !== 2) {
    const hint = names.length > 2 ? '; several sessions a side: compare A1 A2 --with B1 B2' : '; -h explains';
    throw new QwenAsrError('usage', `compare: expected two results, found ${names.length}${hint}`);
  }
  const [a, b] = [names.slice(0, split ?? 1), names.slice(split ?? 1)];
  if (a.length === 0 || b.length === 0) {
    throw new QwenAsrError(
      'usage',
      `compare: expected results on both sides of --with, found ${a.length} and ${b.length}`,
    );
  }
  return [a, b];
}

function formatShort(comparison: ResultComparison, format: 'text' | 'md', columns?: number): string {
  return format === 'md'
    ? formatComparisonMarkdown(printableDocument(comparison))
    : formatComparisonText(printableDocument(comparison), columns);
}
