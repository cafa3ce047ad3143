import { QwenAsrError } from '../error.js';
import type { Backend } from '../ops/operators.js';
import { createReferenceBackend } from '../ops/reference/referenceBackend.js';
import type { LoadOptions } from './types.js';

/**
 * The backend that the options ask for.
 *
 * @throws QwenAsrError `usage` for a thread count below 1; `unsupported` for arithmetic that is not available here
 */
export function chooseBackend(options: LoadOptions): Backend {
  const { threads, backend = 'auto', precision = 'auto', isa = 'auto' } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new QwenAsrError('usage', `threads: expected a whole number of at least 1, found ${threads}`);
  }
  const offered = createReferenceBackend();
  if (backend !== 'auto' && backend !== offered.name) throw unsupported('backend', offered.name, backend);
  if (precision !== 'auto' && precision !== offered.precision) {
    throw unsupported('precision', offered.precision, precision);
  }
  if (isa !== 'auto' && isa !== offered.isa) throw unsupported('isa', offered.isa, isa);
  return offered;
}

function unsupported(option: string, offered: string, found: string): QwenAsrError {
  return new QwenAsrError(
    'unsupported',
    `${option}: expected auto or ${offered}, found ${JSON.stringify(found)}`,
  );
}
