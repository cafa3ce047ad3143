import type { CorpusScore } from '../accuracy/scoreCorpus.js';
import type { TranscriptScore } from '../accuracy/scoreTranscript.js';
import type { PhaseName } from '../phases.js';
import type { IndependentComparison } from '../statistics/compareIndependent.js';
import type { PairedComparison } from '../statistics/comparePaired.js';
import type { Drift } from '../statistics/driftTest.js';
import type { Summary } from '../statistics/summarize.js';
import type { EnvironmentRecord, MachineRecord } from './machineRecord.js';
import type { PeakMemory, RunRecord } from './runRecord.js';

/*
 * The one document that qwen_asr_bench writes, whatever it measured; schemas/bench-result-v1.schema.json is its
 * formal description and docs/bench-schema.md explains it. Within a version fields and enumerated words are only
 * ever added, so a reader of version 1 ignores what it does not know; a change of meaning raises the version.
 */

export const BENCH_RESULT_SCHEMA = 'qwen-asr-bench-result';
export const BENCH_RESULT_VERSION = 1;

/** The whole document. */
export interface BenchResult {
  readonly schema: typeof BENCH_RESULT_SCHEMA;
  readonly version: typeof BENCH_RESULT_VERSION;
  /** What the user asked for; says what to show first, nothing about which fields are there. */
  readonly kind: 'benchmark' | 'sweep' | 'comparison' | 'ceilings';
  readonly tool: ToolRecord;
  /** ISO 8601, UTC: when the measurement began. */
  readonly createdAt: string;
  /** The arguments after the program's name. */
  readonly commandLine: readonly string[];
  /** False when a signal, a time budget or an error ended it early: what is here was finished all the same. */
  readonly complete: boolean;
  readonly machine: MachineRecord;
  readonly environment: EnvironmentRecord | null;
  /** Cells name them by `id`. */
  readonly models: readonly ModelRecord[];
  readonly audio: readonly AudioRecord[];
  readonly ceilings: readonly CeilingsRecord[];
  readonly cells: readonly CellRecord[];
  readonly comparisons: readonly ComparisonRecord[];
  /** Several recordings with one setting taken together; computed from the cells, absent in older files. */
  readonly sets?: readonly SetRecord[];
  /** All recordings with a reference, each by its first cell; null for fewer than two, or when their metrics differ. */
  readonly accuracy: CorpusScore | null;
  /** Things to know when reading the numbers, one sentence each. */
  readonly notes: readonly string[];
  readonly errors: readonly ErrorRecord[];
}

export interface ToolRecord {
  readonly name: string;
  readonly version: string;
  /** Full commit id of the checkout it ran from; null for an installed package. */
  readonly commit: string | null;
}

export interface ModelRecord {
  /** Unique in the document, for example `m0`. */
  readonly id: string;
  /** As the user wrote it: a directory, or `synthetic:SIZE:SEED`. */
  readonly source: string;
  readonly synthetic: boolean;
  readonly published: string | null;
  readonly parameters: number | null;
  readonly weightBytes: number | null;
  readonly encoderLayers: number | null;
  readonly decoderLayers: number | null;
  /** `hashModel`: SHA-256, hex, of name, size and pieces of every *.safetensors file, or of the synthetic name. */
  readonly hash: string | null;
}

export interface AudioRecord {
  /** Unique in the document, for example `a0`. */
  readonly id: string;
  /** Null for silence. */
  readonly path: string | null;
  readonly durationMs: number;
  /** SHA-256, hex, of the 16 kHz mono samples as little-endian f32 (`hashSamples`). */
  readonly hash: string | null;
}

/** What the machine itself reaches; null where the processor has no such instruction. */
export interface CeilingRates {
  readonly readBytesPerSecond: number;
  readonly f32FlopsPerSecond: number;
  readonly bf16FlopsPerSecond: number | null;
  readonly int8OpsPerSecond: number | null;
  /** Bits that the vector units multiply at a time; null where it was not measured, absent in older files. */
  readonly datapathBits?: number | null;
}

/** The same measured on these threads: the medians of `samples`. */
export interface CeilingsRecord extends CeilingRates {
  readonly threads: number;
  readonly backend: string;
  readonly isa: string;
  /** Every measurement, before and after the runs; left out by versions that measured once. */
  readonly samples?: readonly CeilingRates[];
}

