import { QwenAsrError } from '../error.js';
import { type ModelConfig, readModelConfig } from '../model/config.js';
import { type OpenFile, readModelDirectory } from '../model/modelDirectory.js';
import { countNonFinite, type ModelTensors } from '../model/modelTensors.js';
import { type CheckFinding, checkTensorList, identifyModel } from '../model/publishedModels.js';
import type { ModelFiles } from '../model/readModelFolder.js';
import { loadDecoderWeights, loadEncoderWeights } from '../model/weights.js';
import type { Parameter } from '../ops/parameter.js';
import { makePause } from '../runtime/nextTurn.js';
import { checkTokenizer } from './checkTokenizer.js';

/** What checkModelDirectory found. */
export interface CheckReport {
  /** The directory. */
  readonly source: string;
  /** For example `Qwen3-ASR-0.6B`; null when the tensors are not those of a published model. */
  readonly published: string | null;
  readonly findings: readonly CheckFinding[];
  /** True when no finding is an error. */
  readonly passed: boolean;
}

/** Damaged tensors named before the rest is only counted. */
const MOST_NAMED = 10;

/**
 * Verifies a model directory: files, names, shapes, dtypes, ids, and that every weight is a finite number. Says which
 * published model it is.
 *
 * @returns Also for a directory that is no usable model; then with findings of severity `error`.
 * @throws QwenAsrError `file` (missing or unreadable), `memory`, `aborted`.
 *
 * @example
 * const report = await checkModelDirectory('models/demo');
 * for (const { severity, message } of report.findings) console.log(`${severity}: ${message}`);
 */
export async function checkModelDirectory(
  directory: string,
  openFile?: OpenFile,
  signal?: AbortSignal,
): Promise<CheckReport> {
  let files: ModelFiles;
  try {
    files = await readModelDirectory(directory, openFile, signal);
  } catch (error) {
    return makeReport(directory, null, [modelFinding(error)]);
  }
  try {
    return await checkModelFiles(files, signal);
  } finally {
    files.release();
  }
}

/** The same for a model that was read already. */
export async function checkModelFiles(files: ModelFiles, signal?: AbortSignal): Promise<CheckReport> {
  const { tensors } = files;
  const findings: CheckFinding[] = [{ severity: 'ok', message: `files: ${files.fileNames.join(', ')}` }];
  const config = checkStructure(files, findings);
  const published = identifyModel(tensors);
  findings.push(...checkTensorList(tensors, published));
  if (config !== null) findings.push(...checkTokenizer(files, config));
  findings.push(...(await checkFinite(tensors, signal)));
  return makeReport(files.source, published?.name ?? null, findings);
}

/** Config and shapes, by the loader itself with a backend that takes nothing. */
function checkStructure(files: ModelFiles, findings: CheckFinding[]): ModelConfig | null {
  try {
    const config = readModelConfig(files.tensors, files.configJson);
    const backend = { weight: (parameter: Parameter) => parameter };
    loadEncoderWeights(files.tensors, config.encoder, config.decoder.hidden, backend);
    loadDecoderWeights(files.tensors, config.decoder, backend);
    const { encoder, decoder } = config;
    findings.push({
      severity: 'ok',
      message:
        `every tensor a model of ${encoder.layers} encoder layers (d_model ${encoder.dModel}) and ` +
        `${decoder.layers} decoder layers (hidden ${decoder.hidden}) needs is there, in its shape`,
    });
    if (files.configJson === undefined) {
      findings.push({
        severity: 'note',
        message: 'no config.json: the published constants are used',
      });
    }
    return config;
  } catch (error) {
    findings.push(modelFinding(error));
    return null;
  }
}

async function checkFinite(tensors: ModelTensors, signal: AbortSignal | undefined): Promise<CheckFinding[]> {
  const pause = makePause(`${tensors.source}: checking was aborted`, signal);
  const damaged: string[] = [];
  for (const parameter of tensors.byName.values()) {
    if (parameter.dtype === 'affine') continue; // its scales and biases were looked at when they were read
    await pause();
    const { count, firstIndex } = countNonFinite(parameter);
    if (count > 0) {
      damaged.push(
        `tensor ${parameter.name}: ${count} values are not finite, the first at element ${firstIndex}`,
      );
    }
  }
  const findings = damaged
    .slice(0, MOST_NAMED)
    .map((message): CheckFinding => ({ severity: 'error', message }));
  if (damaged.length > MOST_NAMED) {
    const message = `${damaged.length - MOST_NAMED} more tensors hold values that are not finite`;
    findings.push({ severity: 'error', message });
  }
  if (damaged.length === 0) {
    findings.push({ severity: 'ok', message: `all ${tensors.parameterCount} weights are finite` });
  }
  return findings;
}

/** What is wrong with the model becomes a finding; what kept us from looking is thrown on. */
function modelFinding(error: unknown): CheckFinding {
  if (error instanceof QwenAsrError && error.code === 'model') {
    return { severity: 'error', message: error.message };
  }
  throw error;
}

function makeReport(
  source: string,
  published: string | null,
  findings: readonly CheckFinding[],
): CheckReport {
  return {
    source,
    published,
    findings,
    passed: findings.every((finding) => finding.severity !== 'error'),
  };
}
