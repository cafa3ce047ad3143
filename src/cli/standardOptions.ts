import type { OptionTable } from './options.js';
import type { CommandContext } from './runCommand.js';
import { version } from './version.js';

/** Options of every command. */
export function standardOptions<const Section extends string>(section: Section) {
  return {
    version: { kind: 'switch', section, help: ['Print the version'], endsParsing: true },
    help: { kind: 'switch', short: 'h', section, help: ['Print this help'], endsParsing: true },
  } as const satisfies OptionTable;
}

/** Prints what -h or --version asked for; true when there is nothing else to do. */
export function answersStandard(
  values: { readonly help?: true; readonly version?: true },
  usage: () => string,
  { out }: CommandContext,
): boolean {
  if (values.help) out(usage());
  else if (values.version) out(`${version()}\n`);
  return values.help === true || values.version === true;
}
