import { anyText, oneOf } from '../bench/optionValues.js';
import { OUTPUT_FORMATS } from '../bench/output/outputs.js';
import { baselineDirOption } from './baselineDirOption.js';
import type { OptionTable } from './options.js';
import { standardOptions } from './standardOptions.js';
import { formatOptions } from './usage.js';

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
export function reportUsage(): string {
  return `Usage: qwen_asr_bench report RESULT... [options]

Shows benchmark results: files that --export wrote (.json, .jsonl, interrupted ones too) or names that --save gave.

${formatOptions(REPORT_OPTIONS, [OPTIONS], { column: 24, names: 'both' })}

Several results go into one text, Markdown or HTML file; the other formats take one.

Examples:
  qwen_asr_bench report before.json after.json --export report.html
  qwen_asr_bench report interrupted.jsonl -o json > finished.json
`;
}
