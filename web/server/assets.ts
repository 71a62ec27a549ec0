/**
 * The built files of the page (script, style sheet, documents), read once at start and served from
 * memory by `DocumentRequests`: each with its compressed forms and its caching rule. Reads the
 * directory of the build; the headers of all HTTP responses against foreign content are here too.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { MirrorflowError } from '../../protocol/base/errors.js';

interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly cache: string;
  readonly plain: Buffer;
  readonly brotli: Buffer | undefined;
  readonly gzip: Buffer | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  // Only this server's own files: no inline scripts, no frames, no requests to other servers.
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
}

export class Assets {
  /** Changes with the content of any script or style sheet of the page. */
  readonly page: string;
  readonly #assets: ReadonlyMap<string, Asset>;

  private constructor(assets: ReadonlyMap<string, Asset>) {
    this.#assets = assets;
    // The document names the others, whose names have a hash of their content.
    this.page = assets.get('/')?.etag ?? '';
  }

  /** Throws START_FAILED when the directory has no built page. */
  static load(directory: string): Assets {
    if (!existsSync(join(directory, 'index.html'))) {
      throw new MirrorflowError(
        'START_FAILED',
        `cannot find the page of the web viewer in ${directory}: build it with \`npm run build\``,
        { directory },
      );
    }
    const assets = new Map<string, Asset>();
    for (const name of readdirSync(directory)) {
      const type = TYPES[extname(name)];
      if (type === undefined) continue;
      const path = join(directory, name);
      const plain = readFileSync(path);
      const compressed = (suffix: string): Buffer | undefined =>
        existsSync(path + suffix) ? readFileSync(path + suffix) : undefined;
      // A file with a hash in its name never changes its content.
      const immutable = /-[0-9A-Z]{8}\./.test(name);
      assets.set(name === 'index.html' ? '/' : `/${name}`, {
        type,
        etag: `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`,
        cache: immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
        plain,
        brotli: compressed('.br'),
        gzip: compressed('.gz'),
      });
    }
    return new Assets(assets);
  }

  /** Answers the request; returns false, without answering, when no such file exists. */
  serve(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const asset = this.#assets.get(path);
    if (asset === undefined) return false;
    response.setHeader('Content-Type', asset.type);
    response.setHeader('Cache-Control', asset.cache);
    response.setHeader('ETag', asset.etag);
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.headers['if-none-match'] === asset.etag) {
      response.writeHead(304).end();
      return true;
    }
    const { encoding, body } = bestEncoding(asset, [request.headers['accept-encoding'] ?? ''].flat().join());
    if (encoding !== undefined) response.setHeader('Content-Encoding', encoding);
    response.setHeader('Content-Length', body.length);
    response.writeHead(200).end(request.method === 'HEAD' ? undefined : body);
    return true;
  }
}

function bestEncoding(asset: Asset, accepted: string): { encoding: string | undefined; body: Buffer } {
  if (asset.brotli !== undefined && /\bbr\b/.test(accepted)) return { encoding: 'br', body: asset.brotli };
  if (asset.gzip !== undefined && /\bgzip\b/.test(accepted)) return { encoding: 'gzip', body: asset.gzip };
  return { encoding: undefined, body: asset.plain };
}
