/** Data type of the published checkpoints; every tensor has it. */
export type PublishedDtype = 'BF16';

/**
 * One line of a published tensor list: name (`#` stands for a layer number), number of layers (0 for a tensor that is
 * not in a layer), shape, dtype.
 */
export type PublishedRow = readonly [
  name: string,
  layers: number,
  shape: readonly number[],
  dtype: PublishedDtype,
];

/** The tensors of a published checkpoint, as data that does not depend on the loader. */
export interface PublishedModel {
  /** For example `Qwen3-ASR-0.6B`. */
  readonly name: string;
  /** Where it is published. */
  readonly repository: string;
  readonly rows: readonly PublishedRow[];
}

/** One tensor of a published checkpoint. */
export interface PublishedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: PublishedDtype;
}

/**
 * The list with every layer written out.
 *
 * @example
 * publishedTensors(qwen3Asr06B).length; // 612
 */
export function publishedTensors(model: PublishedModel): PublishedTensor[] {
  return model.rows.flatMap(([name, layers, shape, dtype]) =>
    layers === 0
      ? [{ name, shape, dtype }]
      : Array.from({ length: layers }, (_, layer) => ({
          name: name.replace('#', String(layer)),
          shape,
          dtype,
        })),
  );
}
