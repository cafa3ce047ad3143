import { printableLine } from '../../printable.js';
import type { BenchPlan } from '../plan/benchPlan.js';

/** What `--dry-run` prints: how much would be measured, and every cell of it. */
export function formatPlan({ cells, runs, warmup, budgetMs, kind }: BenchPlan): string {
  const count = `${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`;
  const each = runs === null ? 'as many runs as fit' : `${runs} run(s) each`;
  const before = warmup === 'auto' ? 'warm-up until steady' : `${warmup} before them to warm up`;
  const within = budgetMs === null ? '' : `, within ${budgetMs / 1000} s`;
  const lines = cells.map((cell) => {
    if (cell.kind === 'command') return `  ${cell.command}`;
    return kind === 'comparison' ? `  ${cell.label}` : `  ${cell.id}`;
  });
  return `${count}, ${each}, ${before}${within}\n${lines.map(printableLine).join('\n')}\n`;
}
