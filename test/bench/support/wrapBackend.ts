import type { Backend, Operators, Pass } from '../../../src/ops/operators.js';

/** What a wrapped backend does beside the backend itself. */
export interface BackendWatch {
  /** Sees the operators of every pass as it is planned. */
  readonly onPlan?: (label: string, build: (ops: Operators) => void) => void;
  /** Comes before every run of a pass. */
  readonly beforeRun?: (label: string) => Promise<void>;
}

/** A backend whose passes are watched by their labels. */
export function wrapBackend(backend: Backend, { onPlan, beforeRun }: BackendWatch): Backend {
  return {
    name: backend.name,
    isa: backend.isa,
    precision: backend.precision,
    threadCount: backend.threadCount,
    manyRows: (weight) => backend.manyRows(weight),
    get activationBytes() {
      return backend.activationBytes;
    },
    weight: (...args) => backend.weight(...args),
    placeWeights: (signal) => backend.placeWeights(signal),
    sameBytes: (a, b) => backend.sameBytes(a, b),
    forget: (bytes) => backend.forget(bytes),
    createScope: (label) => backend.createScope(label),
    measureCeilings: () => backend.measureCeilings(),
    close: () => backend.close(),
    plan(label, build, observer): Pass {
      const pass = backend.plan(
        label,
        (ops) => {
          build(ops);
          onPlan?.(label, build);
        },
        observer,
      );
      return {
        label,
        prepare: () => pass.prepare(),
        run: async (signal) => {
          await beforeRun?.(label);
          await pass.run(signal);
        },
      };
    },
  };
}
