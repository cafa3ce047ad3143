import type { QwenAsrError } from '../error.js';

/** The flags of options of the library, where they are not called the same. */
const FLAGS: Readonly<Record<string, string>> = {
  context: 'prompt',
  maxTokens: 'max-tokens',
  exactTokens: 'tokens',
  segmentMs: 'segment',
};

/** Flags that have a short name too. */
const SHORT: Readonly<Record<string, string>> = { threads: 't' };

/**
 * An error's line as somebody at a command line should read it: the library names its options (`isa: expected …`), people
 * type flags.
 *
 * @param args the command line, for the way the flag was typed
 * @example
 * messageWithFlags(new QwenAsrError('usage', 'expected 1 or more', { option: 'threads' }), ['-t', '0']); // '-t: expected …'
 */
export function messageWithFlags({ message, option }: QwenAsrError, args: readonly string[]): string {
  if (option === undefined || !message.startsWith(`${option}: `)) return message;
  const long = FLAGS[option] ?? option;
  const short = SHORT[option];
  const typedLong = args.some((arg) => arg === `--${long}` || arg.startsWith(`--${long}=`));
  const flag = short === undefined || typedLong ? `--${long}` : `-${short}`;
  return flag + message.slice(option.length);
}
