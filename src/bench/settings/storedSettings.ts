import type { CellSettings } from '../schema/benchResult.js';
import type { CellContext, Setting, SettingValue } from './setting.js';
import { ALL_SETTINGS } from './settings.js';

/** Fields of `settings` in the order of results, columns and messages; a new one comes last. */
const FIELD_ORDER: readonly (keyof CellSettings)[] = [
  ...(['mode', 'model', 'audio', 'threads', 'backend', 'isa', 'precision', 'runs', 'warmup'] as const),
  ...(['exactTokens', 'language', 'segmentSeconds', 'batch', 'skipSilence', 'delayMs', 'isolated'] as const),
  ...(['command', 'stream', 'chunkSeconds', 'pace'] as const),
  ...(['endpoint', 'protocol', 'requestModel', 'clients', 'ratePerSecond', 'durationMs', 'rampMs'] as const),
  ...(['timeoutMs', 'seed', 'streamed', 'maxDelayMs'] as const),
];

/** The settings as results have them, one after the other. */
export const STORED_SETTINGS: readonly Setting[] = inOrder(
  ALL_SETTINGS.map(([, setting]) => setting),
  FIELD_ORDER,
  ({ key }) => key,
);

/** A setting of a stored cell, also of a file from before there was the setting. */
export function settingOf({ key, older }: Setting, settings: CellSettings): SettingValue {
  return settings[key] ?? older ?? null;
}

/** What files leave out that are older than a setting. */
export const OLDER_SETTINGS: Partial<CellSettings> = Object.fromEntries(
  STORED_SETTINGS.flatMap(({ key, older }) => (older === undefined ? [] : [[key, older]])),
);

/** Everything that was chosen for a cell, as results store it. */
export function storedSettings(context: CellContext): CellSettings {
  return Object.fromEntries(
    STORED_SETTINGS.map(({ key, stored }) => [key, stored(context)]),
  ) as unknown as CellSettings;
}

/** Sorts by a list; what the list has not comes after it. */
export function inOrder<Item, Key>(
  items: readonly Item[],
  order: readonly Key[],
  keyOf: (item: Item) => Key,
): Item[] {
  const rank = (item: Item): number => {
    const index = order.indexOf(keyOf(item));
    return index < 0 ? order.length : index;
  };
  return items.toSorted((a, b) => rank(a) - rank(b));
}
