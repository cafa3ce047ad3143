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
} as const;

export const MATMUL_SLOT_COUNT = 10;