/** Everything that was chosen for a cell. Two cells may be compared when these agree. */
export interface CellSettings {
  /** `command`: another engine's command line, of which only the outside is known. */
  readonly mode: 'pipeline' | 'encoder' | 'command';
  /** Ids of `models` and `audio`; no model for a command. */
  readonly model: string | null;
  readonly audio: string | null;
  /** As resolved, never `auto`; null where a command does not tell. */
  readonly threads: number | null;
  readonly backend: string | null;
  readonly isa: string | null;
  readonly precision: string | null;
  /** Measured runs that were asked for. */
  readonly runs: number;
  readonly warmup: number | 'auto';
  /** Tokens that every run, of cut audio every segment, was made to decode; null when the model decided. */
  readonly exactTokens: number | null;
  readonly language: string | null;
  /** Seconds of a segment; null when the audio was not cut. */
  readonly segmentSeconds: number | null;
  /** Segments decoded side by side at most; 1 when the audio was not cut. */
  readonly batch: number;
  /** Silence was left out; absent in older files: it was not. */
  readonly skipSilence?: boolean;
  /** Pause between runs. */
  readonly delayMs: number;
  /** The cell had a process of its own. */
  readonly isolated: boolean;
  readonly command: string | null;
}

/** One setting and its runs. */
export interface CellRecord {
  /** Unique in the document; the axes that vary, such as `t=2 s=5`, or `base`. */
  readonly id: string;
  readonly settings: CellSettings;
  /** What was done once, before the first run. */
  readonly setup: SetupRecord;
  /** Mel frames that go into the encoder; null when unknown. */
  readonly frames: number | null;
  readonly warmups: readonly RunRecord[];
  /** The measured runs, in the order they were made, every one of them. */
  readonly runs: readonly RunRecord[];
  /** Whether the warm-up reached a steady state; null when it was not asked to. */
  readonly steady: boolean | null;
  readonly drift: Drift | null;
  /** The runs summed up by metric (`METRICS`), for readers without statistics; filled in by `finishCell`. */
  readonly summary: Readonly<Record<string, Summary>> | null;
  readonly accuracy: AccuracyRecord | null;
  /** Arithmetic and memory traffic of one run, by phase; empty when unknown. */
  readonly work: readonly WorkRecord[];
  readonly complete: boolean;
  /** Why there are fewer runs than planned, in one line; null when nothing went wrong. */
  readonly error: string | null;
  readonly notes: readonly string[];
}

/** Recordings that were measured with one setting. */
export interface SetRecord {
  /** Ids of cells, one a recording. */
  readonly cells: readonly string[];
  /** Sum over the recordings. */
  readonly audioMs: number;
  /** Sum over the recordings in each round that all of them have run. */
  readonly totalsMs: readonly number[];
  /** Error rates of those with a reference text: one entry for `wer`, one for `cer`, as far as each is customary. */
  readonly accuracy: readonly CorpusScore[];
  /** `total` and `rt_factor` (total ÷ audio), as those of a cell. */
  readonly summary: Readonly<Record<string, Summary>>;
}

export interface SetupRecord {
  readonly loadMs: number | null;
  readonly audioDecodeMs: number | null;
  readonly resampleMs: number | null;
  readonly memory: PeakMemory | null;
}

/** How well the transcript of the cell's first run matches the reference. */
export interface AccuracyRecord extends TranscriptScore {
  /** Path of the reference text. */
  readonly reference: string;
  readonly language: string | null;
}

/** What one run of a phase has to do: its place on the roofline is this and the phase's time. */
export interface WorkRecord {
  readonly phase: PhaseName;
  readonly flops: number | null;
  readonly bytes: number | null;
  /** The ceiling of its arithmetic. */
  readonly arithmetic: 'f32' | 'bf16' | 'int8';
}

/** B against A by one metric. */
export type ComparisonRecord = PairedRecord | IndependentRecord;

interface ComparedCells {
  /** Ids of cells. */
  readonly a: string;
  readonly b: string;
  /** How the sides are called in the output, for example `-t 2`. */
  readonly labelA: string;
  readonly labelB: string;
  /** A name of `METRICS`. */
  readonly metric: string;
  /** All rounds decoded the same tokens; null when one side tells none. */
  readonly sameTokens: boolean | null;
}

export interface PairedRecord extends ComparedCells {
  readonly design: 'paired';
  /** Which side ran first, by round. */
  readonly orders: readonly ('ab' | 'ba')[];
  /** Null with fewer than two rounds. */
  readonly outcome: PairedComparison | null;
}

export interface IndependentRecord extends ComparedCells {
  readonly design: 'independent';
  readonly outcome: IndependentComparison | null;
  /** The p-value after Holm's correction over the cells, where several were compared; the verdict heeds it. */
  readonly correctedPValue?: number;
}

export interface ErrorRecord {
  /** Cell it happened in; null when in none. */
  readonly cell: string | null;
  readonly message: string;
}
