import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The server that `npm run dev` shows: a running `stele serve`.
const server = process.env.STELE_URL ?? 'http://localhost:5341';

// The dev server stands in for the page's own origin, and the real server refuses
// writes from a foreign one (R23), so the proxy presents itself as same-origin.
const proxied = {
  target: server,
  changeOrigin: true,
  headers: { Origin: new URL(server).origin },
};

export default defineConfig({
  plugins: [svelte()],
  // Relative addresses: the page works below any base path.
  base: './',
  server: {
    port: 4200,
    strictPort: true,
    proxy: { '/api': proxied, '/ingest': proxied, '/health': proxied },
  },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // Inlined assets would be data: addresses, which a strict policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
