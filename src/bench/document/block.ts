import type { Picture } from '../chart/picture.js';

/**
 * A piece of a report before it has a form. What a result has to say becomes blocks once (`sections.ts`); text, Markdown
 * and HTML render them.
 */
export type Block =
  | Heading
  | TableBlock
  | { readonly kind: 'notes'; readonly notes: readonly Note[]; readonly fold?: string }
  | { readonly kind: 'facts'; readonly facts: readonly Fact[]; readonly fold?: string }
  | { readonly kind: 'tiles'; readonly tiles: readonly Tile[]; readonly fold?: string }
  | { readonly kind: 'chart'; readonly chart: Chart; readonly fold?: string };

/** What the blocks after it are about, in a few words, and more of it in the same breath. */
interface Heading {
  readonly kind: 'heading';
  /** 1: the whole, 2: a part of it, 3: a cell or a table. */
  readonly level: 1 | 2 | 3;
  readonly text: string;
  readonly detail?: string;
  readonly fold?: string;
}

export interface TableBlock {
  readonly kind: 'table';
  readonly table: FigureTable;
  readonly title?: string;
  /** What the title is about, on its line. */
  readonly detail?: string;
  /** How to read it, where there is room for that. */
  readonly about?: string;
  /** Rows with the same first cell belong together: a narrow page has a table for each, under that title. */
  readonly grouped?: boolean;
  /** Where pages can, it is folded away under this title, together with the blocks beside it that have the same. */
  readonly fold?: string;
}

/** A table of figures before it has a shape. */
export interface FigureTable {
  readonly header: readonly string[];
  /** Titles for where the others are too long. */
  readonly shortHeader?: readonly string[];
  /** The first column is a title, the others are figures. */
  readonly rows: readonly (readonly string[])[];
  /** Columns from the left that say what a row is of; 1 when left out. */
  readonly keyColumns?: number;
}

/** A picture of data that is a table too. */
export interface Chart {
  readonly title: string;
  /** What to see in it, in a sentence or two; shown below the title and read to people who cannot see it. */
  readonly description: string;
  readonly picture: Picture;
  /** The same data in words and figures. */
  readonly table: FigureTable;
}

/** A sentence, and what kind of sentence it is: a bare `note` needs no name where it is an item of a list. */
export interface Note {
  readonly label: 'note' | 'error' | 'text' | 'accuracy' | 'tokens' | null;
  readonly text: string;
}

/** One line about where, what and when. */
export type Fact = readonly [label: string, text: string];

/** A figure that a benchmark is remembered by. */
export interface Tile {
  readonly title: string;
  readonly value: string;
  readonly unit: string;
  /** Between what it lies; '' when nothing is to be said. */
  readonly range: string;
}

export function tableBlock(
  table: FigureTable | null,
  options: Omit<TableBlock, 'kind' | 'table'> = {},
): TableBlock[] {
  return table === null || table.rows.length === 0 ? [] : [{ kind: 'table', table, ...options }];
}

/** Sentences of one kind; no block without any. */
export function noteBlock(texts: readonly string[], label: Note['label'] = 'note'): Block[] {
  return texts.length === 0 ? [] : [{ kind: 'notes', notes: texts.map((text) => ({ label, text })) }];
}

/** The blocks folded away under a title. */
export function folded(fold: string, blocks: readonly Block[]): Block[] {
  return blocks.map((block) => ({ ...block, fold }));
}

/** A figure, with its sign and whatever follows it. */
const FIGURE = /^[-+~<]?[\d.]/;

/** Which columns of a table hold words: they stand to the left, figures to the right. The first always does. */
export function wordColumns({ header, rows }: FigureTable): boolean[] {
  return header.map((_, column) => {
    const told = rows.map((row) => row[column] ?? '').filter((text) => text !== '' && text !== '–');
    return column === 0 || (told.length > 0 && told.every((text) => !FIGURE.test(text)));
  });
}
