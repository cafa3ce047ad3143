/** Columns of a product are cut in multiples of this: a vector of the widest target. */
export const COLUMN_STEP = 16;

/**
 * Bytes of weights that one tile of a stream reads, at least and at most. Every tile begins with a claim, which all
 * participants see, and with lines that nothing has prefetched: of 48 KB to 4 MB measured in turns on two cores (0.6B, a
 * decode step), 96 KB took 41.5 ms, 384 KB 40.0 and 1 MB 37.2 (35 against 26 while the host left more bandwidth). Tiles
 * a participant matter less: 2 to 8 were alike, 1 was slower.
 */
const STREAM_TILE_BYTES = { least: 96 * 1024, most: 1024 * 1024 } as const;

/** Rows of a strip of products of tiles. */
const TILE_ROW_STEP = 32;

/** Rows and columns of a convolution's tile by products of tiles: C of all of them waits in scratch memory. */
export const CONVOLUTION_TILE_ROWS = 192;

/** Columns of a register block's scratch; with two weights half of them. */
const MATMUL_COLUMNS = 64;

/** Tiles of a convolution: measured on the 480-channel stem (800 × 480 × 4320). */
const CONVOLUTION_COLUMNS = 480;
const CONVOLUTION_ROWS = 48;

/** Columns of a convolution's tile whose weights are widened to a panel, and its rows. */
const CONVOLUTION_PANEL_COLUMNS = 96;
const CONVOLUTION_PANEL_ROWS = 192;

/** Rows of a tile at most: C of all of them may wait in scratch memory for the last segment of K. */
export const MOST_TILE_ROWS = 768;

/** A pass is balanced when an operator has several tiles a participant. */
const TILES_PER_THREAD = 6;

/** Rows of a tile are a multiple of every target's register tile (6 and 3). */
export const ROW_STEP = 12;

/** Largest divisor of n that is a multiple of the step and at most `limit`; n itself when it is no multiple of it. */
function columnDivisor(n: number, limit: number, step = COLUMN_STEP): number {
  const most = Math.max(step, limit - (limit % step));
  for (let columns = most; columns >= step; columns -= step) if (n % columns === 0) return columns;
  const whole = n - (n % step);
  return whole === 0 ? n - (n % COLUMN_STEP) : Math.min(whole, most);
}

/** Columns of a tile of `matvec`: whole rows of weights, bytesPerColumn each. @param step of the columns */
export function streamColumns(
  n: number,
  bytesPerColumn: number,
  threadCount: number,
  step = COLUMN_STEP,
): number {
  const { least, most } = STREAM_TILE_BYTES;
  const balanced = (n * bytesPerColumn) / (TILES_PER_THREAD * threadCount);
  const tileBytes = Math.max(least, Math.min(most, balanced));
  return columnDivisor(n, Math.max(step, Math.floor(tileBytes / bytesPerColumn)), step);
}

/** Rows and columns of a tile of `matmul`: all rows, cut where there would be too few tiles. */
export function matmulTile(
  m: number,
  n: number,
  weights: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const columnsPerTile = columnDivisor(n, MATMUL_COLUMNS / weights);
  return { rowsPerTile: cutRows(m, Math.ceil(n / columnsPerTile), threadCount), columnsPerTile };
}

/**
 * The same by way of panels in f32: with two weights of 32 columns each, 6 × 2 sums would ask twice of the second cache what
 * 6 × 4 do, and products take a sixth longer on an Emerald Rapids.
 */
export function widenedTile(
  m: number,
  n: number,
  _weights: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  return matmulTile(m, n, 1, threadCount);
}

/** Columns of a tile of products of tiles: two tiles' at least. */
const TILE_PRODUCT_COLUMNS = { least: 32, most: 64 } as const;

/**
 * Bytes of a weight that a tile of products of tiles reads: with the next tile's and all rows of A they stay in the second
 * cache. On an Emerald Rapids products of 3072 and 3584 elements take 0.91 to 0.96 of the time with 32 columns that they
 * take with 64, of 2048 0.97 to 0.99, of 896 and 1024 0.99 to 1.06.
 */
const TILE_PRODUCT_BYTES = 128 * 1024;

