/** Columns of a product are cut in multiples of this: a vector of the widest target. */
const COLUMN_STEP = 16;

/**
 * Bytes of weights that one tile of a stream reads, at least and at most. Every tile begins with a claim, which all
 * participants see, and with lines that nothing has prefetched: of 48 KB to 4 MB measured in turns on two cores (0.6B, a
 * decode step), 96 KB took 41.5 ms, 384 KB 40.0 and 1 MB 37.2 (35 against 26 while the host left more bandwidth). Tiles
 * a participant matter less: 2 to 8 were alike, 1 was slower.
 */
const STREAM_TILE_BYTES = { least: 96 * 1024, most: 1024 * 1024 } as const;

/** Columns of a register block's scratch; with two weights half of them. */
const MATMUL_COLUMNS = 64;

/** Tiles of a convolution: measured on the 480-channel stem (800 × 480 × 4320). */
const CONVOLUTION_COLUMNS = 480;
const CONVOLUTION_ROWS = 48;

/** A pass is balanced when an operator has several tiles a participant. */
const TILES_PER_THREAD = 6;

/** Rows of a tile are a multiple of every target's register tile (6 and 3). */
const ROW_STEP = 12;

/** Largest divisor of n that is a multiple of 16 and at most `limit`; n itself when it is no multiple of 16. */
export function columnDivisor(n: number, limit: number): number {
  for (
    let columns = Math.max(COLUMN_STEP, limit - (limit % COLUMN_STEP));
    columns >= COLUMN_STEP;
    columns -= COLUMN_STEP
  ) {
    if (n % columns === 0) return columns;
  }
  return Math.min(n - (n % COLUMN_STEP), Math.max(COLUMN_STEP, limit - (limit % COLUMN_STEP)));
}

/** Columns of a tile of `matvec`: whole rows of weights, bytesPerColumn each. */
export function streamColumns(n: number, bytesPerColumn: number, threadCount: number): number {
  const { least, most } = STREAM_TILE_BYTES;
  const balanced = (n * bytesPerColumn) / (TILES_PER_THREAD * threadCount);
  const tileBytes = Math.max(least, Math.min(most, balanced));
  return columnDivisor(n, Math.max(COLUMN_STEP, Math.floor(tileBytes / bytesPerColumn)));
}

/** Rows and columns of a tile of `matmul`: all rows, cut where there would be too few tiles. */
export function matmulTile(
  m: number,
  n: number,
  weights: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const columnsPerTile = columnDivisor(n, MATMUL_COLUMNS / weights);
  const columnTiles = Math.ceil(n / columnsPerTile);
  let rowTiles = 1;
  while (columnTiles * rowTiles < TILES_PER_THREAD * threadCount && m / rowTiles > 4 * ROW_STEP) rowTiles++;
  const rowsPerTile = Math.ceil(m / rowTiles / ROW_STEP) * ROW_STEP;
  return { rowsPerTile, columnsPerTile };
}

/** Rows and columns of a tile of a convolution: many rows, so all columns that fit the scratch block. */
export function convolutionTile(
  m: number,
  n: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const columnsPerTile = columnDivisor(n, CONVOLUTION_COLUMNS);
  const wanted = Math.ceil((m * Math.ceil(n / columnsPerTile)) / (TILES_PER_THREAD * threadCount));
  const rowsPerTile = Math.min(CONVOLUTION_ROWS, Math.ceil(wanted / ROW_STEP) * ROW_STEP);
  return { rowsPerTile, columnsPerTile };
}
