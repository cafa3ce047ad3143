import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** With these a page is cross-origin isolated, which browsers ask for before they share memory between threads. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  // Serves the demo model below demo/.
  publicDir: fileURLToPath(new URL('../models', import.meta.url)),
  appType: 'mpa', // a missing file is a 404, not the start page
  // The page allows scripts from files alone, and a small one would become part of another otherwise.
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers, port: 8080 },
});
