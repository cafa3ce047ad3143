/** The ids that the chat template is made of; they come from the model directory's own files. */
export interface PromptTokenIds {
  readonly imStart: number;
  readonly imEnd: number;
  readonly audioStart: number;
  readonly audioEnd: number;
  readonly audioPad: number;
  readonly asrText: number;
  /** Ordinary vocabulary entries. */
  readonly newline: number;
  readonly system: number;
  readonly user: number;
  readonly assistant: number;
  readonly language: number;
}

/** What differs between prompts. */
export interface PromptContent {
  /** Rows of the encoder's output. */
  readonly audioTokens: number;
  /** Ids of `system\n` + context, tokenised as one string; absent without a context. */
  readonly systemIds?: readonly number[] | undefined;
  /** Ids of ` English` (the space included) when the language is forced. */
  readonly languageNameIds?: readonly number[] | undefined;
  /** Output that stands already, which the model goes on with. */
  readonly outputIds?: readonly number[] | undefined;
}

/** A prompt and where the audio embeddings stand in it. */
export interface Prompt {
  /** [tokens] i32, with the audio pad id in place of every audio embedding. */
  readonly ids: Int32Array;
  /** Index of the first audio row. */
  readonly audioStart: number;
  readonly audioTokens: number;
}

/**
 * The chat template of Qwen3-ASR:
 *
 *   <|im_start|>system\n{context}<|im_end|>\n<|im_start|>user\n
 *   <|audio_start|><|audio_pad|>×N<|audio_end|><|im_end|>\n<|im_start|>assistant\n[language {Name}<asr_text>][output so far]
 */
export function buildPrompt(tokens: PromptTokenIds, content: PromptContent): Prompt {
  const { imStart, imEnd, newline } = tokens;
  const system = content.systemIds ?? [tokens.system, newline];
  const before = [imStart, ...system, imEnd, newline, imStart, tokens.user, newline, tokens.audioStart];
  const after = [tokens.audioEnd, imEnd, newline, imStart, tokens.assistant, newline];
  if (content.languageNameIds !== undefined) {
    after.push(tokens.language, ...content.languageNameIds, tokens.asrText);
  }
  if (content.outputIds !== undefined) after.push(...content.outputIds);
  const audioStart = before.length;
  const audioEnd = audioStart + content.audioTokens;
  const ids = new Int32Array(audioEnd + after.length);
  ids.set(before);
  ids.fill(tokens.audioPad, audioStart, audioEnd);
  ids.set(after, audioEnd);
  return { ids, audioStart, audioTokens: content.audioTokens };
}
