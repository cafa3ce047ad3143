/** Wall time of the two passes of one clip, planning and copies included. */
export interface EncodeTimings {
  readonly convStemMs: number;
  readonly encoderLayersMs: number;
}

/** Audio embeddings, as the decoder reads them. */
export interface Encoding {
  /** [tokens, hidden] f32, row-major. */
  readonly data: Float32Array;
  readonly tokens: number;
  readonly hidden: number;
  readonly timings: EncodeTimings;
}
