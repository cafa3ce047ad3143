/** The sizes that kernels meet in a model. */
export interface ModelShapes {
  readonly name: '0.6b' | '1.7b' | 'demo';
  readonly encoder: {
    readonly dModel: number;
    readonly heads: number;
    readonly feedForward: number;
    /** Channels of the conv stem. */
    readonly channels: number;
    readonly windowTokens: number;
  };
  readonly decoder: {
    readonly hidden: number;
    readonly intermediate: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
    readonly vocabulary: number;
  };
}

/** The published models, read off the tensors of their checkpoints, and the bundled one (models/demo/config.json). */
export const MODEL_SHAPES: readonly ModelShapes[] = [
  {
    name: '0.6b',
    encoder: { dModel: 896, heads: 14, feedForward: 3584, channels: 480, windowTokens: 104 },
    decoder: { hidden: 1024, intermediate: 3072, heads: 16, kvHeads: 8, headDim: 128, vocabulary: 151936 },
  },
  {
    name: '1.7b',
    encoder: { dModel: 1024, heads: 16, feedForward: 4096, channels: 480, windowTokens: 104 },
    decoder: { hidden: 2048, intermediate: 6144, heads: 16, kvHeads: 8, headDim: 128, vocabulary: 151936 },
  },
  {
    name: 'demo',
    encoder: { dModel: 192, heads: 3, feedForward: 768, channels: 32, windowTokens: 104 },
    decoder: { hidden: 256, intermediate: 640, heads: 4, kvHeads: 2, headDim: 64, vocabulary: 1967 },
  },
];

/** Rows of the feature maps before and after each of the three convolutions. */
export const STEM_HEIGHTS = [128, 64, 32, 16] as const;

/** Columns of the same in a full chunk. */
export const STEM_WIDTHS = [100, 50, 25, 13] as const;

/** One product of a layer: y[M, n] = act(x[M, depth] · weightᵀ + bias) + residual. */
export interface LinearShape {
  /** Of the weight, as checkpoints call it. */
  readonly name: string;
  readonly n: number;
  readonly depth: number;
  readonly bias: boolean;
  /** `swiglu`: two weights of this shape. */
  readonly activation: 'none' | 'gelu' | 'swiglu';
  /** `self`: y is added to. */
  readonly residual: 'none' | 'self' | 'other';
  /** Whether y is read by another product, or stays f32. */
  readonly yIsOperand: boolean;
}

const PLAIN = { bias: false, activation: 'none', residual: 'none', yIsOperand: false } as const;

/** Every matrix product of the encoder but the convolutions. */
export function encoderLinears(model: ModelShapes): LinearShape[] {
  const { dModel, feedForward, channels } = model.encoder;
  const square = { n: dModel, depth: dModel };
  const features = channels * STEM_HEIGHTS[3];
  return [
    { ...PLAIN, name: 'conv_out', n: dModel, depth: features, residual: 'other' },
    { ...PLAIN, name: 'encoder q_proj', ...square, bias: true, yIsOperand: true },
    { ...PLAIN, name: 'out_proj', ...square, bias: true, residual: 'self' },
    {
      ...PLAIN,
      name: 'fc1',
      n: feedForward,
      depth: dModel,
      bias: true,
      activation: 'gelu',
      yIsOperand: true,
    },
    { ...PLAIN, name: 'fc2', n: dModel, depth: feedForward, bias: true, residual: 'self' },
    { ...PLAIN, name: 'proj1', ...square, bias: true, activation: 'gelu', yIsOperand: true },
    { ...PLAIN, name: 'proj2', n: model.decoder.hidden, depth: dModel, bias: true },
  ];
}

/** Every matrix product of the decoder but the head. */
export function decoderLinears(model: ModelShapes): LinearShape[] {
  const { hidden, intermediate, heads, kvHeads, headDim } = model.decoder;
  return [
    { ...PLAIN, name: 'q_proj', n: heads * headDim, depth: hidden },
    { ...PLAIN, name: 'k_proj', n: kvHeads * headDim, depth: hidden },
    { ...PLAIN, name: 'o_proj', n: hidden, depth: heads * headDim, residual: 'self' },
    {
      ...PLAIN,
      name: 'gate_proj, up_proj',
      n: intermediate,
      depth: hidden,
      activation: 'swiglu',
      yIsOperand: true,
    },
    { ...PLAIN, name: 'down_proj', n: hidden, depth: intermediate, residual: 'self' },
  ];
}
