import { defaultBaselineDir, openResult, resultPath } from '../bench/compare/baselines.js';
import { compareResults, type ResultComparison } from '../bench/compare/compareResults.js';
import { formatComparisonMarkdown, formatComparisonText } from '../bench/compare/formatComparison.js';
import { mergeResults } from '../bench/compare/mergeResults.js';
import { formatJson } from '../bench/output/formatJson.js';
import { planExports, writeExport, writeWhole } from '../bench/output/outputs.js';
import { DEFAULT_COLUMNS } from '../bench/render/textTable.js';
import { QwenAsrError } from '../error.js';
import { printableDocument } from '../printable.js';
import { checkOutputs, exportedFiles, resultFiles } from './checkOutputs.js';
import { COMPARE_OPTIONS, compareUsage } from './compareOptions.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { parseOptions } from './options.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard } from './standardOptions.js';
import { outputColumns } from './terminalStyle.js';

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
      writeWhole(file.path, formatShort(comparison, file.format));
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
