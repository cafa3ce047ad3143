import type { CellRecord, CellSettings } from '../schema/benchResult.js';

/** Cells that differ along one axis alone. */
export interface CellGroup {
  /** The axes that vary between groups: `s=5`; empty when there is one group. */
  readonly label: string;
  readonly cells: readonly CellRecord[];
}

/** Groups the cells of a sweep by everything but one axis. */
export function groupCells(cells: readonly CellRecord[], axis: keyof CellSettings): CellGroup[] {
  const groups = new Map<string, CellRecord[]>();
  for (const cell of cells) {
    const key = JSON.stringify({ ...cell.settings, [axis]: null });
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].map((members) => ({ label: commonPart(members), cells: members }));
}

/** What the ids of a group agree in, coordinate by coordinate. */
function commonPart(cells: readonly CellRecord[]): string {
  // A coordinate begins with its name; what follows a blank otherwise belongs to a path.
  const coordinates = cells.map(({ id }) => id.split(/ (?=[a-z]+=)/));
  const [first = [], ...others] = coordinates;
  const common = first.filter((part) => others.every((parts) => parts.includes(part)));
  return common.join(' ') === 'base' ? '' : common.join(' ');
}
