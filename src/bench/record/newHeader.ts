import { captureEnvironment, captureMachine } from '../environment/captureMachine.js';
import { gitCommit } from '../environment/provenance.js';
import { BENCH_RESULT_SCHEMA, BENCH_RESULT_VERSION, type BenchResult } from '../schema/benchResult.js';
import type { BenchHeader } from './benchEvent.js';

/**
 * The header of a measurement that begins now, on this machine.
 *
 * @param commandLine the arguments after the program's name
 * @param version of qwen-asr
 */
export function newHeader(
  kind: BenchResult['kind'],
  { commandLine, version }: { readonly commandLine: readonly string[]; readonly version: string },
): BenchHeader {
  return {
    schema: BENCH_RESULT_SCHEMA,
    version: BENCH_RESULT_VERSION,
    kind,
    tool: { name: 'qwen_asr_bench', version, commit: gitCommit() },
    createdAt: new Date().toISOString(),
    commandLine,
    machine: captureMachine(),
    environment: captureEnvironment(),
  };
}
