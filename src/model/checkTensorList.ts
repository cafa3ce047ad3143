import { describeShape, quote } from './describe.js';
import type { ModelTensors } from './modelTensors.js';
import { PUBLISHED_MODELS, type PublishedModel, publishedTensors } from './publishedModels.js';
import { canonicalName, checkpointName } from './tensorNames.js';

/** `ok`: verified. `note`: worth knowing. `warning`: works, but not as published. `error`: cannot work or is damaged. */
export type CheckSeverity = 'ok' | 'note' | 'warning' | 'error';

/** One line of a check. */
export interface CheckFinding {
  readonly severity: CheckSeverity;
  readonly message: string;
}

/** Differences named before the rest is only counted. */
const MOST_NAMED = 10;

/** A directory that has this part of a published model's tensors, in their shapes, is taken for a damaged copy of it. */
const DAMAGED_COPY_SHARE = 0.5;

/**
 * Compares a model's tensors with the published lists: names, shapes, dtypes, tensors that belong to nothing.
 *
 * @param published The list that identifyModel found to agree, or null.
 *
 * @example
 * checkTensorList(files.tensors, identifyModel(files.tensors));
 */
export function checkTensorList(tensors: ModelTensors, published: PublishedModel | null): CheckFinding[] {
  const findings = [dtypeFinding(tensors, published)];
  if (published !== null) {
    const count = publishedTensors(published).length;
    findings.push({
      severity: 'ok',
      message: `this is ${published.name}: the names and shapes of its ${count} tensors agree`,
    });
    if (!tensors.has('lm_head.weight')) {
      findings.push({ severity: 'note', message: 'no stored lm_head: the embedding serves as one' });
    }
  } else {
    findings.push(...differencesFromNearest(tensors));
  }
  if (tensors.layout === 'hf')
    findings.push({ severity: 'note', message: 'tensors are named as in -hf checkpoints' });
  if (tensors.unknownNames.length > 0) {
    const first = quote(tensors.unknownNames[0] ?? '');
    findings.push({
      severity: 'warning',
      message: `${tensors.unknownNames.length} tensors are no part of the model and are ignored, first ${first}`,
    });
  }
  return findings;
}

function dtypeFinding(tensors: ModelTensors, published: PublishedModel | null): CheckFinding {
  const counts = new Map<string, number>();
  const count = (dtype: string) => counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  for (const parameter of tensors.byName.values()) {
    count(parameter.dtype === 'affine' ? `of ${parameter.bits} bits` : parameter.dtype.toUpperCase());
  }
  for (const { dtype } of tensors.unsupported.values()) count(quote(dtype));
  const list = [...counts].map(([dtype, tensorCount]) => `${tensorCount} ${dtype}`).join(', ');
  const asPublished = counts.size === 1 && counts.has('BF16');
  return published === null || asPublished
    ? { severity: 'ok', message: `dtypes: ${list}` }
    : { severity: 'warning', message: `dtypes: expected BF16 throughout as published, found ${list}` };
}

function differencesFromNearest(tensors: ModelTensors): CheckFinding[] {
  const candidates = PUBLISHED_MODELS.map((model) => compare(tensors, model));
  const nearest = candidates.reduce((best, candidate) => (candidate.share > best.share ? candidate : best));
  if (nearest.share < DAMAGED_COPY_SHARE) {
    const names = PUBLISHED_MODELS.map((model) => model.name).join(' nor ');
    return [{ severity: 'note', message: `neither ${names}: a model of other sizes` }];
  }
  const findings: CheckFinding[] = nearest.differences
    .slice(0, MOST_NAMED)
    .map((difference) => ({ severity: 'warning', message: `unlike ${nearest.name}: ${difference}` }));
  const more = nearest.differences.length - MOST_NAMED;
  if (more > 0)
    findings.push({ severity: 'warning', message: `unlike ${nearest.name}: ${more} more differences` });
  return findings;
}

/** `share` of the published tensors that are there in their shapes, and what differs. */
function compare(
  tensors: ModelTensors,
  model: PublishedModel,
): { name: string; share: number; differences: string[] } {
  const differences: string[] = [];
  const expectedNames = new Set<string>();
  const expected = publishedTensors(model);
  let agreeing = 0;
  for (const { name, shape } of expected) {
    const canonical = canonicalName(name, 'original') ?? name;
    expectedNames.add(canonical);
    const shownName = checkpointName(canonical, tensors.layout);
    const found = tensors.byName.get(canonical) ?? tensors.unsupported.get(canonical);
    if (found === undefined) {
      if (canonical !== 'lm_head.weight') differences.push(`tensor ${shownName} is missing`);
    } else if (describeShape(found.shape) === describeShape(shape)) agreeing++;
    else {
      differences.push(
        `tensor ${shownName}: expected shape ${describeShape(shape)}, found ${describeShape(found.shape)}`,
      );
    }
  }
  for (const [canonical, { name }] of [...tensors.byName, ...tensors.unsupported]) {
    if (!expectedNames.has(canonical)) differences.push(`tensor ${quote(name)} is not in its list`);
  }
  return { name: model.name, share: agreeing / expected.length, differences };
}
