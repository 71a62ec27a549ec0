/**
 * Modules of Node that few programs need, loaded at their first use: loading each at the start of a
 * program would delay the start by milliseconds. Used by modules that every program imports. Loads
 * built-in modules, nothing else.
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
