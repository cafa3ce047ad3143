/*
 * Tensors go by one name inside this project: the original checkpoint's, without its leading `thinker.`.
 * This file is the only one that knows how the published layouts spell them.
 */

/**
 * `original`: Qwen/Qwen3-ASR-*. `hf`: the same converted for the transformers library (`-hf`). `mlx`: as MLX's converters
 * write it, without `thinker.`, and with convolutions as [out, kh, kw, in].
 */
export type TensorLayout = 'original' | 'hf' | 'mlx';

export const TENSOR_LAYOUTS: readonly TensorLayout[] = ['original', 'hf', 'mlx'];

type NamePrefixes = Readonly<Record<'canonical' | TensorLayout, string>>;

/** Rows are tried from the top, so the two projection layers come before the tower they belong to. */
const PREFIXES: readonly NamePrefixes[] = [
  {
    canonical: 'audio_tower.proj1.',
    original: 'thinker.audio_tower.proj1.',
    hf: 'model.multi_modal_projector.linear_1.',
    mlx: 'audio_tower.proj1.',
  },
  {
    canonical: 'audio_tower.proj2.',
    original: 'thinker.audio_tower.proj2.',
    hf: 'model.multi_modal_projector.linear_2.',
    mlx: 'audio_tower.proj2.',
  },
  {
    canonical: 'audio_tower.',
    original: 'thinker.audio_tower.',
    hf: 'model.audio_tower.',
    mlx: 'audio_tower.',
  },
  // Part by part, so that `model.` alone does not make an `-hf` name one of MLX's.
  ...['model.embed_tokens.', 'model.layers.', 'model.norm.'].map((part) => ({
    canonical: part,
    original: `thinker.${part}`,
    hf: `model.language_${part}`,
    mlx: part,
  })),
  { canonical: 'lm_head.', original: 'thinker.lm_head.', hf: 'lm_head.', mlx: 'lm_head.' },
];

/**
 * The project's name of a checkpoint tensor, or null when the layout has no such part.
 *
 * @example
 * canonicalName('model.multi_modal_projector.linear_1.bias', 'hf'); // audio_tower.proj1.bias
 */
export function canonicalName(checkpointName: string, layout: TensorLayout): string | null {
  return translate(checkpointName, layout, 'canonical');
}

/**
 * A tensor's name in checkpoints of the given layout.
 *
 * @example
 * checkpointName('model.norm.weight', 'original'); // thinker.model.norm.weight
 */
export function checkpointName(canonical: string, layout: TensorLayout): string {
  return translate(canonical, 'canonical', layout) ?? canonical;
}

/**
 * Which layout a checkpoint has: the one that knows most of its names, the earlier one of equals; null when none knows
 * any.
 *
 * @example
 * detectLayout(['thinker.model.norm.weight']); // original
 */
export function detectLayout(names: Iterable<string>): TensorLayout | null {
  const list = [...names];
  const known = TENSOR_LAYOUTS.map(
    (layout) => list.filter((name) => canonicalName(name, layout) !== null).length,
  );
  const most = Math.max(...known);
  return most === 0 ? null : TENSOR_LAYOUTS[known.indexOf(most)]!;
}

function translate(name: string, from: keyof NamePrefixes, to: keyof NamePrefixes): string | null {
  const row = PREFIXES.find((prefixes) => name.startsWith(prefixes[from]));
  return row === undefined ? null : row[to] + name.slice(row[from].length);
}
