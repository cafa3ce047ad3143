/** A table of figures before it has a shape: text, Markdown or HTML. */
export interface FigureTable {
  readonly header: readonly string[];
  /** The first column is a title, the others are figures. */
  readonly rows: readonly (readonly string[])[];
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
