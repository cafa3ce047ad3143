import type { Backend } from '../ops/operators.js';

/** What was asked of a backend, and why it is not so. */
interface ThreadRequest {
  /** undefined: as many as suit the machine. */
  readonly asked: number | undefined;
  /** Why the system gave fewer; null where it did not. */
  readonly refusal: string | null;
}

/** One line on a backend that computes on fewer threads than it should; null where there are enough. */
export function threadNote(
  { name, threadCount }: Pick<Backend, 'name' | 'threadCount'>,
  { asked, refusal }: ThreadRequest,
): string | null {
  const wanted = asked !== undefined && asked > threadCount;
  if (!wanted && refusal === null) return null;
  const threads = `${threadCount} thread${threadCount === 1 ? '' : 's'}`;
  const fact = `the ${name} backend runs on ${threads}${wanted ? `, not ${asked}` : ''}`;
  return refusal === null ? fact : `${fact}: ${refusal}`;
}
