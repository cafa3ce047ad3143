/*
 * What can be drawn, before it has a size: a chart's axes and series in their own units. `svgPicture` draws it for pages,
 * `terminalPicture` with characters.
 */

/** A picture of one kind. */
export type Picture =
  | LinePicture
  | IntervalPicture
  | BarPicture
  | SamplePicture
  | RunOrderPicture
  | RooflinePicture;

/** Lines over a common numeric axis. */
export interface LinePicture {
  readonly kind: 'lines';
  readonly lines: readonly Line[];
  readonly xTitle: string;
  /** Where there is little room. */
  readonly xName: string;
  readonly yTitle: string;
  /** A line to compare with, without points: what would be ideal. */
  readonly guide?: Line;
}

export interface Line {
  readonly title: string;
  /** By ascending x. */
  readonly points: readonly LinePoint[];
}

export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Ends of its interval; null without one. */
  readonly low: number | null;
  readonly high: number | null;
  /** Shown when pointed at. */
  readonly title: string;
}

/** Ratios with their intervals around 1, a line each (a forest plot). */
export interface IntervalPicture {
  readonly kind: 'intervals';
  readonly groups: readonly { readonly title: string; readonly rows: readonly IntervalRow[] }[];
}

export interface IntervalRow {
  /** In its group. */
  readonly name: string;
  /** Without its group. */
  readonly fullName: string;
  readonly ratio: number;
  readonly low: number | null;
  readonly high: number | null;
  /** Changes within it do not matter. */
  readonly marginPercent: number;
  readonly verdict: 'faster' | 'slower' | 'same' | 'undecided';
  /** The verdict with advice, for where there is room. */
  readonly advice: string;
  /** What the mean says instead; '' when it agrees. */
  readonly mean: string;
}

/** Wholes as bars of their parts, in milliseconds: bars side by side, or columns where there are many of the same. */
export interface BarPicture {
  readonly kind: 'bars';
  readonly upright: boolean;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly id: string;
  readonly title: string;
  /** What shares are of: parts of medians do not quite add up to the median of the whole. */
  readonly totalMs: number;
  readonly parts: readonly BarPart[];
}

export interface BarPart {
  /** `phase-{name}` is its colour in the style sheet. */
  readonly name: string;
  readonly title: string;
  readonly ms: number;
  /** What it belongs to. */
  readonly tone: 'encode' | 'decode' | null;
}

/** Every value of samples along an axis. */
export interface SamplePicture {
  readonly kind: 'samples';
  /** Rows that share an axis. */
  readonly panels: readonly SamplePanel[];
}

export interface SamplePanel {
  readonly title: string;
  readonly rows: readonly SampleRow[];
  /** Values are drawn as percent of their median, because the rows are too far apart for one axis. */
  readonly relative: boolean;
}

export interface SampleRow {
  readonly title: string;
  /** In milliseconds, in their order; at least one. */
  readonly values: readonly number[];
  /** Why a value is doubtful, null for those that are not. */
  readonly disturbed: readonly (string | null)[];
  readonly median: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
}

/** Runs in the order they were made, those of a warm-up before them. */
export interface RunOrderPicture {
  readonly kind: 'runOrder';
  readonly series: readonly RunSeries[];
}

export interface RunSeries {
  readonly id: string;
  readonly title: string;
  readonly warmupsMs: readonly number[];
  readonly runs: readonly { readonly ms: number; readonly disturbed: string | null }[];
  /** Their median; null without one. */
  readonly levelMs: number | null;
}

/** Phases under the ceilings of a machine (Williams, Waterman and Patterson 2009). */
export interface RooflinePicture {
  readonly kind: 'roofline';
  readonly roofs: readonly { readonly name: string; readonly flopsPerSecond: number }[];
  readonly readBytesPerSecond: number;
  readonly points: readonly RooflineMark[];
}

export interface RooflineMark {
  /** `phase-{name}` is its colour in the style sheet. */
  readonly name: string;
  readonly title: string;
  /** Shown when pointed at. */
  readonly detail: string;
  readonly share: number;
  readonly flopsPerSecond: number;
  /** Operations for each byte that has to be read. */
  readonly intensity: number;
}

/** Below so many values a sample has no quartiles worth drawing: they would be interpolated between single values. */
export const FEWEST_FOR_QUARTILES = 8;

/** Colours that style sheets have for series: further lines of a picture are in its table alone. */
export const SERIES_COLOURS = 8;
