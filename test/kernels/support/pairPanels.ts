/** Rows as products of tiles take their right factor: [rows of 16][pairs of K][16][2], zeros behind the last row. */
export function pairPanels(
  rows: Uint16Array,
  m: number,
  depth: number,
  strideElements: number,
): Uint16Array<ArrayBuffer> {
  const panels = new Uint16Array(Math.ceil(m / 16) * 16 * depth);
  for (let row = 0; row < m; row++) {
    for (let k = 0; k < depth; k++) {
      const panel = Math.floor(row / 16) * 16 * depth;
      panels[panel + (k >> 1) * 32 + (row % 16) * 2 + (k % 2)] = rows[row * strideElements + k]!;
    }
  }
  return panels;
}
