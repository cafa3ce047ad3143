/*
 * The parts of the package ogv that are used: its audio decoders, each a factory of Emscripten's making. The package
 * has no types of its own.
 */

declare module 'ogv/dist/ogv-decoder-audio-vorbis-wasm.js' {
  const factory: import('./ogvCodec.js').OgvFactory;
  export default factory;
}

declare module 'ogv/dist/ogv-decoder-audio-opus-wasm.js' {
  const factory: import('./ogvCodec.js').OgvFactory;
  export default factory;
}
