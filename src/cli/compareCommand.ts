import { defaultBaselineDir, openResult, resultPath } from '../bench/compare/baselines.js';
import { compareResults, type ResultComparison } from '../bench/compare/compareResults.js';
import { formatComparisonMarkdown, formatComparisonText } from '../bench/compare/formatComparison.js';
import { mergeResults } from '../bench/compare/mergeResults.js';
import { planExports, writeExport, writeWhole } from '../bench/output/exportFiles.js';
import { formatJson } from '../bench/output/formatJson.js';
import { QwenAsrError } from '../error.js';
import { checkOutputs, exportedFiles, resultFiles } from './checkOutputs.js';
import { COMPARE_OPTIONS, compareUsage } from './compareOptions.js';
import { EXIT, type ExitCode } from './exitCodes.js';
import { parseOptions } from './options.js';
import type { CommandContext } from './runCommand.js';
import { answersStandard } from './standardOptions.js';

/** `qwen_asr_bench compare A B`: is B slower, and does that matter? */
export async function compareCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(COMPARE_OPTIONS, context.args, 2);
  if (answersStandard(values, compareUsage, context)) return EXIT.ok;
  const [nameA, nameB] = positionals;
  if (nameA === undefined || nameB === undefined) {
    throw new QwenAsrError(
      'usage',
      `compare: expected two results, found ${positionals.length}; -h explains`,
    );
  }
  context.outliveReader?.();
  const exports = planExports(values.export ?? []);
  const folder = values['baseline-dir'] ?? defaultBaselineDir();
  checkOutputs(exportedFiles(exports), resultFiles([nameA, nameB].map((name) => resultPath(name, folder))));
  const comparison = compareResults(openResult(nameA, folder), openResult(nameB, folder), {
    across: new Set(values.across ?? []),
    failIf: values['fail-if'] ?? [],
    allowTokenChanges: values['allow-token-changes'] === true,
  });
  const document = mergeResults(comparison, ['compare', ...context.args]);
  context.out(
    values.format === 'json' ? formatJson(document) : formatShort(comparison, values.format ?? 'text'),
  );
  for (const file of exports) {
    if (file.format === 'text' || file.format === 'md') {
      writeWhole(file.path, formatShort(comparison, file.format));
    } else writeExport(file, document);
  }
  return comparison.failures.length === 0 ? EXIT.ok : EXIT.compare;
}

function formatShort(comparison: ResultComparison, format: 'text' | 'md'): string {
  return format === 'md' ? formatComparisonMarkdown(comparison) : formatComparisonText(comparison);
}
