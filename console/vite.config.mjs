import { defineConfig } from 'vite';

/** Pages are found at any depth and behind any prefix, so all addresses are relative. */
export default defineConfig(({ command }) => ({
  base: command === 'build' ? './' : '/ui/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': 'http://127.0.0.1:5070',
      '/readyz': 'http://127.0.0.1:5070',
      '/metrics': 'http://127.0.0.1:5070',
    },
  },
}));
