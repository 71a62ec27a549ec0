/**
 * Modules of Node that few programs come to need, loaded at their first use: each takes
 * milliseconds of a program's start.
 */
import type * as Crypto from 'node:crypto';
import type * as Http from 'node:http';
import { createRequire } from 'node:module';
import type * as Zlib from 'node:zlib';

const load = createRequire(import.meta.url);

export function nodeCrypto(): typeof Crypto {
  return load('node:crypto') as typeof Crypto;
}

export function nodeHttp(): typeof Http {
  return load('node:http') as typeof Http;
}

export function nodeZlib(): typeof Zlib {
  return load('node:zlib') as typeof Zlib;
}
