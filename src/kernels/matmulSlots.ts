/** Argument structure of the matrix kernels, in 8-byte slots: pointers, then numbers. */
export const MATMUL_SLOTS = {
  x: 0,
  weight: 1,
  /** Second weight of SwiGLU. */
  weight2: 2,
  y: 3,
  bias: 4,
  residual: 5,
  /** [M] pairs of i32: byte offset of a row in x, and in y. */
  table: 6,
  /** Rows of x. */
  m: 7,
  /** Tiles down M. */
  mTiles: 8,
  /** Rows of one of them. */
  rowsPerTile: 9,
  /** Largest offset that the table may hold for x, and for y. */
  lastX: 10,
  lastY: 11,
} as const;

/** The slots that only some products use; a product names those that it does. */
export const UNUSED_MATMUL_SLOTS = {
  weight2: 0,
  bias: 0,
  residual: 0,
  table: 0,
  mTiles: 1,
  rowsPerTile: 0,
  lastX: 0,
  lastY: 0,
} as const;
