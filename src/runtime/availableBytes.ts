import { freemem, totalmem } from 'node:os';
import { constrainedMemory, memoryUsage } from 'node:process';

/** Memory that the system could give, but no more than what the container's limit leaves. */
export function availableBytes(): number {
  const limit = constrainedMemory() ?? 0;
  const limited = limit > 0 && limit < totalmem();
  return limited ? Math.min(freemem(), limit - memoryUsage.rss()) : freemem();
}
