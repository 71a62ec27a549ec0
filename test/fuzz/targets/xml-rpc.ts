/**
 * Fuzz target for XML-RPC documents: a document that can be decoded is unchanged by encoding and
 * decoding, and the contract checks its parameters and throws no error but a MirrorflowError. The
 * fuzzer runs it (targets/all.ts). Pure.
 */
import assert from 'node:assert/strict';
import type { RandomBits } from '../../../simulator/random.js';
import { CONTRACT } from '../../../protocol/rpc/contract/methods.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import {
  decodeCall,
  decodeResponse,
  encodeCall,
  encodeFault,
  encodeResponse,
} from '../../../protocol/rpc/xml-rpc/codec.js';
import type { Method } from '../../../protocol/rpc/xml-rpc/contract.js';
import type { RpcValue } from '../../../protocol/rpc/xml-rpc/values.js';
import type { FuzzTarget } from '../fuzzer.js';

const METHODS: readonly (readonly [name: string, method: Method])[] = Object.entries(CONTRACT);
/** Values of random text parameters. */
const TEXTS = [
  '',
  'e23001',
  'spectra',
  'a&b<c>"d"',
  '\u00e9\u{1f600}',
  'x'.repeat(300),
  '__proto__',
  'constructor',
  '../x',
  '\r\n\t',
];
/** Names of the members of random structs. */
const MEMBERS = [
  'name',
  'flow',
  'session',
  'handle',
  'version',
  'pid',
  'identity',
  'direction',
  '__proto__',
  'toString',
  '',
];
/** Replacements for texts in a document, unusual or wrong but well-formed XML. */
const ODD_TEXTS = [
  '', ' ', ' 5 ', '+5', '-0', '05', '0x10', '1e5', '.5', '5.', 'NaN', 'Infinity', '2147483648', '-2147483649', '9'.repeat(400), '1', '2', 'true',
  '19980717T14:08:55', '20261340T25:61:61', '1998-07-17T14:08:55Z', '00000000T00:00:00', 'AA=', 'AA==', 'A', '====', '&lt;', '&#10;', '&#xD800;',
  '<![CDATA[<a>]]>', '<!-- -->', '<?a b?>', '<nil/>', '<value>5</value>', '<int>5</int>', '<value/>', '<struct/>', '<array/>', '__proto__',
]; // prettier-ignore

function randomValue(random: RandomBits, depth = 0): RpcValue {
  switch (random() % (depth > 4 ? 6 : 8)) {
    case 0:
      return random() % 2 === 0;
    case 1:
      return (random() | 0) >> (random() % 32);
    case 2:
      return [0.5, -0, 1e300, 2 ** 53, -1e-300, 2 ** 31][random() % 6] ?? 0;
    case 3:
      return new Date(random() * 1000);
    case 4:
      return Buffer.alloc(random() % 40, random());
    case 5:
      return TEXTS[random() % TEXTS.length] ?? '';
    case 6:
      return Array.from({ length: random() % 5 }, () => randomValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random() % 5 }, () => [
          MEMBERS[random() % MEMBERS.length] ?? 'm',
          randomValue(random, depth + 1),
        ]),
      );
  }
}

function generate(random: RandomBits): Buffer {
  const document = generateValid(random);
  if (random() % 3 > 0) return document;
  const replaceSome = (text: string): string =>
    random() % 8 === 0 ? `>${ODD_TEXTS[random() % ODD_TEXTS.length] ?? ''}<` : text;
  return Buffer.from(document.toString().replaceAll(/>[^<>]*</g, replaceSome));
}

function generateValid(random: RandomBits): Buffer {
  const [name = 'host.info', method] = METHODS[random() % METHODS.length] ?? [];
  if (random() % 6 === 0) return encodeFault(random() | 0, TEXTS[random() % TEXTS.length] ?? '');
  try {
    if (random() % 4 === 0) return encodeResponse(randomValue(random));
    return encodeCall(
      name,
      (method?.params ?? []).map(() => randomValue(random)),
    );
  } catch {
    return encodeCall(name, []);
  }
}

/** The methods whose schemas check the parameters of a call: the called method and three others. */
function methodsToCheck(calledName: string, random: RandomBits): readonly (readonly [string, Method])[] {
  const others = Array.from({ length: 3 }, () => METHODS[random() % METHODS.length]);
  const called = METHODS.find(([name]) => name === calledName);
  return [called, ...others].filter((method) => method !== undefined);
}

function run(input: Buffer, random: RandomBits): void {
  if (input.includes('<methodResponse')) {
    const result = decodeResponse(input);
    assert.deepEqual(decodeResponse(encodeResponse(result)), result);
    return;
  }
  const { method, params } = decodeCall(input);
  assert.deepEqual(decodeCall(encodeCall(method, params)), { method, params });
  for (const [name, { params: expected }] of methodsToCheck(method, random)) {
    for (const [index, { schema, name: root }] of expected.entries()) {
      const unknownMembers = index % 2 === 0 ? 'refuse' : 'drop';
      try {
        schema.check(params[index], { method: name, root, path: [], unknownMembers });
      } catch (error) {
        if (!isMirrorflowError(error)) throw error;
      }
    }
  }
}

export const xmlRpc: FuzzTarget = {
  name: 'xml-rpc',
  dictionary: [
    '<methodCall>', '<methodResponse>', '<params>', '<param>', '<value>', '<array><data>', '<struct><member>', '<name>', '</value>',
    '<int>', '<i4>-2147483649</i4>', '<double>NaN</double>', '<double>1e999</double>', '<base64>', '<dateTime.iso8601>', '<nil/>',
    '<boolean>2</boolean>', '<![CDATA[', ']]>', '<!--', '-->', '<?xml version="1.0"?>', '<!DOCTYPE x [<!ENTITY a "b">]>', '&a;', '&#0;',
    '&#x110000;', '&amp;', '\0', '<value><array><data>'.repeat(40), '<fault>', '</', '>',
  ], // prettier-ignore
  generate,
  run,
};
