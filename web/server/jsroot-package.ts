/**
 * The optional npm package `jsroot`: finds it and serves its script to the document that draws with
 * it (`jsroot.html`). `main.ts` finds it at the start, `DocumentRequests` answers with it. Reads
 * files of the package only.
 *
 * The working directory is not searched: scripts of this server may do all that a page may, so the
 * package comes from beside this program or from a folder that the administrator names.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';

const PACKAGE_NAME = 'jsroot';
/** All of JSROOT in one file; its smaller bundles leave out creating histograms and 3-D. */
const SCRIPT = join('build', 'jsroot.min.js');
const compress = promisify(gzip);

export const JSROOT_DOCUMENT_PATH = '/jsroot.html';
export const JSROOT_SCRIPT_PATH = '/jsroot.min.js';

/**
 * Scripts of this server only, without `eval`, and nothing from other servers. JSROOT styles what
 * it draws by style elements and attributes.
 */
const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
  "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

interface Script {
  readonly etag: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
}

export class JsrootPackage {
  readonly version: string;
  readonly #path: string;
  /** Read and compressed at the first request. */
  #script: Promise<Script> | undefined;

  private constructor(folder: string, version: string) {
    this.#path = join(folder, SCRIPT);
    this.version = version;
  }

  /**
   * The package in the named folder, or else where an import of `program` would find it; undefined
   * where it is not installed. Throws BAD_OPTION for a named folder that does not have it.
   */
  static find(named: string | undefined, program: string): JsrootPackage | undefined {
    if (named !== undefined) return JsrootPackage.#named(named);
    try {
      const main = createRequire(join(program, 'package.json')).resolve(PACKAGE_NAME);
      return JsrootPackage.#in(dirname(dirname(main)));
    } catch {
      return undefined;
    }
  }

  static #named(folder: string): JsrootPackage {
    let reason = 'it must be an absolute path';
    try {
      if (isAbsolute(folder)) return JsrootPackage.#in(folder);
    } catch (error) {
      reason = describeError(error);
    }
    throw new MirrorflowError(
      'BAD_OPTION',
      `the folder of JSROOT is ${JSON.stringify(folder)}: ${reason}; name the folder of the npm package jsroot`,
      { path: folder },
    );
  }

  /** Throws when a file is missing, or the package is another one. */
  static #in(folder: string): JsrootPackage {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const { name, version } = manifest as { name?: unknown; version?: unknown };
    if (name !== PACKAGE_NAME || typeof version !== 'string') {
      throw new Error(`its package.json is that of ${JSON.stringify(name)}`);
    }
    readFileSync(join(folder, SCRIPT));
    return new JsrootPackage(folder, version);
  }

  /** The caller has checked that the request may view. */
  async serveScript(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#script ??= readScript(this.#path);
    const script = await this.#script;
    response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
    response.setHeader('Cache-Control', 'private, no-cache');
    response.setHeader('ETag', script.etag);
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.headers['if-none-match'] === script.etag) {
      response.writeHead(304).end();
      return;
    }
    const takesGzip = /\bgzip\b/.test([request.headers['accept-encoding'] ?? ''].flat().join());
    if (takesGzip) response.setHeader('Content-Encoding', 'gzip');
    const body = takesGzip ? script.gzip : script.plain;
    response.setHeader('Content-Length', body.length);
    response.writeHead(200).end(request.method === 'HEAD' ? undefined : body);
  }
}

async function readScript(path: string): Promise<Script> {
  const plain = await readFile(path);
  const etag = `"${createHash('sha256').update(plain).digest('hex').slice(0, 16)}"`;
  return { etag, plain, gzip: await compress(plain) };
}

/** Replaces the content policy of the viewer's own page. */
export function setJsrootPolicy(response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', CONTENT_POLICY);
}
