import type { BenchPlan, CellPlan, ModelCellPlan } from '../plan/benchPlan.js';
import type { EndpointCellPlan, EndpointPlan } from '../plan/endpointPlan.js';
import type { CellFacts } from '../run/cellSession.js';
import type { BenchResult, CellRecord, CellSettings } from '../schema/benchResult.js';
import type { OptionReader } from './optionValues.js';

/** What may stand in `settings` of a stored result. */
export type SettingValue = string | number | boolean | null;

/** What is known of a cell when its settings are stored. */
export interface CellContext {
  readonly plan: Pick<BenchPlan, 'runs' | 'warmup' | 'delayMs' | 'isolated'>;
  readonly cell: CellPlan | EndpointCellPlan;
  /** What is the same for all levels of load on an endpoint; only cells of one have it. */
  readonly endpoint?: EndpointPlan;
  /** Null for a cell that could not be made ready. */
  readonly facts: CellFacts | null;
  /** Ids of the records of its model and audio. */
  readonly modelId: string | null;
  readonly audioId: string | null;
}

/** How the command line takes a setting; the flag is the setting's name in the table. */
export interface SettingOption {
  readonly short?: string;
  readonly placeholder: string;
  readonly section: 'Required' | 'Options' | 'Further options' | 'Measuring' | 'Load';
  readonly help: readonly string[];
  /** Of one value. */
  readonly read: OptionReader<unknown>;
  /** How it takes several, which make a sweep; `once`: not at all, `never`: it is a switch. */
  readonly several: 'numbers' | 'words' | 'repeated' | 'once' | 'never';
}

/** What a setting does to the plan of a cell, which is also what `--vs` may change. */
export interface CellChange {
  readonly put: (value: never, cell: ModelCellPlan) => Partial<ModelCellPlan>;
  /** In the ids of cells, before an equals sign: `t` in `t=2`. */
  readonly id: string;
  /** As the command line would have it. */
  readonly shown: (cell: ModelCellPlan) => SettingValue;
  /** Cells for which it means anything; of the others there is one, whatever its values. */
  readonly applies?: (cell: ModelCellPlan) => boolean;
}

/** A setting that the cells of a sweep can differ in, as outputs show it. */
interface Axis {
  readonly name: string;
  /** Lines can be drawn along it. */
  readonly numeric: boolean;
  /** Of a chart; the name when left out. */
  readonly title?: string;
  /** The setting itself when left out. */
  readonly of?: (cell: CellRecord, result: BenchResult) => string | number | null;
  readonly show: (value: string | number | null) => string;
}

/** Everything that tells one setting apart from the others. */
export interface Setting {
  /** In `settings` of stored results. */
  readonly key: keyof CellSettings;
  readonly option?: SettingOption;
  readonly cell?: CellChange;
  readonly stored: (context: CellContext) => SettingValue;
  /** What a file means that has no such field: one of before there was the setting. */
  readonly older?: SettingValue;
  /** Results compare only when it agrees. */
  readonly compared?: true;
  /** How `--resume` names it, and what the command line asks for; undefined leaves it open. */
  readonly resumed?: {
    readonly name: string;
    readonly wanted: (context: Pick<CellContext, 'plan' | 'cell'>) => SettingValue | undefined;
    readonly show?: (value: SettingValue) => string;
  };
  readonly axis?: Axis;
  /** For the line that says what a cell ran with; null says nothing. */
  readonly describe?: (settings: CellSettings, result: BenchResult) => string | null;
}
