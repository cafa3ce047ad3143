import { anyText } from '../bench/optionValues.js';
import type { OptionTable } from './options.js';

/** The option of every command that reads or keeps baselines. */
export function baselineDirOption<const Section extends string>(section: Section) {
  return {
    'baseline-dir': {
      kind: 'value',
      placeholder: 'DIR',
      section,
      help: ['Where baselines are kept (default: ~/.local/share/qwen-asr/baselines)'],
      read: anyText,
    },
  } as const satisfies OptionTable;
}