/** Rows and columns of a tile of `matmul` by products of tiles. */
export function tileProductTile(
  m: number,
  n: number,
  bStrideBytes: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const { least, most } = TILE_PRODUCT_COLUMNS;
  const columns = Math.floor(TILE_PRODUCT_BYTES / bStrideBytes);
  const columnsPerTile = columnDivisor(n, Math.max(least, Math.min(most, columns)));
  const rowsPerTile = cutRows(m, Math.ceil(n / columnsPerTile), threadCount);
  return inStripsOfTiles({ rowsPerTile, columnsPerTile });
}

/** With rows that are whole strips of products of tiles. */
function inStripsOfTiles({
  rowsPerTile,
  columnsPerTile,
}: {
  readonly rowsPerTile: number;
  readonly columnsPerTile: number;
}): { rowsPerTile: number; columnsPerTile: number } {
  return { rowsPerTile: Math.ceil(rowsPerTile / TILE_ROW_STEP) * TILE_ROW_STEP, columnsPerTile };
}

/** The same of a convolution: all columns, whose weights pass once for as many rows as C has room for. */
export function tileConvolutionTile(
  m: number,
  n: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const wanted = Math.ceil(m / (TILES_PER_THREAD * threadCount));
  const rowsPerTile = Math.min(CONVOLUTION_TILE_ROWS, Math.ceil(wanted / TILE_ROW_STEP) * TILE_ROW_STEP);
  return { rowsPerTile, columnsPerTile: n };
}

/** Columns of a tile of packed blocks: what a register tile has, which stays in the first cache from strip to strip. */
const BLOCK_TILE_COLUMNS = 32;

/** Rows and columns of a tile of `matmul` over packed blocks. */
export function blockTile(
  m: number,
  n: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const columnsPerTile = columnDivisor(n, BLOCK_TILE_COLUMNS, BLOCK_TILE_COLUMNS);
  const tiles = Math.ceil(n / columnsPerTile);
  return { rowsPerTile: cutRows(m, tiles, threadCount), columnsPerTile };
}

/** The same by products of tiles with widened blocks. */
export function affineTile(
  m: number,
  n: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  return inStripsOfTiles(blockTile(m, n, threadCount));
}

/** Rows of a tile where `columnTiles` lie beside each other: all, or fewer so that there are enough tiles. */
function cutRows(m: number, columnTiles: number, threadCount: number): number {
  let rowTiles = 1;
  while (columnTiles * rowTiles < TILES_PER_THREAD * threadCount && m / rowTiles > 4 * ROW_STEP) rowTiles++;
  rowTiles = Math.max(rowTiles, Math.ceil(m / MOST_TILE_ROWS));
  return Math.ceil(m / rowTiles / ROW_STEP) * ROW_STEP;
}

/** Rows of a tile of a convolution of blocks: what they read of the map stays in the second cache. */
const CONVOLUTION_BLOCK_ROWS = 192;

/** Rows and columns of a tile of a convolution with packed blocks: the weights of a register tile, and many rows. */
export function blockConvolutionTile(
  m: number,
  n: number,
  threadCount: number,
): { rowsPerTile: number; columnsPerTile: number } {
  const columnsPerTile = Math.min(n, BLOCK_TILE_COLUMNS);
  const wanted = Math.ceil((m * Math.ceil(n / columnsPerTile)) / (TILES_PER_THREAD * threadCount));
  return {
    rowsPerTile: Math.min(CONVOLUTION_BLOCK_ROWS, Math.ceil(wanted / ROW_STEP) * ROW_STEP),
    columnsPerTile,
  };
}

/** Rows and columns of a tile of a convolution: many rows, so all columns that fit the scratch block, or a panel. */
export function convolutionTile(
  m: number,
  n: number,
  threadCount: number,
  panels: boolean,
): { rowsPerTile: number; columnsPerTile: number } {
  const columnsPerTile = columnDivisor(n, panels ? CONVOLUTION_PANEL_COLUMNS : CONVOLUTION_COLUMNS);
  const wanted = Math.ceil((m * Math.ceil(n / columnsPerTile)) / (TILES_PER_THREAD * threadCount));
  const most = panels ? CONVOLUTION_PANEL_ROWS : CONVOLUTION_ROWS;
  const rowsPerTile = Math.min(most, Math.ceil(wanted / ROW_STEP) * ROW_STEP);
  return { rowsPerTile, columnsPerTile };
}
