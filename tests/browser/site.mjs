// SPDX-License-Identifier: MIT
//
// site - a web server for the pages of tests, and what esbuild makes of their
// scripts.
//
//   const site = await Site.start();
//   site.put('/app.js', 'text/javascript', await bundle('app.jsx'));
//   site.page('/', '<script type="module" src="/app.js"></script>');
//   ... site.url('/')
//   site.close();

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// A script of this directory, with all that it imports, React in its
// development build, which is the one that mounts twice in StrictMode.
export const bundle = (entry) => bundled({ entryPoints: [here(entry)] });

// The same of a text.
export const bundleText = (contents) => bundled({ stdin:
  { contents, loader: 'jsx', resolveDir: here('.') } });

async function bundled(input) {
  const { outputFiles } = await build({
    ...input,
    alias: {
      '@wsd/client': here('../../clients/js/client.js'),
      '@wsd/client/react': here('../../clients/js/react.js'),
    },
    nodePaths: [here('../../node_modules')],
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    jsxDev: true,
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false,
  });
  return outputFiles[0].text;
}

export class Site {
  // Over https with `tls`, which has PEM texts as `key` and `cert`.
  static async start(tls = null) {
    const site = new Site();
    const answer = (request, response) => site.answer(request, response);
    site.files = new Map();
    site.scheme = tls ? 'https' : 'http';
    site.server = tls ? createSecureServer(tls, answer) : createServer(answer);
    site.server.listen(0, '127.0.0.1');
    await once(site.server, 'listening');
    return site;
  }

  answer({ url }, response) {
    const file = this.files.get(new URL(url, 'http://x').pathname);
    response.writeHead(file ? 200 : 404,
      { 'Content-Type': file?.type ?? 'text/plain', ...file?.headers });
    response.end(file?.body ?? 'there is no such page');
  }

  put(path, type, body, headers = {}) {
    this.files.set(path, { type, body, headers });
  }

  // A page with this in its body.
  page(path, html, headers = {}) {
    this.put(path, 'text/html; charset=utf-8', '<!doctype html><html lang="en">' +
      `<title>test</title><link rel="icon" href="data:,"><body>${html}`, headers);
  }

  url(path, host = '127.0.0.1') {
    return `${this.scheme}://${host}:${this.server.address().port}${path}`;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections?.();
  }
}
