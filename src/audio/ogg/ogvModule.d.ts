/*
 * The part of the package ogv that is used: its Vorbis decoder, a factory of Emscripten's making. The package has no types
 * of its own.
 */
declare module 'ogv/dist/ogv-decoder-audio-vorbis-wasm.js' {
  const factory: import('./vorbisCodec.js').OgvFactory;
  export default factory;
}
