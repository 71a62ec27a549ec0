/**
 * The methods `system.*` of every server: introspection and `system.multicall`, which XML-RPC
 * servers have by convention, and the proof of the shared secret over HTTP. The dispatcher and the
 * HTTP authentication serve them. Pure.
 */
import { ERROR_CODES, MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { method, param } from './contract.js';
import { EncodedValue, encodeValue } from './encoding.js';
import { errorForCaller, faultStruct } from './fault.js';
import { namedMessage } from './foreign-callers.js';
import { any, arrayOf, bytes, int, string, struct } from './schema.js';
import { NONCE_BYTES, PROOF_BYTES } from '../security/proof.js';
import { isStruct, type RpcValue } from './values.js';

const methodName = string({ maxCharacters: 128, doc: 'a method name' });

/** Separate from the contracts of the servers, which must not define names of `system.*`. */
export const systemContract = {
  'system.listMethods': method({
    right: 'read',
    doc: 'The names of all methods of this server.',
    params: [],
    returns: arrayOf(string()),
  }),
  'system.methodSignature': method({
    right: 'read',
    doc: 'The signatures of a method: for each number of parameters, an array of type names, the result first.',
    params: [param('method', methodName, 'the method')],
    returns: arrayOf(arrayOf(string())),
  }),
  'system.methodHelp': method({
    right: 'read',
    doc: 'The documentation of a method: what it does, its parameters, its result.',
    params: [param('method', methodName, 'the method')],
    returns: string(),
  }),
  'system.multicall': method({
    right: 'read',
    doc: 'Runs several calls, one after another. The result has one entry per call: an array with the result of the call, or the struct of its fault.',
    params: [
      param(
        'calls',
        arrayOf(any(), { maxCount: LIMITS.rpcMulticallCalls }),
        'structs of methodName (string) and params (array)',
      ),
    ],
    returns: arrayOf(any()),
  }),
};

/**
 * The methods that prove the shared secret over HTTP: the only ones that need no authentication.
 * They are not served on sessions.
 */
export const authenticationContract = {
  'system.challenge': method({
    right: 'read',
    doc:
      'Begins a proof of the shared secret over HTTP; needs no authentication. The server answers with its own nonce and its own proof: ' +
      'the HMAC-SHA-256, keyed with the secret, of "mirrorflow", "rpc", "listener", both nonces and an empty text, where each text is preceded ' +
      'by its length as u32, little-endian.',
    params: [
      param('nonce', bytes({ maxBytes: NONCE_BYTES }), `${NONCE_BYTES} random bytes, new for every call`),
    ],
    returns: struct({ nonce: bytes({ maxBytes: NONCE_BYTES }), proof: bytes({ maxBytes: PROOF_BYTES }) }),
  }),
  'system.authenticate': method({
    right: 'read',
    doc:
      'Completes a proof of the shared secret over HTTP; needs no authentication. The proof is computed as in system.challenge, with "caller" instead ' +
      'of "listener". Returns a token to be sent with every call as Basic password or Bearer token; it expires after idleMs milliseconds without a call.',
    params: [
      param('nonce', bytes({ maxBytes: NONCE_BYTES }), 'the nonce that system.challenge returned'),
      param('proof', bytes({ maxBytes: PROOF_BYTES }), 'the proof of the caller'),
    ],
    returns: struct({ token: string({ maxCharacters: 64 }), idleMs: int({ min: 1 }) }),
  }),
};

/** The result of a call in a multicall is enclosed by the array of all and the array of one. */
const OUTER_DEPTH = 2;

/**
 * Runs the calls of a multicall in order; a failing call does not stop the ones after it. Throws
 * TOO_LARGE if the results together exceed the largest body.
 */
export async function runMulticall(
  calls: readonly RpcValue[],
  dispatch: (method: string, params: readonly RpcValue[], outerDepth: number) => Promise<EncodedValue>,
): Promise<EncodedValue> {
  const results: string[] = [];
  for (const call of calls) {
    try {
      const { method, params } = parseCall(call);
      results.push(arrayElement((await dispatch(method, params, OUTER_DEPTH)).xml));
    } catch (thrown) {
      const error = errorForCaller(thrown);
      results.push(encodeValue('fault', faultStruct(ERROR_CODES[error.code], namedMessage(error))));
    }
  }
  const xml = arrayElement(results.join(''));
  if (xml.length <= LIMITS.rpcBodyBytes) return new EncodedValue(xml);
  throw new MirrorflowError(
    'TOO_LARGE',
    `the results of system.multicall have ${xml.length} characters; a body has at most ${LIMITS.rpcBodyBytes} bytes: make fewer calls at once`,
    { characters: xml.length, limitBytes: LIMITS.rpcBodyBytes },
  );
}

function arrayElement(items: string): string {
  return `<value><array><data>${items}</data></array></value>`;
}

function parseCall(call: RpcValue): { method: string; params: readonly RpcValue[] } {
  const { methodName: method, params = [] } = isStruct(call) ? call : {};
  if (typeof method !== 'string' || !Array.isArray(params)) {
    throw new MirrorflowError(
      'INVALID_PARAMETERS',
      'a call in system.multicall must be a struct of methodName (string) and params (array)',
    );
  }
  if (method === 'system.multicall') {
    throw new MirrorflowError('INVALID_PARAMETERS', 'system.multicall must not contain system.multicall');
  }
  return { method, params };
}
