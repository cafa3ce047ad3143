/**
 * One line on a backend with more threads than there are CPUs for them; null where each can have one.
 *
 * @param cpus logical CPUs allowed to the process
 */
export function crowdingNote(threadCount: number, cpus: number): string | null {
  if (threadCount <= cpus) return null;
  const available = `more threads (-t) than the ${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'} available`;
  return `${available}: they take turns, and nothing is computed sooner`;
}
