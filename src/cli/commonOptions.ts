import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyText, listOf, numberList, type OptionReader } from '../bench/settings/optionValues.js';
import {
  ALL_SETTINGS,
  type CellFlag,
  SETTINGS,
  type SettingFlag,
  type SettingTable,
} from '../bench/settings/settings.js';
import { QwenAsrError } from '../error.js';
import type { LoadOptions } from '../transcribe/types.js';
import type { OptionTable, OptionValues, SwitchOption, ValueOption } from './options.js';
import type { CommandContext } from './runCommand.js';
import { outputColumns } from './terminalScreen.js';
import type { Usage } from './usage.js';

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
  usage: Usage,
  context: CommandContext,
): boolean {
  if (values.help) context.out(usage(outputColumns(context)));
  else if (values.version) context.out(`${version()}\n`);
  return values.help === true || values.version === true;
}

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

/** The version of this package, from the nearest package.json above this file. */
export function version(): string {
  for (
    let folder = dirname(fileURLToPath(import.meta.url));
    folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) return JSON.parse(readFileSync(manifest, 'utf8')).version;
  }
  throw new QwenAsrError('internal', 'the package.json of qwen-asr is missing');
}

type FlagValue<Flag extends SettingFlag> = SettingTable[Flag]['option'] extends {
  readonly read: OptionReader<infer Value>;
}
  ? Value
  : never;

/** How a flag of the table is read when it takes several values. */
type SweepOption<Flag extends SettingFlag> = SettingTable[Flag]['option']['several'] extends infer Several
  ? Several extends 'never'
    ? SwitchOption
    : Several extends 'once'
      ? ValueOption<FlagValue<Flag>>
      : Several extends 'repeated'
        ? ValueOption<FlagValue<Flag>> & { readonly repeatable: true }
        : ValueOption<readonly FlagValue<Flag>[]>
  : never;

type SweepOptions<Section> = {
  readonly [Flag in SettingFlag as SettingTable[Flag]['option']['section'] extends Section
    ? Flag
    : never]: SweepOption<Flag>;
};

/** The options of the settings in a section of the help, each with as many values as it takes. */
export function sweepOptions<Section extends SettingTable[SettingFlag]['option']['section']>(
  section: Section,
): SweepOptions<Section> {
  const options = ALL_SETTINGS.flatMap(([flag, { option }]) => {
    if (option?.section !== section) return [];
    const { several, read, ...text } = option;
    if (several === 'never') return [[flag, switchOption(text)]];
    if (several === 'repeated') return [[flag, { kind: 'value', ...text, read, repeatable: true }]];
    return [[flag, { kind: 'value', ...text, read: severalOf(option) }]];
  });
  return Object.fromEntries(options);
}

type SingleOptions<Flag extends SettingFlag> = {
  readonly [Name in Flag]: SettingTable[Name]['option']['several'] extends 'never'
    ? SwitchOption
    : ValueOption<FlagValue<Name>>;
};

/** The options of some settings with one value each, in a section of another help. */
export function singleOptions<Flag extends SettingFlag>(
  flags: readonly Flag[],
  section: string,
): SingleOptions<Flag> {
  const options = flags.map((flag) => {
    const { several, read, ...text } = SETTINGS[flag].option;
    const single = several === 'never' ? switchOption(text) : { kind: 'value', ...text, read };
    return [flag, { ...single, section }];
  });
  return Object.fromEntries(options);
}

/** Flags of what two cells of a comparison may differ in: not the audio, nor how it is measured. */
export const CELL_FLAGS = ALL_SETTINGS.flatMap(([flag, { cell }]) =>
  cell === undefined || flag === 'what' ? [] : [flag],
) as Exclude<CellFlag, 'what'>[];

/** Flags of a measurement of this engine that take several values in a list. */
export const LIST_FLAGS: readonly string[] = ALL_SETTINGS.flatMap(([flag, { option }]) => {
  const isListed = option?.several === 'numbers' || option?.several === 'words';
  return isListed && option.section !== 'Load'
    ? [option.short === undefined ? `--${flag}` : `-${option.short}`]
    : [];
});

function severalOf({
  several,
  read,
}: {
  several: string;
  read: OptionReader<unknown>;
}): OptionReader<unknown> {
  // The table says which of its readers give numbers.
  if (several === 'numbers') return numberList(read as OptionReader<number>);
  return several === 'words' ? listOf(read) : read;
}

function switchOption({
  placeholder: _,
  ...text
}: { placeholder: string } & Pick<OptionTable[string], 'help' | 'section'>) {
  return { kind: 'switch', ...text };
}

/** Options of every command that computes: they choose the arithmetic. */
export function arithmeticOptions(section: string) {
  return singleOptions(['threads', 'backend', 'precision', 'isa'], section);
}

type ArithmeticValues = OptionValues<ReturnType<typeof arithmeticOptions>>;

/** The part of LoadOptions that the command line decides. */
export function loadOptionsOf({ threads, backend, precision, isa }: ArithmeticValues): LoadOptions {
  return {
    ...(threads !== undefined && { threads }),
    ...(backend !== undefined && { backend }),
    ...(precision !== undefined && { precision }),
    ...(isa !== undefined && { isa }),
  };
}
