/*
 * Tensors go by one name inside this project: the original checkpoint's, without its leading `thinker.`.
 * This file is the only one that knows how the two published layouts spell them.
 */

/** `original`: Qwen/Qwen3-ASR-*. `hf`: the same converted for the transformers library (`-hf`). */
export type TensorLayout = 'original' | 'hf';

type NamePrefixes = Readonly<Record<'canonical' | TensorLayout, string>>;

/** Rows are tried from the top, so the two projection layers come before the tower they belong to. */
const PREFIXES: readonly NamePrefixes[] = [
  {
    canonical: 'audio_tower.proj1.',
    original: 'thinker.audio_tower.proj1.',
    hf: 'model.multi_modal_projector.linear_1.',
  },
  {
    canonical: 'audio_tower.proj2.',
    original: 'thinker.audio_tower.proj2.',
    hf: 'model.multi_modal_projector.linear_2.',
  },
  { canonical: 'audio_tower.', original: 'thinker.audio_tower.', hf: 'model.audio_tower.' },
  { canonical: 'model.', original: 'thinker.model.', hf: 'model.language_model.' },
  { canonical: 'lm_head.', original: 'thinker.lm_head.', hf: 'lm_head.' },
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
 * Which layout a checkpoint has: the one that knows more of its names; null when neither knows any.
 *
 * @example
 * detectLayout(['thinker.model.norm.weight']); // original
 */
export function detectLayout(names: Iterable<string>): TensorLayout | null {
  let original = 0;
  let hf = 0;
  for (const name of names) {
    if (canonicalName(name, 'original') !== null) original++;
    if (canonicalName(name, 'hf') !== null) hf++;
  }
  if (original === 0 && hf === 0) return null;
  return original >= hf ? 'original' : 'hf';
}

function translate(name: string, from: keyof NamePrefixes, to: keyof NamePrefixes): string | null {
  const row = PREFIXES.find((prefixes) => name.startsWith(prefixes[from]));
  return row === undefined ? null : row[to] + name.slice(row[from].length);
}
