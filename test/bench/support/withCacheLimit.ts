import { QwenAsrError } from '../../../src/error.js';
import type { Backend, Scope } from '../../../src/ops/operators.js';
import { wrapBackend } from './wrapBackend.js';

/** A backend without memory for caches of more than `limit` sequences; writes down what was asked for. */
export function withCacheLimit(backend: Backend, limit: number, asked: number[] = []): Backend {
  return {
    ...wrapBackend(backend, {}),
    createScope(label): Scope {
      const scope = backend.createScope(label);
      return {
        tensor: (...what) => scope.tensor(...what),
        featureMap: (...what) => scope.featureMap(...what),
        release: () => scope.release(),
        kvCache(size) {
          asked.push(size.sequences);
          if (size.sequences > limit) throw new QwenAsrError('memory', 'kv cache: out of memory');
          return scope.kvCache(size);
        },
      };
    },
  };
}
