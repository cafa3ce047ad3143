import { basename, extname } from 'node:path';
import { defaultBaselineDir, openResult, resultPath } from '../bench/compare/baselines.js';
import type { NamedResult } from '../bench/compare/pairCells.js';
import {
  type ExportFormat,
  formatResult,
  OUTPUT_FORMATS,
  planExports,
  writeText,
} from '../bench/output/outputs.js';
import { formatHtml } from '../bench/render/html.js';
import { formatPlots } from '../bench/render/text.js';
import { anyText, oneOf } from '../bench/settings/optionValues.js';
import { QwenAsrError } from '../error.js';
import { printableDocument } from '../printable.js';
import { checkOutputs, exportedFiles, resultFiles } from './checkOutputs.js';
import { answersStandard, baselineDirOption, standardOptions } from './commonOptions.js';
import { type OptionTable, parseOptions } from './options.js';
import { type CommandContext, EXIT, type ExitCode } from './runCommand.js';
import { outputColumns, terminalStyle } from './terminalScreen.js';
import { examples, helpOf, optionList, paragraph, usageLines } from './usage.js';

const OPTIONS = 'Options';

/** Options of `qwen_asr_bench report`. */
export const REPORT_OPTIONS = {
  export: {
    kind: 'value',
    placeholder: 'FILE',
    section: OPTIONS,
    help: ['Write FILE as its extension says: .html .md .txt .csv .json .jsonl; repeatable'],
    read: anyText,
    repeatable: true,
  },
  format: {
    kind: 'value',
    short: 'o',
    placeholder: 'FORMAT',
    section: OPTIONS,
    help: ['Print it as text (default without --export), md, csv, json or jsonl'],
    read: oneOf(OUTPUT_FORMATS),
  },
  plot: { kind: 'switch', section: OPTIONS, help: ['Draw the runs, phases and sweeps in the terminal'] },
  ...baselineDirOption(OPTIONS),
  ...standardOptions(OPTIONS),
} as const satisfies OptionTable;

/** The help text of `qwen_asr_bench report`. */
const reportUsage = helpOf(
  usageLines('qwen_asr_bench report RESULT... [options]'),
  paragraph(
    'Shows benchmark results: files that --export wrote (.json, .jsonl, interrupted ones too) or names that --save gave.',
  ),
  optionList(REPORT_OPTIONS, [OPTIONS], { column: 24, names: 'both' }),
  paragraph('Several results go into one text, Markdown or HTML file; the other formats take one.'),
  examples(
    ['qwen_asr_bench report before.json after.json --export report.html'],
    ['qwen_asr_bench report interrupted.jsonl -o json > finished.json'],
  ),
);

/** `qwen_asr_bench report RESULT...`: saved results in any format. */
export async function reportCommand(context: CommandContext): Promise<ExitCode> {
  const { values, positionals } = parseOptions(REPORT_OPTIONS, context.args, Number.POSITIVE_INFINITY);
  if (answersStandard(values, reportUsage, context)) return EXIT.ok;
  if (positionals.length === 0) {
    throw new QwenAsrError('usage', 'report: expected at least one result, found none; -h explains');
  }
  context.outliveReader?.();
  const exports = planExports(values.export ?? []);
  const format = values.format ?? (exports.length === 0 && !values.plot ? 'text' : undefined);
  const folder = values['baseline-dir'] ?? defaultBaselineDir();
  checkOutputs(exportedFiles(exports), resultFiles(positionals.map((name) => resultPath(name, folder))));
  const results = positionals.map((name) => openResult(name, folder));
  const contents = exports.map(({ path, format: wanted }) => [path, render(results, wanted)] as const);
  if (format !== undefined) context.out(render(results, format, outputColumns(context)));
  if (values.plot) {
    for (const { result } of results)
      context.out(formatPlots(printableDocument(result), terminalStyle(context)));
  }
  for (const [path, content] of contents) writeText(path, content);
  return EXIT.ok;
}

/** @throws QwenAsrError `usage` for several results in a format of one */
function render(results: readonly NamedResult[], format: ExportFormat, columns?: number): string {
  if (format === 'html') {
    return formatHtml(results.map(({ name, result }) => ({ name: basename(name, extname(name)), result })));
  }
  if (format === 'text' || format === 'md') {
    return results.map(({ result }) => formatResult(result, format, columns)).join('\n');
  }
  const [only] = results;
  if (only === undefined || results.length > 1) {
    throw new QwenAsrError('usage', `report: expected one result for ${format}, found ${results.length}`);
  }
  return formatResult(only.result, format);
}
