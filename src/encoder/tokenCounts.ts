/** Every convolution of the stem has stride 2, padding 1 and a 3-wide filter: n inputs give ⌈n/2⌉ outputs. */
export function halved(length: number): number {
  return Math.ceil(length / 2);
}

/** Tokens of one chunk of `frames` mel frames (0 for none): the three halvings of the conv stem. */
export function chunkTokenCount(frames: number): number {
  return halved(halved(halved(frames)));
}

/**
 * Audio tokens of a clip: every full chunk gives {@link chunkTokenCount}(chunkFrames) = 13, the tail what its own frames
 * give, although it is convolved at full width.
 *
 * @param frames mel frames of 10 ms
 * @param chunkFrames frames of a full chunk; 100 in the published models (2 · n_window)
 * @example
 * audioTokenCount(500); // 65
 */
export function audioTokenCount(frames: number, chunkFrames = 100): number {
  const chunks = Math.floor(frames / chunkFrames);
  return chunks * chunkTokenCount(chunkFrames) + chunkTokenCount(frames % chunkFrames);
}
