/** Processor time of this process so far. Not the clock's, because the machine may be busy with other things. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
