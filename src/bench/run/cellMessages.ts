import type { Ceilings } from '../../ops/operators.js';
import type { BackendChoice } from '../../transcribe/types.js';
import type { ModelCellPlan } from '../plan/benchPlan.js';
import type { WorkRecord } from '../schema/benchResult.js';
import type { RunRecord } from '../schema/runRecord.js';
import type { CellFacts } from './cellSession.js';

/** What a cell's own process is told; every request but `close` is answered. */
export type CellRequest =
  | { readonly request: 'open'; readonly plan: ModelCellPlan }
  | { readonly request: 'run' }
  | { readonly request: 'ceilings' }
  | { readonly request: 'close' };

/** What it says. `backend` comes by itself while it opens. */
export type CellAnswer =
  | { readonly answer: 'backend'; readonly choice: BackendChoice }
  | { readonly answer: 'open'; readonly facts: CellFacts }
  | { readonly answer: 'run'; readonly run: RunRecord; readonly work: readonly WorkRecord[] }
  | { readonly answer: 'ceilings'; readonly ceilings: Ceilings | null }
  | { readonly answer: 'error'; readonly code: string; readonly message: string };
